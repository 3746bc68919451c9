"""Migrations on SQLite and PostgreSQL: whole, once, in order, and what refuses them."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from course_lib.clock import ManualClock
from course_lib.databases.dialects import Progress, dialect_of
from course_lib.databases.migration_session import statements
from course_lib.databases.migrations import MigrationError, Runner

PATIENCE = 20.0  # seconds until a stuck test fails; a passing one needs none of them

SHOP = {
    "0001_products.up.sql": "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT);",
    "0001_products.down.sql": "DROP TABLE products;",
    "0002_first_product.py": (
        "def up(conn):\n"
        "    conn.execute(\"INSERT INTO products VALUES (1, 'oak')\")\n"
        "def down(conn):\n"
        "    conn.execute('DELETE FROM products WHERE id = 1')\n"
    ),
    "0003_price.up.sql": (
        "ALTER TABLE products ADD COLUMN price INTEGER;\n"
        "UPDATE products SET price = 900; -- cents; not euros\n"
    ),
    "0003_price.down.sql": "ALTER TABLE products DROP COLUMN price;",
}


def as_dict(cursor, row):
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


class Project:
    """A folder of migrations, a database, and a runner."""

    def __init__(self, database, folder):
        self.database = database
        self.folder = folder
        folder.mkdir()
        self.write(SHOP)
        self.conn = database.open()
        self.runner = self.another(self.conn)

    def another(self, conn, **settings):
        return Runner(conn, self.folder, clock=ManualClock(), **settings)

    def write(self, files):
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def remove(self, name):
        (self.folder / name).unlink()

    @property
    def tables(self):
        if self.database.name == "sqlite":
            rows = self.database.ask("SELECT name FROM sqlite_master WHERE type = 'table'")
        else:
            rows = self.database.ask(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            )
        return {name for (name,) in rows}

    def is_idle(self):
        return dialect_of(self.conn).progress(self.conn) is Progress.IDLE


@pytest.fixture
def project(database, tmp_path):
    project = Project(database, tmp_path / "migrations")
    yield project
    project.conn.close()


@pytest.fixture
def on_sqlite(sqlite_database, tmp_path):
    project = Project(sqlite_database, tmp_path / "migrations")
    yield project
    project.conn.close()


@pytest.fixture
def on_postgresql(postgresql, tmp_path):
    project = Project(postgresql, tmp_path / "migrations")
    yield project
    project.conn.close()


class TestUpAndDown:
    def test_all_pending_migrations_run_in_order(self, project):
        assert project.runner.up() == [1, 2, 3]

        assert project.database.ask("SELECT id, name, price FROM products") == [(1, "oak", 900)]

    def test_a_second_run_does_nothing(self, project):
        project.runner.up()

        assert project.runner.up() == []

    def test_up_to_a_number_includes_it(self, project):
        assert project.runner.up(2) == [1, 2]
        assert project.runner.plan() == [3]
        assert project.runner.plan(2) == []
        assert project.runner.up(3) == [3]

    def test_down_to_a_number_keeps_it(self, project):
        project.runner.up()

        assert project.runner.down(1) == [3, 2]

        assert project.database.ask("SELECT * FROM products") == []
        assert project.runner.up() == [2, 3]

    def test_down_to_zero_undoes_everything(self, project):
        project.runner.up()

        assert project.runner.down(0) == [3, 2, 1]
        assert project.tables == {"schema_migrations"}

    def test_nine_comes_before_ten_without_zeros_in_front(self, project):
        for name in SHOP:
            project.remove(name)
        project.write({f"{n}_step.up.sql": f"CREATE TABLE t{n} (a INTEGER)" for n in range(1, 11)})

        assert project.runner.up() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

    def test_the_notes_have_name_and_date(self, project):
        project.runner.up(1)

        notes = project.database.ask("SELECT number, name, applied_at FROM schema_migrations")
        assert notes == [(1, "products", "2026-01-01T00:00:00+00:00")]

    def test_the_status_names_each_migration(self, project):
        project.runner.up(1)

        assert project.runner.status() == [
            (1, "products", "applied"),
            (2, "first_product", "pending"),
            (3, "price", "pending"),
        ]

    def test_looking_changes_nothing_in_a_new_database(self, project):
        assert project.runner.plan() == [1, 2, 3]
        assert [state for _, _, state in project.runner.status()] == ["pending"] * 3
        project.runner.verify()

        assert project.tables == set()

    def test_the_connection_is_idle_after_each_call(self, project):
        runner = project.runner
        for call in (runner.plan, runner.status, runner.verify, runner.up, lambda: runner.down(0)):
            call()
            assert project.is_idle()

    def test_the_rows_of_the_application_do_not_matter(self, project):
        sqlite = project.database.name == "sqlite"
        project.conn.row_factory = as_dict if sqlite else psycopg.rows.dict_row

        assert project.runner.up() == [1, 2, 3]
        assert project.runner.plan() == []

    def test_a_baseline_notes_without_running(self, project):
        project.database.do("CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT)")

        project.runner.baseline(1)

        assert project.runner.up() == [2, 3]

    def test_a_second_baseline_is_refused(self, project):
        project.runner.baseline(1)

        with pytest.raises(MigrationError, match="where nothing is noted yet"):
            project.runner.baseline(2)
        assert project.runner.plan() == [2, 3]

    @pytest.mark.parametrize("wrong", [0, -1, 4])
    def test_a_number_that_is_not_there_is_refused(self, project, wrong):
        for call in (project.runner.up, project.runner.plan, project.runner.baseline):
            with pytest.raises(ValueError, match=f"there is no migration {wrong}, the last one"):
                call(wrong)

    def test_another_table_for_the_notes(self, project):
        project.another(project.conn, table="history").up(1)

        assert project.tables == {"products", "history"}

    def test_a_table_name_that_could_be_sql_is_refused(self, project):
        with pytest.raises(ValueError, match="table must be small letters"):
            project.another(project.conn, table="notes; DROP TABLE products")

    def test_inside_a_transaction_it_refuses_to_work(self, project):
        project.conn.execute("BEGIN" if getattr(project.conn, "autocommit", True) else "SELECT 1")

        with pytest.raises(RuntimeError, match="need a connection of their own"):
            project.runner.up()


class TestWholeOrNotAtAll:
    def test_a_failing_statement_undoes_its_migration_and_keeps_the_earlier_ones(self, project):
        project.write({"0004_more.up.sql": "CREATE TABLE stock (n INTEGER); SELECT wrong;"})

        with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedColumn)) as caught:
            project.runner.up()

        assert caught.value.__notes__ == ["Migration 4 (more), going up."]
        assert project.tables == {"products", "schema_migrations"}
        assert project.runner.plan() == [4]
        assert project.is_idle()

    def test_after_mending_it_the_run_goes_on(self, project):
        project.write({"0004_more.up.sql": "CREATE TABLE stock (n INTEGER); SELECT wrong;"})
        with pytest.raises((sqlite3.Error, psycopg.Error)):
            project.runner.up()

        project.write({"0004_more.up.sql": "CREATE TABLE stock (n INTEGER);"})

        assert project.runner.up() == [4]

    def test_a_crash_between_the_change_and_its_note_leaves_neither(self, project, monkeypatch):
        def crash(migration):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(project.runner, "_note", crash)
            with pytest.raises(KeyboardInterrupt):
                project.runner.up(1)

        assert project.tables == set()
        assert project.runner.up() == [1, 2, 3]

    def test_a_failing_way_down_undoes_nothing(self, project):
        project.write({"0003_price.down.sql": "ALTER TABLE products DROP COLUMN price; SELECT w;"})
        project.runner.up()

        with pytest.raises((sqlite3.Error, psycopg.Error)):
            project.runner.down(2)

        assert project.database.ask("SELECT price FROM products") == [(900,)]
        assert project.runner.plan() == []

    def test_a_python_error_undoes_its_migration(self, project):
        project.write(
            {
                "0004_more.py": "def up(conn):\n"
                "    conn.execute('CREATE TABLE stock (n INTEGER)')\n"
                "    raise KeyError('stock')\n"
            }
        )

        with pytest.raises(KeyError):
            project.runner.up()

        assert "stock" not in project.tables
        assert project.runner.plan() == [4]

    @pytest.mark.parametrize(
        "ending",
        [
            {"0004_more.up.sql": "CREATE TABLE stock (n INTEGER); COMMIT;"},
            {"0004_more.up.sql": "CREATE TABLE stock (n INTEGER); COMMIT; BEGIN; SELECT 1;"},
            {"0004_more.py": "def up(conn):\n    conn.commit()\n    conn.execute('SELECT 1')\n"},
            {"0004_more.py": "def up(conn):\n    conn.rollback()\n"},
        ],
    )
    def test_a_migration_that_ends_the_transaction_is_not_noted(self, project, ending):
        project.write(ending)

        with pytest.raises(MigrationError, match="has ended the transaction"):
            project.runner.up()

        assert project.runner.plan() == [4]
        assert project.is_idle()

    def test_a_hidden_error_is_not_noted(self, on_postgresql):
        on_postgresql.write(
            {
                "0004_more.py": "def up(conn):\n"
                "    try:\n        conn.execute('SELECT wrong')\n"
                "    except Exception:\n        pass\n"
            }
        )

        with pytest.raises(MigrationError, match="hidden an error"):
            on_postgresql.runner.up()


class TestHistory:
    def test_an_edited_migration_that_was_run_is_refused(self, project):
        project.runner.up(2)
        project.write({"0001_products.up.sql": "CREATE TABLE products (id BIGINT)"})

        for call in (project.runner.verify, project.runner.up, lambda: project.runner.down(0)):
            with pytest.raises(MigrationError, match=r"1 \(products\) was edited after it was run"):
                call()

    def test_a_pending_one_may_be_edited(self, project):
        project.runner.up(2)
        project.write({"0003_price.up.sql": "ALTER TABLE products ADD COLUMN price INTEGER"})

        assert project.runner.up() == [3]

    def test_a_way_down_may_be_mended(self, project):
        project.runner.up()
        project.write({"0003_price.down.sql": "ALTER TABLE products DROP COLUMN price"})

        assert project.runner.down(2) == [3]

    def test_line_ends_of_windows_are_no_edit(self, project):
        project.runner.up()
        text = SHOP["0003_price.up.sql"].replace("\n", "\r\n").encode()
        (project.folder / "0003_price.up.sql").write_bytes(text)

        project.runner.verify()

    def test_a_program_that_is_older_than_the_database_is_told_so(self, project):
        project.runner.up()
        project.remove("0003_price.up.sql")
        project.remove("0003_price.down.sql")

        with pytest.raises(MigrationError, match=r"3 \(price\) was run but is not in the folder"):
            project.runner.up()
        assert project.runner.status()[-1] == (3, "price", "applied")

    def test_one_that_was_left_out_is_told(self, project):
        project.runner.up()
        project.database.do("DELETE FROM schema_migrations WHERE number = 2")

        with pytest.raises(MigrationError, match="3 was run, but 2 before it was not"):
            project.runner.verify()

    @pytest.mark.parametrize("irreversible", [{"up.sql": "SELECT 1"}, {"py": "def up(c): ...\n"}])
    def test_no_way_down_means_that_nothing_is_undone(self, project, irreversible):
        project.write({f"0004_more.{kind}": text for kind, text in irreversible.items()})
        project.write({"0005_stock.up.sql": "SELECT 1", "0005_stock.down.sql": "SELECT 1"})
        project.runner.up()

        with pytest.raises(MigrationError, match="4 has no way down, so nothing was undone"):
            project.runner.down(2)

        assert project.runner.plan() == []


class TestFolder:
    @pytest.mark.parametrize(
        ("files", "sentence"),
        [
            ({"0005_more.up.sql": ""}, "migration 4 is missing before 5"),
            ({"0000_zero.up.sql": ""}, "migration 1 is missing before 0"),
            ({"3_more.up.sql": ""}, "migration 3 is there twice, renumber one of 0003_price.down"),
            ({"0004_a.up.sql": "", "0004_b.down.sql": ""}, "migration 4 is there twice"),
            ({"03_price.up.sql": ""}, "migration 3 is there twice"),
            ({"0003_price.py": ""}, "migration 3 is there twice"),
            ({"0004_more.down.sql": ""}, "migration 4 has a way down but none up"),
            ({"0004_more.sql": ""}, "0004_more.sql is no name for a migration"),
            ({"0004_More.up.sql": ""}, "0004_More.up.sql is no name"),
            ({"more.py": ""}, "more.py is no name"),
            ({"0004_more.py": "def down(conn): ...\n"}, "0004_more.py has no function up"),
            ({"0004_more.py": "up = 7\n"}, "up in 0004_more.py is no function"),
        ],
    )
    def test_what_is_wrong_with_the_files_is_said_before_anything_runs(
        self, on_sqlite, files, sentence
    ):
        on_sqlite.write(files)
        to = 3 if "py" in str(files) and "0004" in str(files) else None

        with pytest.raises(MigrationError, match=sentence):
            on_sqlite.runner.up(to) and on_sqlite.runner.up()

        if to is None:
            assert on_sqlite.tables == set()

    def test_other_files_may_lie_there(self, on_sqlite):
        on_sqlite.write({"README.md": "", "__init__.py": "", ".keep": ""})
        (on_sqlite.folder / "__pycache__").mkdir()

        assert on_sqlite.runner.plan() == [1, 2, 3]

    def test_text_that_is_not_utf_8_is_told(self, on_sqlite):
        (on_sqlite.folder / "0004_more.up.sql").write_bytes(b"SELECT '\xe9'")

        with pytest.raises(MigrationError, match=r"0004_more\.up\.sql is not UTF-8"):
            on_sqlite.runner.plan()

    def test_a_folder_that_is_not_there_is_told(self, on_sqlite):
        with pytest.raises(MigrationError, match="there is no folder nowhere"):
            Runner(on_sqlite.conn, on_sqlite.folder / "nowhere").plan()


class TestTwoRunners:
    def test_each_migration_is_run_by_one_of_the_two(self, project):
        both_have_planned = threading.Barrier(2)

        def work(_):
            conn = project.database.open()
            runner = project.another(conn)
            plan, planned = runner.plan, []

            def plan_together(to=None):
                found = plan(to)
                if not planned:
                    planned.append(found)
                    both_have_planned.wait(PATIENCE)
                return found

            runner.plan = plan_together
            done = runner.up()
            conn.close()
            return done

        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(work, range(2))

        assert sorted(first + second) == [1, 2, 3]
        assert project.database.ask("SELECT count(*) FROM products") == [(1,)]

    def test_the_second_looks_again_even_at_the_serializable_level(self, on_postgresql):
        conn = on_postgresql.database.open()
        conn.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        runner = on_postgresql.another(conn)
        session = runner._session
        limit = session._limit_waiting

        def the_other_is_faster(seconds):
            limit(seconds)
            session._limit_waiting = limit
            on_postgresql.runner.up()

        session._limit_waiting = the_other_is_faster

        assert runner.up() == []
        conn.close()

    def test_down_stops_when_another_has_gone_up(self, project):
        project.write({"0004_more.up.sql": "SELECT 1", "0004_more.down.sql": "SELECT 1"})
        project.runner.up(3)
        runner = project.runner
        alone = runner._alone

        def the_other_is_faster():
            runner._alone = alone
            with project.database.connect() as conn:
                project.another(conn).up()
            return alone()

        runner._alone = the_other_is_faster

        with pytest.raises(MigrationError, match="another runner is at work, 3 was not undone"):
            runner.down(2)

        assert runner.plan() == []

    def test_up_to_a_number_stays_there_when_another_was_faster(self, project):
        runner = project.runner
        alone = runner._alone

        def the_other_is_faster():
            runner._alone = alone
            with project.database.connect() as conn:
                project.another(conn).up(2)
            return alone()

        runner._alone = the_other_is_faster

        assert runner.up(2) == []
        assert runner.plan() == [3]

    def test_it_waits_only_so_long_for_another(self, on_postgresql):
        with on_postgresql.database.connect() as busy:
            with on_postgresql.another(busy)._alone():
                waiting = on_postgresql.another(on_postgresql.conn, wait_for_others=0.01)
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    waiting.up()

    def test_a_change_waits_only_so_long_for_an_open_reader(self, on_postgresql):
        on_postgresql.runner.up(2)
        impatient = on_postgresql.another(on_postgresql.conn, lock_timeout=0.01)
        with on_postgresql.database.connect() as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM products").fetchall()

            with pytest.raises(psycopg.errors.LockNotAvailable):
                impatient.up()

            assert reader.execute("SELECT count(*) FROM products").fetchone() == (1,)
            reader.rollback()
        assert impatient.up() == [3]

    def test_a_migration_waits_less_for_a_table_than_for_another_runner(self, on_postgresql):
        on_postgresql.write(
            {"0004_more.up.sql": "CREATE TABLE seen AS SELECT current_setting('lock_timeout')"}
        )

        on_postgresql.another(on_postgresql.conn, wait_for_others=60.0, lock_timeout=7.0).up()

        assert on_postgresql.database.ask("SELECT * FROM seen") == [("7s",)]

    def test_the_lock_is_gone_after_an_error(self, on_postgresql):
        on_postgresql.write({"0004_more.up.sql": "SELECT wrong"})
        with pytest.raises(psycopg.Error):
            on_postgresql.runner.up()

        assert on_postgresql.database.ask(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        ) == [(0,)]

    def test_waiting_limits_end_with_the_migration(self, on_postgresql):
        on_postgresql.runner.up()

        assert on_postgresql.conn.execute("SHOW lock_timeout").fetchone() == ("0",)


class TestForeignKeysOfSQLite:
    REBUILD = (
        "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
        "INSERT INTO new SELECT id, name FROM products{where};\n"
        "DROP TABLE products;\n"
        "ALTER TABLE new RENAME TO products;\n"
    )
    LINES = (
        "CREATE TABLE lines (product INTEGER REFERENCES products ON DELETE CASCADE);"
        "INSERT INTO lines VALUES (1);"
    )

    @pytest.fixture
    def shop(self, on_sqlite):
        on_sqlite.write({"0004_lines.up.sql": self.LINES})
        on_sqlite.runner.up()
        on_sqlite.conn.execute("PRAGMA foreign_keys = ON")
        return on_sqlite

    def test_a_table_can_be_rebuilt_without_losing_its_children(self, shop):
        shop.write({"0005_not_null.up.sql": self.REBUILD.format(where="")})

        assert shop.runner.up() == [5]

        assert shop.database.ask("SELECT product FROM lines") == [(1,)]

    def test_a_rebuild_that_leaves_orphans_is_undone(self, shop):
        shop.write({"0005_not_null.up.sql": self.REBUILD.format(where=" WHERE id > 1")})

        with pytest.raises(MigrationError, match="1 rows would have no parent, the first in lines"):
            shop.runner.up()

        assert shop.database.ask("SELECT id, price FROM products") == [(1, 900)]
        assert shop.runner.plan() == [5]

    @pytest.mark.parametrize("before", [0, 1])
    @pytest.mark.parametrize("script", ["SELECT 1", "SELECT wrong"])
    def test_afterwards_foreign_keys_are_as_they_were(self, shop, before, script):
        shop.conn.execute(f"PRAGMA foreign_keys = {before}")
        shop.write({"0005_more.up.sql": script})

        try:
            shop.runner.up()
        except sqlite3.OperationalError:
            assert script == "SELECT wrong"

        assert shop.conn.execute("PRAGMA foreign_keys").fetchone() == (before,)


class TestStatements:
    @pytest.mark.parametrize(
        ("script", "expected"),
        [
            ("", []),
            (" \n", []),
            (";;", []),
            ("SELECT 1", ["SELECT 1;"]),
            ("SELECT 1;SELECT 2;", ["SELECT 1;", "SELECT 2;"]),
            ("SELECT ';' ;", ["SELECT ';' ;"]),
            ("SELECT 1 -- a;\n;", ["SELECT 1 -- a;\n;"]),
            ("/* a; b */ SELECT 1;", ["/* a; b */ SELECT 1;"]),
            ("SELECT 1; -- the end", ["SELECT 1;", "-- the end"]),
            ("SELECT 'never ends", ["SELECT 'never ends"]),
            ('SELECT "a;b"; SELECT [c;d]', ['SELECT "a;b";', "SELECT [c;d];"]),
        ],
    )
    def test_semicolons_count_only_between_statements(self, script, expected):
        assert list(statements(script)) == expected

    def test_a_trigger_is_one_statement(self):
        trigger = (
            "CREATE TRIGGER keep AFTER UPDATE ON products BEGIN\n"
            "  UPDATE products SET price = CASE WHEN price < 0 THEN 0 ELSE price END;\n"
            "  SELECT 1;\n"
            "END;"
        )

        assert list(statements(trigger + "SELECT 2;")) == [trigger, "SELECT 2;"]
