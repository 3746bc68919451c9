"""Consoles on one database: what each step did, the same every time."""

import sqlite3
from collections.abc import Iterator

import pytest

from course_lib.labs import Consoles, Database, Story, postgres, sqlite, two_consoles

TAKE = "UPDATE accounts SET balance = balance - 10 WHERE id = {}"


@pytest.fixture
def bank() -> Iterator[Database]:
    with postgres().database() as database:
        with database.connect() as connection:
            connection.execute("CREATE TABLE accounts (id int PRIMARY KEY, balance int)")
            connection.execute("INSERT INTO accounts VALUES (1, 100), (2, 100)")
        yield database


def rows(story: Story) -> list[tuple[int, str, str]]:
    return [(event.step, event.console, event.outcome) for event in story.events]


def test_a_waiting_statement_is_told_again_at_the_step_that_releases_it(bank: Database) -> None:
    steps = ["A: BEGIN", f"A: {TAKE.format(1)}", f"B: {TAKE.format(1)}", "A: COMMIT"]

    story = two_consoles(bank.connect, steps)

    assert rows(story) == [
        (1, "A", "BEGIN"),
        (2, "A", "UPDATE 1"),
        (3, "B", "waits for A"),
        (4, "A", "COMMIT"),
        (4, "B", "UPDATE 1"),
    ]


def test_the_description_puts_what_was_released_under_the_step(bank: Database) -> None:
    steps = ["A: BEGIN", "A: SELECT pg_advisory_lock(7)", "B: SELECT pg_advisory_lock(7)"]

    story = two_consoles(bank.connect, [*steps, "A: SELECT pg_advisory_unlock(7) AS freed"])

    assert story.describe().splitlines()[2:] == [
        " 3. B: SELECT pg_advisory_lock(7) -> waits for A",
        " 4. A: SELECT pg_advisory_unlock(7) AS freed -> 1 row: freed=True",
        "    B: SELECT pg_advisory_lock(7) -> 1 row: pg_advisory_lock=",
    ]


def test_the_same_steps_in_another_order_give_another_end(bank: Database) -> None:
    steps = [f"A: {TAKE.format(1)}", "B: SELECT balance FROM accounts WHERE id = 1"]

    later = two_consoles(bank.connect, steps, order=[2, 1])

    assert rows(later) == [(1, "B", "1 row: balance=100"), (2, "A", "UPDATE 1")]


def test_rows_are_shown_with_their_columns_and_the_first_six_only(bank: Database) -> None:
    query = "SELECT n, CASE WHEN n > 1 THEN n END AS m FROM generate_series(1, 7) AS n"

    story = two_consoles(bank.connect, [f"A: {query}", "A: SELECT 1 WHERE false"])

    assert story.outcomes("A") == [
        "7 rows: n=1 m=NULL; n=2 m=2; n=3 m=3; n=4 m=4; n=5 m=5; n=6 m=6; ...",
        "0 rows",
    ]


def test_an_error_is_told_with_its_code_and_the_transaction_rolls_back(bank: Database) -> None:
    steps = ["A: BEGIN", "A: INSERT INTO accounts VALUES (1, 0)", "A: SELECT 1", "A: COMMIT"]

    story = two_consoles(bank.connect, steps)

    assert [outcome[:12] for outcome in story.outcomes("A")] == [
        "BEGIN",
        "error 23505:",
        "error 25P02:",
        "ROLLBACK",
    ]


def test_serialization_failures_are_told(bank: Database) -> None:
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ"
    steps = [f"A: {begin}", "A: SELECT 1", f"B: {TAKE.format(1)}", f"A: {TAKE.format(1)}"]

    story = two_consoles(bank.connect, steps)

    assert story.outcomes("A")[-1] == (
        "error 40001: could not serialize access due to concurrent update"
    )


def test_looking_after_a_console_takes_no_snapshot_in_its_transaction(bank: Database) -> None:
    steps = ["A: BEGIN ISOLATION LEVEL REPEATABLE READ", f"B: {TAKE.format(1)}"]

    story = two_consoles(bank.connect, [*steps, "A: SELECT balance FROM accounts WHERE id = 1"])

    assert story.outcomes("A")[-1] == "1 row: balance=90"  # its first statement sees B's commit


def deadlock(closes: str, waits: str) -> list[str]:
    return [
        f"{closes}: BEGIN",
        f"{waits}: BEGIN",
        f"{closes}: {TAKE.format(1)}",
        f"{waits}: {TAKE.format(2)}",
        f"{waits}: {TAKE.format(1)}",
        f"{closes}: {TAKE.format(2)}",
    ]


@pytest.mark.parametrize(("closes", "waits"), [("A", "B"), ("B", "A")])
def test_the_victim_of_a_deadlock_is_who_closed_the_circle(
    bank: Database, closes: str, waits: str
) -> None:
    story = two_consoles(bank.connect, deadlock(closes, waits))

    assert rows(story)[4:] == [
        (5, waits, f"waits for {closes}"),
        (6, closes, "error 40P01: deadlock detected"),
        (6, waits, "UPDATE 1"),
    ]


