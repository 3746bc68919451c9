import asyncio
import sqlite3
import threading
from contextlib import ExitStack, closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from course_lib.errors import Stack, transaction


class Connection:
    """Writes down what is done to it; `broken` operations raise."""

    def __init__(self, broken=()):
        self.done, self._broken = [], dict(broken)

    def commit(self):
        self._do("commit")

    def rollback(self):
        self._do("rollback")

    def close(self):
        self._do("close")

    def _do(self, name):
        self.done.append(name)
        if name in self._broken:
            raise self._broken[name]


# ---------------------------------------------------------------- transaction


def test_a_block_that_ends_well_is_committed_and_gets_the_connection():
    conn = Connection()
    with transaction(conn) as given_conn:
        assert conn.done == []
    assert given_conn is conn
    assert conn.done == ["commit"]


@pytest.mark.parametrize(
    "kind",
    [ValueError, KeyboardInterrupt, SystemExit, asyncio.CancelledError, StopIteration],
)
def test_any_error_rolls_back_and_goes_on_as_the_same_object(kind):
    conn, error = Connection(), kind("reason")
    with pytest.raises(kind) as caught, transaction(conn):
        raise error
    assert caught.value is error
    assert conn.done == ["rollback"]


def test_a_generator_that_is_closed_in_the_block_rolls_back():
    conn = Connection()

    def rows():
        with transaction(conn):
            yield 1

    generator = rows()
    next(generator)
    generator.close()
    assert conn.done == ["rollback"]


def test_a_task_that_is_cancelled_in_the_block_rolls_back():
    conn = Connection()

    async def work(started):
        with transaction(conn):
            started.set()
            await asyncio.Event().wait()

    async def main():
        started = asyncio.Event()
        task = asyncio.create_task(work(started))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert conn.done == ["rollback"]


def test_a_commit_that_fails_is_rolled_back():
    conn = Connection(broken={"commit": OSError("disk full")})
    with pytest.raises(OSError, match="disk full"), transaction(conn):
        pass
    assert conn.done == ["commit", "rollback"]


def test_a_return_in_the_block_commits():
    conn = Connection()

    def work():
        with transaction(conn):
            return "done"

    assert work() == "done"
    assert conn.done == ["commit"]


def test_a_rollback_that_fails_becomes_a_note_on_the_first_error():
    conn = Connection(broken={"rollback": OSError("connection closed")})
    error = ValueError("no such product")
    with pytest.raises(ValueError) as caught, transaction(conn):
        raise error
    assert caught.value is error
    assert error.__notes__ == ["The rollback failed too: OSError: connection closed"]


def test_an_interrupted_rollback_goes_on_with_the_first_error_as_context():
    conn = Connection(broken={"rollback": KeyboardInterrupt()})
    error = ValueError("no such product")
    with pytest.raises(KeyboardInterrupt) as caught, transaction(conn):
        raise error
    assert caught.value.__context__ is error


def test_the_rollback_comes_before_the_close():
    conn = Connection()
    with pytest.raises(ValueError), closing(conn), transaction(conn):
        raise ValueError
    assert conn.done == ["rollback", "close"]


def test_sqlite_keeps_all_rows_of_a_block_or_none():
    with closing(sqlite3.connect(":memory:")) as conn:
        conn.execute("CREATE TABLE orders (id INTEGER)")
        with transaction(conn):
            conn.execute("INSERT INTO orders VALUES (1)")
        with pytest.raises(KeyboardInterrupt), transaction(conn):  # noqa: PT012
            conn.execute("INSERT INTO orders VALUES (2)")
            raise KeyboardInterrupt
        assert conn.execute("SELECT id FROM orders").fetchall() == [(1,)]


# ---------------------------------------------------------------- Stack


def test_exits_are_called_in_reverse_order():
    closed = []
    with Stack() as stack:
        for name in "abc":
            stack.callback(closed.append, name)
    assert closed == ["c", "b", "a"]


def test_what_was_opened_is_closed_when_the_third_fails_to_open():
    closed = []

    def opened(name):
        if name == "third":
            raise OSError("no more")
        return closing(Named(name, closed))

    with pytest.raises(OSError, match="no more"), Stack() as stack:  # noqa: PT012
        for name in ("first", "second", "third", "fourth"):
            stack.enter(opened(name))
    assert closed == ["second", "first"]


class Named:
    def __init__(self, name, closed):
        self.name, self._closed = name, closed

    def close(self):
        self._closed.append(self.name)


def test_enter_gives_what_the_manager_gives():
    thing = Named("a", [])
    with Stack() as stack:
        assert stack.enter(closing(thing)) is thing


def test_what_is_no_context_manager_is_refused_in_one_sentence():
    class HalfManager:
        entered = False

        def __enter__(self):
            HalfManager.entered = True

    for thing in (object(), HalfManager()):
        with pytest.raises(TypeError, match=r"has no __enter__ and __exit__\.$"):
            Stack().enter(thing)
    assert not HalfManager.entered


