"""Makes the tables. Given: nothing to write here."""

from pathlib import Path

_HERE = Path(__file__).parent


def create(conn):
    """Run schema.sql, which is given, and rollup.sql, which is yours."""
    for name in ("schema.sql", "rollup.sql"):
        conn.execute((_HERE / name).read_text(encoding="utf-8"))