def test_a_circle_of_three_is_broken_at_its_last_console(bank: Database) -> None:
    with bank.connect() as connection:
        connection.execute("INSERT INTO accounts VALUES (3, 100)")
    own = [step for n, name in enumerate("ABC", 1) for step in (f"{name}: BEGIN", lock(name, n))]

    story = two_consoles(bank.connect, [*own, lock("A", 2), lock("B", 3), lock("C", 1)])

    assert rows(story)[6:] == [
        (7, "A", "waits for B"),
        (8, "B", "waits for C"),
        (9, "C", "error 40P01: deadlock detected"),
        (9, "B", "1 row: id=3"),
    ]


def lock(console: str, row: int) -> str:
    return f"{console}: SELECT id FROM accounts WHERE id = {row} FOR UPDATE"


def test_a_chain_of_waiting_consoles_goes_on_one_by_one(bank: Database) -> None:
    first = ["A: BEGIN", "B: BEGIN", f"A: {TAKE.format(1)}", f"B: {TAKE.format(2)}"]
    waiting = [f"B: {TAKE.format(1)}", f"C: {TAKE.format(2)}"]

    story = two_consoles(bank.connect, [*first, *waiting, "A: COMMIT", "B: COMMIT"])

    assert rows(story)[4:] == [
        (5, "B", "waits for A"),
        (6, "C", "waits for B"),
        (7, "A", "COMMIT"),
        (7, "B", "UPDATE 1"),
        (8, "B", "COMMIT"),
        (8, "C", "UPDATE 1"),
    ]


def test_a_statement_for_a_waiting_console_is_sent_when_it_is_free(bank: Database) -> None:
    steps = ["A: BEGIN", f"A: {TAKE.format(1)}", f"B: {TAKE.format(1)}", "B: SELECT 2 AS two"]

    story = two_consoles(bank.connect, [*steps, "A: COMMIT"])

    assert rows(story)[3:] == [
        (4, "B", "not sent: B still waits"),
        (5, "A", "COMMIT"),
        (5, "B", "UPDATE 1"),
        (5, "B", "1 row: two=2"),
    ]


def test_a_wait_with_a_timeout_is_followed_to_its_end(bank: Database) -> None:
    steps = ["A: BEGIN", f"A: {TAKE.format(1)}", "B: BEGIN", "B: SET LOCAL lock_timeout = '30ms'"]

    story = two_consoles(bank.connect, [*steps, f"B: {TAKE.format(1)}"])

    assert story.outcomes("B")[-1] == "error 55P03: canceling statement due to lock timeout"


def test_a_lock_of_somebody_else_is_another_session(bank: Database) -> None:
    with bank.connect() as outside:
        outside.execute(TAKE.format(1).encode())

        story = two_consoles(bank.connect, [f"A: {TAKE.format(1)}"])

        assert story.outcomes("A") == ["waits for another session"]


def test_what_still_waits_at_the_end_is_given_up_and_rolled_back(bank: Database) -> None:
    steps = ["A: BEGIN", f"A: {TAKE.format(1)}", f"B: {TAKE.format(1)}"]

    two_consoles(bank.connect, steps)

    with bank.connect() as connection:
        left = connection.execute("SELECT balance FROM accounts WHERE id = 1").fetchone()
        sessions = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        ).fetchone()
    assert (left, sessions) == ((100,), (1,))


def test_a_statement_that_does_not_end_is_an_error_that_names_it(bank: Database) -> None:
    with pytest.raises(TimeoutError, match=r"A: 'SELECT pg_sleep\(60\)' did not end in 0.1 s"):
        two_consoles(bank.connect, ["A: SELECT pg_sleep(60)"], patience=0.1)


def test_consoles_can_be_stepped_cell_by_cell(bank: Database) -> None:
    with Consoles(bank.connect) as consoles:
        first = consoles.step("A: SELECT 1 AS one")
        second = consoles.step("B: SELECT 2 AS two")

    assert [event.outcome for event in first + second] == ["1 row: one=1", "1 row: two=2"]
    assert [event.step for event in first + second] == [1, 2]


def test_a_step_without_a_console_is_refused(bank: Database) -> None:
    with pytest.raises(ValueError, match='a step looks like "A: COMMIT"'):
        two_consoles(bank.connect, ["COMMIT"])


@pytest.mark.parametrize("order", [[1], [1, 1], [1, 3]])
def test_an_order_that_is_none_is_refused(bank: Database, order: list[int]) -> None:
    with pytest.raises(ValueError, match="each of the numbers 1 to 2 once"):
        two_consoles(bank.connect, ["A: BEGIN", "A: COMMIT"], order=order)


def test_a_connection_that_fails_is_the_caller_s_error() -> None:
    def connect() -> sqlite3.Connection:
        raise ConnectionError("the server is down")

    with pytest.raises(ConnectionError, match="the server is down"):
        two_consoles(connect, ["A: BEGIN"])


def test_sqlite_answers_at_once_that_it_is_busy() -> None:
    with sqlite() as file:
        with file.connect() as connection:
            connection.execute("CREATE TABLE accounts (id int, balance int)")
            connection.execute("INSERT INTO accounts VALUES (1, 100)")
        steps = ["A: BEGIN", "A: SELECT balance FROM accounts", f"B: {TAKE.format(1)}"]

        story = two_consoles(file.connect, [*steps, f"A: {TAKE.format(1)}"])

    assert [outcome for _, _, outcome in rows(story)] == [
        "ok",
        "1 row: balance=100",
        "ok, 1 changed",
        "error SQLITE_BUSY_SNAPSHOT: database is locked",
    ]
