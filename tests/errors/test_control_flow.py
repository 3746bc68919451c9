"""The watched call, in each way of watching that this Python has."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import types
import warnings
import weakref

import pytest

import course_lib.errors.control_flow as flow_module
from course_lib.errors.control_flow import MOST_STEPS, failing, flow

NATIVE = [pytest.param(flow_module._watching, id="native")]
TRACED = [pytest.param(flow_module._tracing, id="settrace")]


@pytest.fixture(params=NATIVE + TRACED, autouse=True)
def watching(request, monkeypatch):
    monkeypatch.setattr(flow_module, "_watching", request.param)


def texts(fn, *args):
    return [step.text for step in flow(fn, *args).steps]


def parse(text):
    try:
        price = int(text)
    except ValueError:
        price = 0
    else:
        price += 1
    finally:
        text = None
    return price


def test_without_an_error_body_else_and_finally_run():
    seen = flow(parse, "3")

    assert [step.text for step in seen.steps] == [
        "try:",
        "price = int(text)",
        "price += 1",
        "text = None",
        "return price",
    ]
    assert (seen.returned, seen.raised, seen.outcome) == (4, None, "returned 4")


def test_with_an_error_the_handler_and_finally_run():
    seen = flow(parse, "three")

    assert [step.text for step in seen.steps] == [
        "try:",
        "price = int(text)",
        "except ValueError:",
        "price = 0",
        "text = None",
        "return price",
    ]
    assert [step.error for step in seen.steps] == ["", "ValueError", "", "", "", ""]
    assert seen.returned == 0


def test_lines_are_those_of_the_file():
    first = parse.__code__.co_firstlineno

    assert flow(parse, "3").lines == tuple(first + n for n in (1, 2, 6, 8, 9))


def low():
    raise KeyError("deep")


def middle():
    try:
        low()
    finally:
        done = True
    return done


def top():
    middle()


def test_an_error_is_marked_in_every_function_that_it_leaves():
    seen = flow(top)

    assert [(s.depth, s.function, s.text, s.error) for s in seen.steps] == [
        (0, "top", "middle()", "KeyError"),
        (1, "middle", "try:", ""),
        (1, "middle", "low()", "KeyError"),
        (2, "low", 'raise KeyError("deep")', "KeyError"),
        (1, "middle", "done = True", ""),
    ]
    assert [place.function for place in seen.raised.traceback] == ["top", "middle", "low"]


def test_a_return_in_finally_hides_the_error():
    source = "def f():\n    try:\n        return 1 / 0\n    finally:\n        return 2\n"
    namespace = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # Python 3.14 warns of it (PEP 765)
        exec(source, namespace)

    seen = flow(namespace["f"])

    assert (seen.lines, seen.outcome) == ((2, 3, 5), "returned 2")
    assert seen.steps[1].error == "ZeroDivisionError"
    assert seen.steps[1].text == ""  # there is no file to read it from


def test_a_loop_is_told_each_time():
    def add():
        total = 0
        for number in (1, 2):
            total += number
        return total

    assert texts(add) == [
        "total = 0",
        "for number in (1, 2):",
        "total += number",
        "for number in (1, 2):",
        "total += number",
        "for number in (1, 2):",
        "return total",
    ]


def test_a_statement_over_several_lines_counts_once():
    def spread():
        found = {
            "a": int("1"),
            "b": int("2"),
        }
        return [
            key
            for key in found
            if found[key] > 1
        ]  # fmt: skip

    assert texts(spread) == ["found = {", "return ["]


def test_a_lambda_and_a_comprehension_belong_to_their_line():
    def short():
        double = lambda n: 2 * n  # noqa: E731
        return sum(double(n) for n in [m + 1 for m in (1, 2)])

    assert len(texts(short)) == 2


def one(number): return number + 1  # fmt: skip


def test_a_function_of_one_line_is_told_at_every_call():
    def twice():
        return one(1) + one(2)

    assert [step.function for step in flow(twice).steps] == ["twice", "one", "one"]


def test_a_with_statement_shows_its_way_out():
    @contextlib.contextmanager
    def shop():
        yield
        closed = True  # noqa: F841

    def visit():
        with shop():
            seen = [1]
        return len(seen)

    assert texts(visit) == [
        "with shop():",
        "yield",
        "seen = [1]",
        "with shop():",
        "closed = True  # noqa: F841",
        "return len(seen)",
    ]


def test_the_end_of_an_iterator_is_no_error():
    def first():
        try:
            return next(iter([]))
        except StopIteration:
            return "nothing"

    seen = flow(first)

    assert (seen.returned, {step.error for step in seen.steps}) == ("nothing", {""})


def test_a_variable_dies_when_its_function_has_ended():
    class Big:
        pass

    def inside():
        big = Big()
        return weakref.ref(big)

    def watch():
        big = inside()
        return big()

    assert flow(watch).returned is None


def test_a_method_can_be_watched():
    class Shop:
        def close(self):
            return "closed"

    assert texts(Shop().close) == ['return "closed"']


def test_a_function_decorated_elsewhere_can_be_watched():
    @functools.cache
    def work():
        return one(1)

    assert [step.function for step in flow(work).steps] == ["work", "one"]


def test_other_modules_are_not_told():
    other = types.ModuleType("other")
    exec("def work():\n    return 1\n", vars(other))

    def use():
        return other.work()

    assert texts(use) == ["return other.work()"]


def test_other_threads_are_not_told():
    def run():
        thread = threading.Thread(target=low_quietly)
        thread.start()
        thread.join()

    def low_quietly():
        return 1

    assert {step.function for step in flow(run).steps} == {"run"}


def test_two_threads_can_watch_at_the_same_time():
    both_inside, seen = threading.Barrier(2), {}

    def work(number):
        both_inside.wait(20)
        total = number
        both_inside.wait(20)
        return total

    def watch(number):
        seen[number] = flow(work, number)

    threads = [threading.Thread(target=watch, args=[n]) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [seen[n].returned for n in (1, 2)] == [1, 2]
    assert [len(seen[n].steps) for n in (1, 2)] == [4, 4]


def test_the_tracing_of_before_is_restored_also_after_an_error():
    def tracer(frame, event, arg):
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        flow(low)
        restored = sys.gettrace()
    finally:
        sys.settrace(before)

    assert restored is tracer


def test_an_exit_passes_through_and_leaves_no_tracing():
    before = sys.gettrace()

    with pytest.raises(SystemExit):
        flow(sys.exit)

    assert sys.gettrace() is before


def test_an_endless_story_is_cut():
    def count():
        number = 0
        while number < MOST_STEPS:
            number += 1
        return number

    seen = flow(count)

    assert (len(seen.steps), seen.returned) == (MOST_STEPS, MOST_STEPS)


def test_a_planned_failure_happens_at_its_place_only():
    fail = failing({"else": KeyError})

    fail("body")

    with pytest.raises(KeyError, match="failed in else"):
        fail("else")


def test_it_reads_like_a_list():
    first = low.__code__.co_firstlineno

    assert repr(flow(low)) == (
        f'  1  low  line {first + 1}  raise KeyError("deep")  KeyError\n'
        "low raised KeyError: 'deep'"
    )


def test_its_rows_are_plain():
    first = low.__code__.co_firstlineno

    assert flow(low).rows() == [(1, "low", first + 1, 'raise KeyError("deep")', "KeyError")]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_no_tool_stays_in_use():
    tools = [sys.monitoring.get_tool(tool) for tool in range(6)]

    flow(low)

    assert [sys.monitoring.get_tool(tool) for tool in range(6)] == tools
