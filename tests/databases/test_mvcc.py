"""Snapshots, waiting and serialization failures, and a search for a serial order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.databases.consoles import play
from course_lib.databases.mvcc import (
    DeadlockDetected,
    InFailedTransaction,
    Level,
    SerializationFailure,
    Store,
    WouldWait,
)

RC, RR, SER = Level.READ_COMMITTED, Level.REPEATABLE_READ, Level.SERIALIZABLE
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=150)


def outcomes(*lines: str, level: Level = RC) -> list[str]:
    return [event.outcome for event in play(lines, level=level).events]


@pytest.mark.parametrize("level", Level)
def test_nobody_sees_what_is_not_committed(level):
    assert outcomes("A: set x 5", "B: read x", level=level) == ["5", "100"]


@pytest.mark.parametrize(("level", "second"), [(RC, "5"), (RR, "100"), (SER, "100")])
def test_only_read_committed_sees_a_row_change_between_two_reads(level, second):
    lines = ["A: read x", "B: set x 5", "B: commit", "A: read x"]

    assert outcomes(*lines, level=level)[-1] == second


@pytest.mark.parametrize("level", Level)
def test_the_snapshot_is_taken_by_the_first_statement(level):
    store = Store({"x": 100})
    early, writer = store.begin(level), store.begin()
    writer.write("x", 5)
    writer.commit()

    assert early.read("x") == 5


def test_a_transaction_sees_its_own_writes():
    assert outcomes("A: set x 5", "A: read x", "A: sum", level=RR) == ["5", "5", "105"]


def test_reading_never_waits_for_a_writer():
    assert outcomes("A: set x 5", "B: read x", "B: sum", "A: read x")[1:3] == ["100", "200"]


LOST_UPDATE = ["A: read x", "B: read x", "A: put x -10", "A: commit", "B: put x -20", "B: commit"]


def test_read_committed_loses_an_update_that_the_application_computed():
    result = play(LOST_UPDATE, level=RC)

    assert result.rows["x"] == 80  # not 70: the 10 of A are gone


@pytest.mark.parametrize("level", [RR, SER])
def test_the_higher_levels_refuse_the_second_update(level):
    result = play(LOST_UPDATE, level=level)

    assert [event.outcome for event in result.events][-2:] == ["error 40001", "rolled back"]
    assert result.rows["x"] == 90


def test_an_update_computed_by_the_database_waits_and_then_counts_both():
    result = play(["A: add x -10", "B: add x -20", "A: commit", "B: commit"], level=RC)

    assert [(e.step, e.console, e.outcome, e.waited) for e in result.events] == [
        (1, "A", "90", False),
        (2, "B", "waits for A", False),
        (3, "A", "committed", False),
        (3, "B", "70", True),
        (4, "B", "committed", False),
    ]
    assert result.rows["x"] == 70


@pytest.mark.parametrize("level", [RR, SER])
def test_whoever_has_waited_for_a_commit_must_start_again(level):
    lines = ["A: add x -10", "B: add x -20", "A: commit", "B: read y", "B: commit"]

    assert outcomes(*lines, level=level) == [
        "90", "waits for A", "committed", "error 40001", "error 25P02", "rolled back",
    ]  # fmt: skip


@pytest.mark.parametrize("level", Level)
def test_whoever_has_waited_for_a_rollback_goes_on(level):
    lines = ["A: add x -10", "B: add x -20", "A: rollback", "B: commit"]

    assert outcomes(*lines, level=level)[2:] == ["rolled back", "80", "committed"]


@pytest.mark.parametrize("level", [RR, SER])
def test_whoever_is_late_already_does_not_wait_for_a_third_version(level):
    lines = ["A: read y", "B: add x 1", "B: commit", "B: add x 1", "A: add x 1"]

    assert outcomes(*lines, level=level)[-1] == "error 40001"


@pytest.mark.parametrize("level", Level)
def test_two_transactions_that_wait_for_each_other_are_a_deadlock(level):
    lines = ["A: add x 1", "B: add y 1", "A: add y 1", "B: add x 1", "A: commit"]

    assert outcomes(*lines, level=level) == [
        "101", "101", "waits for B", "error 40P01", "101", "committed",
    ]  # fmt: skip


WRITE_SKEW = ["A: sum", "B: sum", "A: add x -100", "B: add y -100", "A: commit", "B: commit"]


def test_write_skew_passes_repeatable_read():
    assert play(WRITE_SKEW, level=RR).rows == {"x": 0, "y": 0}


def test_serializable_lets_one_of_the_two_through():
    result = play(WRITE_SKEW, level=SER)

    assert [event.outcome for event in result.events][-2:] == ["committed", "error 40001"]
    assert result.rows == {"x": 0, "y": 100}


def test_a_commit_can_be_the_statement_that_fails():
    store = Store({"x": 1, "y": 1})
    a, b = store.begin(SER), store.begin(SER)
    a.read("x"), b.read("y")
    a.write("y", 0)
    b.write("x", 0)
    a.commit()

    with pytest.raises(SerializationFailure, match="has read what others have changed") as failed:
        b.commit()

    assert failed.value.sqlstate == "40001"
    assert store.rows() == {"x": 1, "y": 0}


def test_who_reads_an_old_version_and_then_overwrites_what_the_other_read_fails_at_once():
    lines = ["A: read x", "B: sum", "A: put y 1", "A: commit", "B: read y", "B: set x 5"]

    assert outcomes(*lines, level=SER)[-2:] == ["100", "error 40001"]


def three(level: Level, *lines: str) -> list[str]:
    rows = {"x": 100, "y": 200, "z": 300}
    return [event.outcome for event in play(lines, level=level, rows=rows).events]


@pytest.mark.parametrize(
    "lines",
    [
        ["A: read x", "B: read y", "B: add x 1", "A: rollback"],
        ["B: read y", "A: read x", "A: rollback", "B: add x 1"],
    ],
)
def test_what_was_rolled_back_makes_nobody_fail(lines):
    assert three(SER, *lines, "C: add y 1", "C: commit", "B: commit")[-1] == "committed"


def test_the_same_reader_would_have_made_it_fail():
    lines = ["A: read x", "B: read y", "B: add x 1", "C: add y 1", "C: commit", "B: commit"]

    assert three(SER, *lines)[-1] == "error 40001"


def test_a_reader_that_ended_before_is_no_conflict():
    store = Store({"x": 1, "y": 1})
    stays, reader = store.begin(SER), store.begin(SER)
    stays.read("y")
    reader.read("x")
    reader.commit()

    store.begin(SER).write("x", 2)

    assert store.conflicts.arrows == set()


def test_serial_transactions_never_fail():
    lines = ["A: sum", "A: add x -100", "A: commit", "B: sum", "B: add y -100", "B: commit"]

    assert not [o for o in outcomes(*lines, level=SER) if o.startswith("error")]


def test_readers_of_other_rows_are_left_alone():
    lines = ["A: read x", "B: read y", "A: add x 1", "B: add y 1", "A: commit", "B: commit"]

    assert outcomes(*lines, level=SER)[-2:] == ["committed", "committed"]


def test_a_waiting_statement_changes_nothing_and_can_be_repeated():
    store = Store({"x": 100})
    a, b = store.begin(name="A"), store.begin()
    a.write("x", 1)

    with pytest.raises(WouldWait, match="A has written this row") as wait:
        b.write("x", 2)
    a.commit()
    b.write("x", 2)
    b.commit()

    assert wait.value.holder is a
    assert store.rows() == {"x": 2}


def test_a_deleted_row_is_gone_for_later_snapshots_only():
    store = Store({"x": 1, "y": 1})
    old = store.begin(RR)
    old.read("y")
    deleter = store.begin()
    deleter.write("x", None)
    deleter.commit()

    assert old.read("x") == 1
    assert old.scan() == {"x": 1, "y": 1}
    assert store.rows() == {"y": 1}
    assert store.begin().update("x", lambda value: value + 1) is None


def test_a_scan_filters_by_key_and_value():
    store = Store({"a": 1, "b": 2, "c": 3})

    assert store.begin().scan(lambda key, value: key > "a" and value < 3) == {"b": 2}


def test_after_its_end_a_transaction_refuses_statements():
    store = Store({"x": 1})
    ended = store.begin(name="A")
    ended.commit()
    ended.rollback()  # allowed, does nothing

    for statement in (lambda: ended.read("x"), ended.scan, ended.commit):
        with pytest.raises(InFailedTransaction, match="A has ended"):
            statement()
    assert store.rows() == {"x": 1}


def test_a_deadlock_names_who_waits_for_whom():
    store = Store({"x": 1, "y": 1})
    a, b = store.begin(name="A"), store.begin(name="B")
    a.write("x", 2)
    b.write("y", 2)
    with pytest.raises(WouldWait):
        a.write("y", 3)

    with pytest.raises(DeadlockDetected, match="B -> A -> B"):
        b.write("x", 3)


def test_vacuum_keeps_what_the_oldest_snapshot_needs():
    store = Store({"x": 0})
    old = store.begin(RR)
    old.read("x")
    for value in (1, 2, 3):
        writer = store.begin()
        writer.write("x", value)
        writer.commit()

    kept_for_old = store.vacuum()
    seen = old.read("x")
    old.commit()

    assert (kept_for_old, seen) == (0, 0)
    assert store.vacuum() == 3
    assert [version.value for version in store.chains["x"]] == [3]


def test_vacuum_removes_deleted_rows_and_spares_uncommitted_ones():
    store = Store({"x": 0, "y": 0})
    deleter, writer = store.begin(), store.begin()
    deleter.write("x", None)
    deleter.commit()
    writer.write("y", 1)

    removed = store.vacuum()

    assert removed == 2
    assert [version.value for version in store.chains["y"]] == [0, 1]


def test_a_long_life_of_the_store_keeps_no_memory_of_ended_transactions():
    store = Store({"x": 0})
    for _ in range(200):
        reader, writer, loser = (store.begin(SER) for _ in range(3))
        reader.read("x"), loser.read("x")
        writer.update("x", lambda value: value + 1)
        writer.commit()
        with pytest.raises(SerializationFailure):
            loser.write("x", 0)
        reader.rollback()
    store.vacuum()

    assert store.rows() == {"x": 200}
    assert store.active == []
    conflicts = store.conflicts
    assert (conflicts.arrows, conflicts._reads, conflicts._doomed) == (set(), {}, set())
    assert len(store.chains["x"]) == 1


def test_a_console_can_begin_again_and_put_without_reading_starts_from_zero():
    lines = ["A: put x 5", "A: commit", "A: read x", "A: put x 1", "A: rollback", "A: read x"]

    assert outcomes(*lines) == ["5", "committed", "5", "6", "rolled back", "5"]


def test_an_event_shows_the_versions_of_the_rows_after_it():
    last = play(["A: set x 5"]).events[-1]

    assert last.versions == {
        "x": ((100, "the first", True), (5, "A", False)),
        "y": ((100, "the first", True),),
    }


def test_stores_and_transactions_can_be_read_in_a_notebook():
    store = Store({"x": 1})
    first, second = store.begin(), store.begin(SER)
    first.write("x", 2)
    second.commit()

    assert repr(store) == "Store(1 rows, 2 versions, 2 commits)"
    assert repr(first) == "Transaction(transaction 2, read committed, active)"
    assert repr(second) == "Transaction(transaction 3, serializable, committed)"
    first.rollback()
    assert repr(first).endswith("rolled back)")


@pytest.mark.parametrize("line", ["A read x", "A: jump x", "A: add x", "A: add x ten", ": read x"])
def test_an_unreadable_line_is_refused_with_examples(line):
    with pytest.raises(ValueError, match="write 'A: ' and then one of 'read x'"):
        play([line])


# --- three consoles, any schedule ---------------------------------------------------------

rows = st.sampled_from(["x", "y", "z"])
statements = st.one_of(
    st.builds("read {}".format, rows),
    st.just("sum"),
    st.builds("put {} {}".format, rows, st.integers(1, 9)),
    st.builds("add {} {}".format, rows, st.integers(1, 9)),
)
scripts = st.lists(st.lists(statements, min_size=1, max_size=4), min_size=2, max_size=3)
START = {"x": 100, "y": 200, "z": 300}


@st.composite
def schedules(draw) -> list[str]:
    """The scripts of two or three consoles, each with a commit, shuffled together."""
    left = {name: [*script, "commit"] for name, script in zip("ABC", draw(scripts), strict=False)}
    lines = []
    while left:
        name = draw(st.sampled_from(sorted(left)))
        lines.append(f"{name}: {left[name].pop(0)}")
        if not left[name]:
            del left[name]
    return lines


def committed_work(lines: list[str], level: Level) -> tuple[dict, dict[str, list[tuple[str, str]]]]:
    """The rows at the end, and statement and outcome of every console that committed."""
    result = play(lines, level=level, rows=START)
    work: dict[str, list[tuple[str, str]]] = {}
    for event in result.events:
        if not event.outcome.startswith("waits"):
            work.setdefault(event.console, []).append((event.statement, event.outcome))
    return result.rows, {name: w for name, w in work.items() if w[-1] == ("commit", "committed")}


def is_serial(rows: dict, work: dict[str, list[tuple[str, str]]]) -> bool:
    """Whether some order, one console after the other, gives the same answers and rows."""
    for order in itertools.permutations(work):
        lines = [f"{name}: {statement}" for name in order for statement, _ in work[name]]
        expected = [outcome for name in order for _, outcome in work[name]]
        again = play(lines, rows=START)
        if again.rows == rows and [event.outcome for event in again.events] == expected:
            return True
    return False


@repeatable
@given(lines=schedules())
def test_serializable_is_always_equal_to_some_serial_order(lines):
    rows, work = committed_work(lines, SER)

    assert is_serial(rows, work)


@repeatable
@given(lines=schedules())
def test_every_schedule_comes_to_an_end(lines):
    for level in Level:
        events = play(lines, level=level, rows=START).events
        ended = [event for event in events if not event.outcome.startswith("waits")]
        assert len(ended) == len(lines)


@repeatable
@given(lines=schedules())
def test_read_committed_loses_no_increment_made_by_the_database(lines):
    lines = [line.replace("put", "add") for line in lines]
    rows, work = committed_work(lines, RC)

    added = sum(
        int(statement.split()[2])
        for script in work.values()
        for statement, _ in script
        if statement.startswith("add")
    )
    assert sum(rows.values()) == 600 + added


def test_the_search_for_a_serial_order_finds_write_skew():
    assert not is_serial(*committed_work(WRITE_SKEW, RR))
    assert is_serial(*committed_work(WRITE_SKEW, SER))
