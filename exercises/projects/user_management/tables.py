"""Makes the tables. Given: nothing to write here."""

from pathlib import Path

from course_lib.databases.migrations import Runner

FOLDER = Path(__file__).parent / "migrations"


def migrate(conn):
    """Run the files of migrations/ that have not run in this database, in order."""
    return Runner(conn, FOLDER).up()
