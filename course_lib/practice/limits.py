"""A time limit on code that we do not trust to end, in a process that must live on.

On the main thread of a POSIX system a timer signal raises `TimeUp` inside the
running code. Code that swallows it (`except:` in a loop) meets it again at every
later bytecode that looks for signals, so that no handler is left to swallow it.
Elsewhere (Windows, other threads) the code runs in a daemon thread that is asked
to stop and otherwise left behind. Neither can stop one endless call into C; the
terminal check, which runs in a process of its own, can.
"""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple, TypeVar

__all__ = ["CtrlC", "Place", "TimeUp", "TooLong", "run_limited", "watch_ctrl_c"]

_Result = TypeVar("_Result")

GRACE = 0.2
"""Seconds that code gets to clean up before `TimeUp` becomes relentless."""


class TimeUp(BaseException):
    """Raised inside code that ran too long. Not an Exception: few handlers take it."""


class Place(NamedTuple):
    """A line of running code, told apart by the globals of its module."""

    filename: str
    line: int
    namespace: dict[str, Any]


class TooLong(Exception):
    """The code was stopped. `places` is where it was, innermost first."""

    def __init__(self, seconds: float, places: list[Place]) -> None:
        super().__init__(f"stopped after {seconds:g} s")
        self.seconds = seconds
        self.places = places


def run_limited(function: Callable[[], _Result], seconds: float) -> _Result:
    """What `function` returns or raises; at most `seconds` of real time.

    Raises:
        TooLong: it was still running then.
    """
    if _signals_work():
        return _run_with_timer(function, seconds)
    return _run_in_thread(function, seconds)


def _signals_work() -> bool:
    on_main = threading.current_thread() is threading.main_thread()
    return on_main and hasattr(signal, "setitimer")


class _Alarm:
    """The signal handler. Raises while it is armed; relentless from the second time on."""

    def __init__(self) -> None:
        self.armed = True
        self.fired = False
        self.places: list[Place] = []

    def __call__(self, _number: int, frame: FrameType | None) -> None:
        if not self.armed:
            return
        if not self.fired:
            self.fired = True
            self.places = _places(frame)
            raise TimeUp
        # Leave the signal pending, so that the `except` which swallows this TimeUp
        # meets the next. A plain call would look for signals at once and meet it
        # here; a `for` over `map` makes the call without looking.
        for _ in map(_thread.interrupt_main, (signal.SIGALRM,)):
            raise TimeUp


def _run_with_timer(function: Callable[[], _Result], seconds: float) -> _Result:
    alarm = _Alarm()
    earlier_handler = signal.signal(signal.SIGALRM, alarm)
    started = time.monotonic()
    earlier_timer = signal.setitimer(signal.ITIMER_REAL, seconds, GRACE)
    try:
        try:
            return function()
        finally:
            # No bytecode before this one looks for signals: nothing can come between.
            alarm.armed = False
    except TimeUp:
        raise TooLong(seconds, alarm.places) from None
    finally:
        alarm.armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier_handler)
        _restore_timer(earlier_timer, time.monotonic() - started)


def _restore_timer(earlier: tuple[float, float], passed: float) -> None:
    delay, interval = earlier
    if delay:
        signal.setitimer(signal.ITIMER_REAL, max(delay - passed, 0.001), interval)


def _run_in_thread(function: Callable[[], _Result], seconds: float) -> _Result:
    outcome: list[Callable[[], _Result]] = []

    def run() -> None:
        try:
            value = function()
        except BaseException as error:  # noqa: BLE001 - handed to the caller, below
            raised = error
            outcome.append(lambda: _raise(raised))
        else:
            outcome.append(lambda: value)

    thread = threading.Thread(target=run, name="limited", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        places = _stop(thread)
        raise TooLong(seconds, places)
    return outcome[0]()


def _raise(error: BaseException) -> Any:
    raise error


def _stop(thread: threading.Thread) -> list[Place]:
    """Ask a thread to stop, a few times; a blocking call in it cannot hear."""
    import ctypes

    places = _places(sys._current_frames().get(thread.ident or 0))
    for _ in range(10):
        ident = ctypes.c_ulong(thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(TimeUp))
        thread.join(GRACE / 10)
        if not thread.is_alive():
            break
    return places


def _places(frame: FrameType | None) -> list[Place]:
    places = []
    while frame is not None:
        places.append(Place(frame.f_code.co_filename, frame.f_lineno or 0, frame.f_globals))
        frame = frame.f_back
    return places


class CtrlC:
    """Whether the user pressed Ctrl-C, which is not the same as code raising KeyboardInterrupt."""

    pressed = False


@contextlib.contextmanager
def watch_ctrl_c() -> Iterator[CtrlC]:
    """Notice a real SIGINT while the block runs; the earlier handler still gets it."""
    ctrl_c = CtrlC()
    if threading.current_thread() is not threading.main_thread():
        yield ctrl_c
        return
    earlier = signal.getsignal(signal.SIGINT)
    if not callable(earlier):
        yield ctrl_c
        return

    def note(number: int, frame: FrameType | None) -> None:
        ctrl_c.pressed = True
        earlier(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield ctrl_c
    finally:
        signal.signal(signal.SIGINT, earlier)