def test_callback_passes_arguments_and_suppresses_nothing():
    seen = []

    def note(*args, **kwargs):
        seen.append((args, kwargs))
        return True

    with pytest.raises(ValueError), Stack() as stack:  # noqa: PT012
        stack.callback(note, 1, fn=2)
        raise ValueError
    assert seen == [((1,), {"fn": 2})]


def test_pop_all_moves_the_exits_and_the_old_stack_closes_nothing():
    closed = []
    with Stack() as stack:
        stack.callback(closed.append, "a")
        kept = stack.pop_all()
    assert closed == []
    kept.close()
    assert closed == ["a"]


def test_close_works_once():
    closed = []
    stack = Stack()
    stack.callback(closed.append, "a")
    stack.close()
    stack.close()
    assert closed == ["a"]


def test_an_exit_pushed_while_closing_is_called_too():
    closed = []
    with Stack() as stack:
        stack.callback(lambda: stack.callback(closed.append, "late"))
    assert closed == ["late"]


def test_the_traceback_of_the_body_reaches_the_exit():
    seen = []
    with pytest.raises(ValueError), Stack() as stack:  # noqa: PT012
        stack.push(lambda kind, error, traceback: seen.append((kind, str(error), traceback)))
        raise ValueError("x")
    [(kind, text, traceback)] = seen
    assert (kind, text) == (ValueError, "x")
    assert traceback.tb_frame.f_code.co_name == "test_the_traceback_of_the_body_reaches_the_exit"


# ------------------------------------------- Stack against contextlib and `with`

ENTERS = ("opens", "fails to open")
EXITS = ("closes", "suppresses", "fails to close", "raises it again")
SCRIPTS = st.tuples(
    st.lists(st.tuples(st.sampled_from(ENTERS), st.sampled_from(EXITS)), max_size=5),
    st.sampled_from(("ends well", "fails", "is interrupted")),
)


class Scripted:
    """A context manager that does what its script says, and writes it down."""

    def __init__(self, number, script, events):
        self._number, (self._enter, self._exit), self._events = number, script, events

    def __enter__(self):
        self._events.append(f"enter {self._number}")
        if self._enter == "fails to open":
            raise OSError(f"open {self._number}")
        return self._number

    def __exit__(self, kind, error, traceback):
        self._events.append(f"exit {self._number} after {chain(error)}")
        if self._exit == "fails to close":
            raise RuntimeError(f"close {self._number}")
        if self._exit == "raises it again" and error is not None:
            raise error
        return self._exit == "suppresses"


def chain(error):
    """The error and all that stand behind it, as texts."""
    found, texts = [], []
    while error is not None and error not in found:
        found.append(error)
        texts.append(repr(error))
        error = error.__context__
    return texts + (["a circle"] if error is not None else [])


def body(ending, events):
    events.append("body")
    if ending == "fails":
        raise ValueError("body")
    if ending == "is interrupted":
        raise KeyboardInterrupt("body")


def with_stack(stack, enter, managers, ending, events):
    with stack:
        for manager in managers:
            enter(manager)
        body(ending, events)


def with_statements(managers, ending, events):
    if not managers:
        return body(ending, events)
    with managers[0]:
        with_statements(managers[1:], ending, events)
    return None


def events_of(kind, script, *, while_handling=False):
    """What happened, in order, and the chain of what came out."""
    resources, ending = script
    events = []
    managers = [Scripted(n, each, events) for n, each in enumerate(resources)]

    def run():
        if kind == "with":
            return with_statements(managers, ending, events)
        stack = kind()
        enter = stack.enter if kind is Stack else stack.enter_context
        return with_stack(stack, enter, managers, ending, events)

    try:
        if while_handling:
            try:
                raise LookupError("outer")
            except LookupError:
                run()
        else:
            run()
        events.append("the rest of the program")
    except BaseException as error:  # noqa: BLE001 - what comes out is what we compare
        events.append(chain(error))
    return events


@given(SCRIPTS)
@example(([("opens", "fails to close"), ("opens", "fails to close")], "ends well"))
@example(([("opens", "raises it again"), ("opens", "fails to close")], "fails"))
def test_stack_does_what_nested_with_statements_do(script):
    assert events_of(Stack, script) == events_of("with", script)


def without_again(script):
    """contextlib can make an error its own context when an exit raises it again."""
    resources, ending = script
    return [(a, "closes" if b == "raises it again" else b) for a, b in resources], ending


@given(SCRIPTS.map(without_again))
def test_stack_does_what_exitstack_does_while_another_error_is_handled(script):
    ours = events_of(Stack, script, while_handling=True)
    assert ours == events_of(ExitStack, script, while_handling=True)


def test_the_first_of_two_failing_closes_stays_in_the_chain():
    script = ([("opens", "fails to close"), ("opens", "fails to close")], "ends well")
    assert events_of(Stack, script)[-1] == ["RuntimeError('close 0')", "RuntimeError('close 1')"]


def test_threads_with_stacks_of_their_own_do_not_meet():
    closed = [[], []]
    both_open = threading.Barrier(2, timeout=10)

    def work(number):
        with Stack() as stack:
            stack.callback(closed[number].append, number)
            both_open.wait()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert closed == [[0], [1]]
