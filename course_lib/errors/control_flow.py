"""Watch a function run: which lines ran, in which order, and what came out.

The rule: nothing is guessed from the text of the code. The interpreter itself
reports each line, through `sys.monitoring` (PEP 669) on Python 3.12 and later,
and through `sys.settrace` before. Both give the same `Flow`.

For learning, and for tests of clean-up code; far too slow for production.
Sources: Python Language Reference, 8.4 "The try statement"; PEP 3134; PEP 678.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from types import CodeType, FrameType
from typing import Any

from course_lib.errors.raised import Raised

__all__ = ["Flow", "Step", "failing", "flow"]

MOST_STEPS = 10_000

# Some have frames of their own in some versions only (PEP 709).
_PARTS_OF_A_LINE = {"<lambda>", "<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"}

# Python 3.11 raises SystemError when two threads parse at once (CPython issue 106905).
_parsing = threading.Lock()


@dataclass(frozen=True)
class Step:
    """One line that ran. `depth` is 0 in the function that was called first.

    `error` names the type of the error that ended this line, or is empty.
    """

    number: int
    depth: int
    function: str
    line: int
    text: str
    error: str = ""


@dataclass(frozen=True, repr=False)
class Flow:
    """What one call did. `raised` is None if it returned, and `returned` is its result."""

    name: str
    steps: tuple[Step, ...]
    returned: Any = None
    raised: Raised | None = None

    @property
    def lines(self) -> tuple[int, ...]:
        """The numbers of the lines that ran, in order."""
        return tuple(step.line for step in self.steps)

    @property
    def outcome(self) -> str:
        """One line, e.g. `returned 3` or `raised ValueError: too short`."""
        return f"returned {self.returned!r}" if self.raised is None else f"raised {self.raised}"

    def rows(self) -> list[tuple[int, str, int, str, str]]:
        """For a table: number, function, line, code, error."""
        return [(s.number, s.function, s.line, s.text, s.error) for s in self.steps]

    def __repr__(self) -> str:
        names = max((len(step.function) for step in self.steps), default=0)
        codes = max((len(step.text) + 2 * step.depth for step in self.steps), default=0)
        told = [
            f"{s.number:>3}  {s.function:<{names}}  line {s.line:>2}  "
            f"{'  ' * s.depth + s.text:<{codes}}  {s.error}".rstrip()
            for s in self.steps
        ]
        return "\n".join([*told, f"{self.name} {self.outcome}"])


def flow(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Flow:
    """Call `fn` and record which lines ran, in this thread, until it ends.

    Recorded are `fn` and what it calls from the same module or notebook. A
    statement over several lines counts as its first line, a lambda or a
    comprehension as the line it stands in, and a line that runs again right after
    itself counts once. The first 10,000 steps are kept. The StopIteration that
    ends an iterator is not marked on its line.

    Ctrl-C, `SystemExit` and their like are not recorded: they pass through.

    >>> flow(int, "12").outcome, flow(int, "twelve").raised.type
    ('returned 12', 'ValueError')
    """
    recorder = _Recorder(getattr(inspect.unwrap(fn), "__globals__", None))
    name = getattr(fn, "__name__", type(fn).__name__)
    try:
        with _watching(recorder):
            returned = fn(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  the error is what we came for
        return Flow(name, tuple(recorder.steps), raised=Raised.of(error, skip=1))
    return Flow(name, tuple(recorder.steps), returned)


def failing(places: Mapping[str, type[Exception]]) -> Callable[[str], None]:
    """For trying out: a function that raises the error of the place it is given, if any.

    >>> failing({"body": KeyError})("finally")
    """

    def fail(place: str) -> None:
        if place in places:
            raise places[place](f"failed in {place}")

    return fail


class _Recorder:
    """Turns events of the interpreter into steps."""

    def __init__(self, namespace: dict[str, Any] | None) -> None:
        self.steps: list[Step] = []
        self._namespace = namespace
        # depth -> frame and index of its latest step; only frames that still run are
        # kept, so that nothing lives on for longer than without us.
        self._running: dict[int, tuple[FrameType, int]] = {}
        self._first_lines: dict[str, dict[int, int]] = {}

    def wants(self, frame: FrameType) -> bool:
        return (
            frame.f_globals is self._namespace
            and frame.f_code.co_name not in _PARTS_OF_A_LINE
            and len(self.steps) < MOST_STEPS
        )

    def line(self, frame: FrameType, number: int) -> None:
        code, depth = frame.f_code, self._depth(frame)
        number = self._statements(code.co_filename).get(number, number)
        self._running = {d: known for d, known in self._running.items() if d <= depth}
        latest = self._running.get(depth)
        again = latest == (frame, len(self.steps) - 1) and self.steps[-1].line == number
        if again or (number == code.co_firstlineno and not _is_one_line(code)):
            return
        self._running[depth] = frame, len(self.steps)
        text = linecache.getline(code.co_filename, number, frame.f_globals).strip()
        self.steps.append(Step(len(self.steps) + 1, depth, code.co_name, number, text))

    def start(self, frame: FrameType) -> None:
        # Python 3.13 does not report the line of a function that has only one.
        if _is_one_line(frame.f_code):
            self.line(frame, frame.f_code.co_firstlineno)

    def error(self, frame: FrameType, error: type[BaseException]) -> None:
        known, index = self._running.get(self._depth(frame), (None, 0))
        if known is frame and not issubclass(error, StopIteration):
            self.steps[index] = replace(self.steps[index], error=error.__name__)

    def _depth(self, frame: FrameType) -> int:
        depth, caller = 0, frame.f_back
        while caller is not None and caller.f_code is not flow.__code__:
            depth += caller.f_globals is self._namespace
            caller = caller.f_back
        return depth

    def _statements(self, filename: str) -> dict[int, int]:
        if filename not in self._first_lines:
            source = "".join(linecache.getlines(filename))
            self._first_lines[filename] = _first_lines(source)
        return self._first_lines[filename]


def _is_one_line(code: CodeType) -> bool:
    return {line for *_, line in code.co_lines() if line} <= {code.co_firstlineno}


def _first_lines(source: str) -> dict[int, int]:
    """For each line of a statement over several lines, its first line.

    Interpreters differ in which of its lines they report, and how often.
    """
    try:
        with _parsing:
            tree = ast.parse(source)
    except (SyntaxError, SystemError):  # a notebook's magics, for example
        return {}
    first: dict[int, int] = {}
    for node in ast.walk(tree):  # outer statements come before inner ones
        if isinstance(node, ast.stmt):
            last = node.end_lineno or node.lineno
            first.update(dict.fromkeys(range(node.lineno, last + 1), node.lineno))
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            start = node.lineno if isinstance(node, ast.ExceptHandler) else node.pattern.lineno
            first.update(dict.fromkeys(range(start, node.body[0].lineno), start))
    return first


def _watching(recorder: _Recorder) -> AbstractContextManager[None]:
    if sys.version_info >= (3, 12):
        return _monitoring(recorder)
    return _tracing(recorder)


@contextmanager
def _tracing(recorder: _Recorder) -> Iterator[None]:
    """Listen through `sys.settrace`, which belongs to this thread alone."""

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if not recorder.wants(frame):
            return None
        if event == "line":
            recorder.line(frame, frame.f_lineno)
        elif event == "exception":
            recorder.error(frame, arg[0])
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


if sys.version_info >= (3, 12):

    @contextmanager
    def _monitoring(recorder: _Recorder) -> Iterator[None]:
        """Listen through `sys.monitoring`, which reports all threads: others are left out."""
        monitoring, me = sys.monitoring, threading.get_ident()

        def on_line(code: CodeType, line: int) -> None:
            frame = sys._getframe(1)
            if threading.get_ident() == me and recorder.wants(frame):
                recorder.line(frame, line)

        def on_start(code: CodeType, offset: int) -> None:
            frame = sys._getframe(1)
            if threading.get_ident() == me and recorder.wants(frame):
                recorder.start(frame)

        def on_raise(code: CodeType, offset: int, error: BaseException) -> None:
            frame = sys._getframe(1)
            if threading.get_ident() == me and recorder.wants(frame):
                recorder.error(frame, type(error))

        events = monitoring.events
        listeners = {events.PY_START: on_start, events.LINE: on_line, events.RAISE: on_raise}
        tool = _free_tool()
        for event, listener in listeners.items():
            monitoring.register_callback(tool, event, listener)
        monitoring.set_events(tool, events.PY_START | events.LINE | events.RAISE)
        try:
            yield
        finally:
            monitoring.set_events(tool, events.NO_EVENTS)
            for event in listeners:
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)

    def _free_tool() -> int:
        for tool in (3, 4, 2, 5, 1, 0):  # the first two are reserved for nobody
            try:
                sys.monitoring.use_tool_id(tool, "course_lib.errors.control_flow")
            except ValueError:
                continue
            return tool
        raise RuntimeError("all six tools of sys.monitoring are in use; end a debugger or profiler")
