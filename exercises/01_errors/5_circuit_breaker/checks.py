"""Checks of 01.5-circuit-breaker.

Most stories are short scripts, one letter a call: `s` the service answers, `f` it
fails, `i` it raises a KeyError, which `is_failure` does not count.
"""

import queue
import sys
import threading
from asyncio import CancelledError
from decimal import Decimal
from enum import Enum
from numbers import Real

from course_lib.clock import ManualClock
from course_lib.practice import scenario

NAMES = ("CircuitBreaker", "CircuitOpen")
SEEDS = 8  # each seed stops a thread at every line of each right answer, twice
HINTS = (
    "What must you remember about the past, and for how long? "
    "And which of these facts are worthless after the next change of state?",
    "A bounded row of outcomes, the state, and the moment it ends. Change them only under one "
    "lock, and let go of the lock before you call the service or the listener.",
    "`call` asks `_before()` for a permit, runs `fn` in try, except and finally, and hands permit "
    "and outcome to `_after(permit, ok)`. The permit is a number that grows with each change of "
    "state: `_after` ignores an old one. An outcome has three values: success, failure, neither.",
)

PATIENCE = 1.0  # seconds until a call that hangs is given up
LOCK_PATIENCE = 0.001  # seconds until a thread seems to wait for a lock
MOST_LINES = 80  # of one call that are looked at


# The service, and a breaker in front of it


def served():
    return "served"


def no_answer():
    raise ConnectionError("no answer")


def unknown_key():
    raise KeyError("no such order")


ANSWERS = {"s": served, "f": no_answer, "i": unknown_key}
WORDS = {"s": "success", "f": "failure", "i": "KeyError"}
USUAL = {"window": 8, "min_calls": 4, "is_failure": lambda error: type(error) is not KeyError}
EXPECTED_ERRORS = (ConnectionError, KeyError, KeyboardInterrupt, SystemExit, CancelledError)


class Bench:
    """A breaker on a manual clock. It counts what reaches the service behind it."""

    def __init__(self, solution, *, start=0.0, **settings):
        self.clock = ManualClock(start)
        self.breaker = solution.CircuitBreaker(**USUAL | settings, clock=self.clock)
        self.refusal = solution.CircuitOpen
        self.arrivals = []
        self.wait = None  # what the last refused call said

    def call(self, service):
        """One call: `served`, `refused`, or the name of the error."""

        def counted():
            self.arrivals.append(service)
            return service()

        try:
            return str(self.breaker.call(counted))
        except self.refusal as error:
            self.wait = getattr(error, "retry_after", None)
            return "refused"
        except EXPECTED_ERRORS as error:
            return type(error).__name__

    def play(self, script):
        """What came of each call of the script."""
        return [self.call(ANSWERS[letter]) for letter in script]

    def late_call(self, meanwhile, service):
        """One call during which a lot happens before the service ends it."""
        return self.call(lambda: (meanwhile(), service())[1])

    def one_more(self, *, inside):
        """What comes of one more call while so many are inside the service."""
        if not inside:
            return self.play("s")[0]
        came = []
        self.call(lambda: came.append(self.one_more(inside=inside - 1)) or "served")
        return came[0] if came else "no call got inside"

    @property
    def state(self):
        return word(self.breaker.state)

    @property
    def seconds(self):
        """The wait as a rounded number."""
        number = isinstance(self.wait, Real | Decimal)
        return round(float(self.wait), 3) if number else f"not a number: {self.wait!r}"[:60]

    @property
    def kind_of_wait(self):
        fine = not isinstance(self.seconds, str) and self.seconds >= 0
        return "a number of at least 0" if fine else self.seconds

    def listen(self):
        """A list that fills with the changes that are reported."""
        changes = []
        self.breaker.on_transition = lambda old, new: changes.append(f"{word(old)} to {word(new)}")
        return changes


def opened(solution, **settings):
    """A bench whose breaker has just opened."""
    bench = Bench(solution, **settings)
    bench.play("ffff")
    return bench


def due(solution, **settings):
    """A bench whose next call is the first probe."""
    bench = opened(solution, open_for=30.0, **settings)
    bench.clock.advance(30)
    return bench


def word(state):
    """The state's name in one spelling, be it text, an Enum or an object of a class."""
    spellings = [state.name, state.value] if isinstance(state, Enum) else [state]
    spellings += [getattr(state, "__name__", ""), getattr(state, "name", ""), type(state).__name__]
    for spelling in spellings:
        letters = "".join(filter(str.isalpha, str(spelling).rpartition(".")[2])).lower()
        known = letters.replace("circuit", "").replace("breaker", "").replace("state", "")
        if known in ("closed", "open", "halfopen"):
            return known.replace("half", "half-")
    if callable(state):
        return "a method: it lacks @property"
    return f"no known state: {state!r}"[:80]


# Threads. A thread that hangs is left behind: it is a daemon.


def begin(work):
    """Start `work()` in a thread; gives a queue that will hold its result or its error."""
    ended = queue.SimpleQueue()

    def run():
        try:
            ended.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again by result_of
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    return ended


def result_of(ended):
    """The result, or that there is none in time. Raises the thread's error."""
    try:
        value, error = ended.get(timeout=PATIENCE)
    except queue.Empty:
        return f"did not return within {PATIENCE:g} s"
    if error:
        raise error
    return value


def overtaken(line, slow, fast):
    """Stop `slow` at that line of the learner's code until `fast` is done or waits for a lock.

    `fast` takes a function to call when it is done; that one returns when `slow` has ended.
    False if `slow` has fewer lines.
    """
    reached, ready, go_on, slow_ended = (threading.Event() for _ in range(4))
    lines_before = iter(range(line - 1))

    def stop_once(frame, event, argument):
        if frame.f_code.co_filename in NOT_THE_LEARNERS:
            return None
        if event == "line" and next(lines_before, None) is None and not reached.is_set():
            reached.set()
            ready.set()
            go_on.wait(PATIENCE)
        return stop_once

    def traced():
        sys.settrace(stop_once)
        try:
            slow()
        finally:
            sys.settrace(None)
            slow_ended.set()
            ready.set()

    def done():
        go_on.set()
        slow_ended.wait(PATIENCE)

    slow_thread = begin(traced)
    ready.wait(PATIENCE)
    fast_thread = begin(lambda: fast(done))
    go_on.wait(LOCK_PATIENCE)
    go_on.set()
    result_of(slow_thread)
    result_of(fast_thread)
    return reached.is_set()


def meet(barrier):
    """Whether all came to the barrier in time."""
    try:
        barrier.wait(PATIENCE)
    except threading.BrokenBarrierError:
        return False
    return True


NOT_THE_LEARNERS = {
    function.__code__.co_filename
    for function in (meet, ManualClock.monotonic, threading.Thread.run)
}


# Task 1

PASSES_RESULTS = "passes arguments and results through"
PASSES_ERRORS = "lets the very same error object out"


@scenario(
    PASSES_RESULTS,
    task=1,
    next_step="Return what fn returns, with all its arguments. `state` is a property.",
)
def passes_results(solution, rng):
    """A new breaker calls a function with two positional arguments and one named one."""
    bench = Bench(solution)
    given, received = [rng.randrange(100), rng.randrange(100)], []
    result = object()

    def fn(*args, **kwargs):
        received.extend((list(args), kwargs))
        return result

    same = bench.breaker.call(fn, *given, unit="s") is result
    return {
        "arguments received": received,
        "result": "the object that fn returned" if same else "something else",
        "state": bench.state,
    }


@scenario(
    PASSES_ERRORS,
    task=1,
    needs=(PASSES_RESULTS,),
    next_step="Look at what you raise: a bare `raise` in an except block keeps the object.",
)
def passes_errors(solution, rng):
    """Functions that raise a ConnectionError, a TypeError, an AttributeError and a KeyError."""
    seen = {}
    for error in (ConnectionError("down"), TypeError("typo"), AttributeError("typo"), KeyError(1)):

        def fn(error=error):
            raise error

        came = "nothing"
        try:
            Bench(solution).breaker.call(fn)
        except Exception as caught:  # noqa: BLE001 - whatever comes out is what we look at
            same = "the same object" if caught is error else "another object"
            came = f"{same}, a {type(caught).__name__}"
        seen[f"what a {type(error).__name__} came out as"] = came
    return seen


# Task 2

VALUE_ERROR = "refuses a min_calls that is larger than the window"
MINIMUM = "stays closed below min_calls, even if every call failed"
RATE = "opens when the rate is exactly failure_rate"
AFTER_SUCCESS = "looks at the rate after a success too"
WINDOW = "counts the last `window` outcomes, no more and no fewer"
RARE = "rare failures never add up"


@scenario(
    VALUE_ERROR,
    task=2,
    needs=(PASSES_RESULTS,),
    next_step="Compare the two numbers in __init__. Equal is allowed.",
)
def value_error(solution, rng):
    """Three new breakers: min_calls one below the window, equal to it, one above it."""
    window = rng.randint(3, 9)
    seen = {}
    for min_calls in (window - 1, window, window + 1):
        try:
            solution.CircuitBreaker(window=window, min_calls=min_calls, clock=ManualClock())
            came = "accepted"
        except ValueError:
            came = "ValueError"
        seen[f"window={window}, min_calls={min_calls}"] = came
    return seen


@scenario(
    MINIMUM,
    task=2,
    needs=(PASSES_ERRORS,),
    next_step="Compare the number of outcomes with min_calls before you look at the rate.",
)
def minimum(solution, rng):
    """Failures only: one fewer than min_calls, then the last one."""
    min_calls = rng.randint(3, 12)
    bench = Bench(solution, window=20, min_calls=min_calls)
    seen = {}
    for letter in "f" * min_calls:
        bench.play(letter)
        seen[f"state after failure {len(seen) + 1}, min_calls={min_calls}"] = bench.state
    return seen


@scenario(
    RATE,
    task=2,
    needs=(MINIMUM,),
    points=2,
    next_step="Divide failures by calls, compare with >=. A product is rounded differently.",
)
def rate(solution, rng):
    """Half of ten calls fail, limit 0.5. Then 7 of 25, limit 0.28, and 101 of 200, limit 0.505."""
    seen = {}
    for calls, failures, limit in ((10, 5, 0.5), (25, 7, 0.28), (200, 101, 0.505)):
        early = ["f"] * (failures - 1) + ["s"] * (calls - failures)
        rng.shuffle(early)
        for failed, last in ((failures - 1, "s"), (failures, "f")):
            bench = Bench(solution, window=calls, min_calls=calls, failure_rate=limit)
            bench.play([*early, last])
            seen[f"{failed} of {calls} failed, limit {limit}"] = bench.state
    return seen


@scenario(
    AFTER_SUCCESS,
    task=2,
    needs=(RATE,),
    next_step="Count every outcome, not only errors. A call that returns is a success: None, too.",
)
def after_success(solution, rng):
    """min_calls is 4. Two failures in the first three calls, then the fourth call succeeds."""
    early = ["f", "f", "s"]
    rng.shuffle(early)
    seen = {}
    for result in ("served", None, 0, False):
        bench = Bench(solution, window=8, min_calls=4)
        bench.play(early)
        seen[f"state before fn returns {result!r}"] = bench.state
        bench.call(lambda result=result: result)
        seen[f"state after fn returned {result!r}"] = bench.state
    return seen


@scenario(
    WINDOW,
    task=2,
    needs=(RATE,),
    points=2,
    next_step="When the window is full, each new outcome pushes the oldest one out.",
)
def sliding_window(solution, rng):
    """Two failures in a window of N calls open it. They come N calls apart, then N - 1."""
    size = rng.randint(5, 12)
    settings = {"window": size, "min_calls": size, "failure_rate": 2 / (size + 1)}
    bench = Bench(solution, **settings)
    bench.play("f" + "s" * (size - 1) + "f")
    seen = {f"failures {size} apart, window {size}": bench.state}
    bench.play("s" * (size - 2) + "f")
    return seen | {f"failures {size - 1} apart, window {size}": bench.state}


@scenario(
    RARE,
    task=2,
    needs=(WINDOW,),
    next_step="Ask yourself what makes an old failure go away. Time spent well must, too.",
)
def rare_failures(solution, rng):
    """A week of calls in which one in eleven fails. Then half of the last ten fail."""
    bench = Bench(solution, window=10, min_calls=10)
    bench.play(("s" * 10 + "f") * 10)
    week = {"state after the week": bench.state}
    bench.play("s" * (10 + rng.randint(0, 3)) + "fffff")
    return week | {"state after five failures in a row": bench.state}


# Task 3

REFUSES = "an open breaker refuses without calling the service"
SAYS_HOW_LONG = "says how long it will refuse"
LETS_IN = "lets a call in exactly open_for after the opening, not before"
WALL_CLOCK = "a jump of the wall clock changes nothing"


@scenario(
    REFUSES,
    task=3,
    needs=(RATE,),
    next_step="Look at the state before you call fn, and raise CircuitOpen, which is an Exception.",
)
def refuses(solution, rng):
    """A breaker opens after four failures. Then come some calls of a service that would answer."""
    bench = opened(solution)
    extra = rng.randint(2, 5)
    return {
        f"the next {extra} calls": bench.play("s" * extra),
        "calls that reached the service": len(bench.arrivals),
        "`except Exception` catches CircuitOpen": issubclass(bench.refusal, Exception),
        "state": bench.state,
    }


@scenario(
    SAYS_HOW_LONG,
    task=3,
    needs=(REFUSES,),
    next_step="Read the clock when the breaker opens, not when the call began. Never round down.",
)
def says_how_long(solution, rng):
    """A call at the opening, one later, one near the end. Then one opened by a call of 7 s."""
    open_for, later = rng.randint(20, 40), rng.randint(3, 15)
    bench = opened(solution, open_for=float(open_for))
    bench.play("s")
    seen = {f"retry_after at once, open_for={open_for}": bench.seconds}
    bench.clock.advance(later)
    bench.play("s")
    seen[f"retry_after {later} s later"] = bench.seconds
    late = opened(solution, open_for=float(open_for))
    late.clock.advance(open_for - 4.5)
    late.play("s")
    fine = late.seconds in (4.5, 5)
    seen["retry_after 4.5 s before the end"] = "4.5 or 5" if fine else late.seconds
    slow = Bench(solution, open_for=float(open_for))
    slow.play("fff")
    slow.late_call(lambda: slow.clock.advance(7), no_answer)
    slow.play("s")
    return seen | {"retry_after, opened by a call of 7 s": slow.seconds}


@scenario(
    LETS_IN,
    task=3,
    needs=(REFUSES,),
    points=2,
    next_step="Use clock.monotonic(). Exactly at the end of open_for a call goes through.",
)
def lets_in(solution, rng):
    """Calls half-way, a quarter of a second before the end, and at the end of open_for."""
    seen = {}
    for start in (0, rng.randint(1000, 5000)):
        bench = opened(solution, start=float(start), open_for=30.0)
        for seconds, wait in (("15", 15.0), ("29.75", 14.75), ("30", 0.25)):
            bench.clock.advance(wait)
            label = f"call at {seconds} s, clock began at {start}"
            seen[label] = bench.play("s")[0]
    return seen


@scenario(
    WALL_CLOCK,
    task=3,
    needs=(LETS_IN,),
    next_step="Durations come from clock.monotonic(). Only dates come from clock.now().",
)
def wall_clock(solution, rng):
    """While it is open, clock.now() is put an hour forward; later it is put a day back."""
    bench = opened(solution, open_for=30.0)
    bench.clock.advance(rng.randint(1, 20))
    bench.clock.set_wall_clock_back(-3600)
    early = bench.play("s")[0]
    bench.clock.set_wall_clock_back(24 * 3600)
    bench.clock.advance(30 - bench.clock.monotonic())
    return {"call after the jump forward": early, "call after open_for": bench.play("s")[0]}


# Task 4

NOT_LOCKED = "other calls get through while one is inside the service"
CLOSES = "closes when all probes succeeded, and not before"
FORGETS = "forgets the past when it closes"
REOPENS = "one failed probe opens it again for the full time"
DEFAULTS = "works with the settings of the signature"
LIMITS = "a half-open period has no more probes than half_open_permits"


@scenario(
    NOT_LOCKED,
    task=4,
    needs=(PASSES_RESULTS,),
    next_step="Let go of the lock before fn runs, and take it again to count the outcome.",
    limit=6.0,
)
def not_locked(solution, rng):
    """While one call is inside, another thread calls. Then fn itself calls through the breaker."""
    bench = Bench(solution)
    seen = {}

    def slow():
        seen["the call of another thread"] = result_of(begin(lambda: bench.call(served)))
        return "served"

    bench.call(slow)
    if seen["the call of another thread"] == "served":
        nested = begin(lambda: bench.call(lambda: bench.call(served)))
        seen["a call from inside a call"] = result_of(nested)
    return seen


@scenario(
    CLOSES,
    task=4,
    needs=(LETS_IN, NOT_LOCKED),
    points=2,
    next_step="Count the probes that succeeded since the breaker became half-open.",
)
def closes(solution, rng):
    """open_for is over. As many probes as half_open_permits succeed, one after the other."""
    seen = {}
    for permits in (1, rng.randint(2, 5)):
        bench = due(solution, half_open_permits=permits)
        for number in range(1, permits + 1):
            result = bench.play("s")[0]
            seen[f"probe {number} of {permits}"] = f"{result}, then {bench.state}"
    return seen


@scenario(
    FORGETS,
    task=4,
    needs=(CLOSES,),
    next_step="Empty the window at the change of state. The probes do not belong into it.",
)
def forgets(solution, rng):
    """Five failures open it, two probes close it. Then calls fail until min_calls is reached."""
    min_calls = rng.randint(4, 8)
    bench = Bench(solution, window=8, min_calls=min_calls, half_open_permits=2, open_for=30.0)
    bench.play("f" * min_calls)
    bench.clock.advance(30)
    bench.play("ss" + "f" * (min_calls - 1))
    seen = {f"{min_calls - 1} new failures, min_calls={min_calls}": bench.state}
    bench.play("f")
    return seen | {f"{min_calls} new failures, min_calls={min_calls}": bench.state}


@scenario(
    REOPENS,
    task=4,
    needs=(CLOSES,),
    points=2,
    next_step="Opening is one step, wherever it starts: new time, no probes counted.",
)
def reopens(solution, rng):
    """Of three probes the first succeeds and the second fails. Later come three more probes."""
    bench = due(solution, half_open_permits=3)
    bench.clock.advance(rng.randint(0, 100))
    bench.play("sf")
    seen = {"state after the failed probe": bench.state, "next call": bench.play("s")[0]}
    seen["retry_after"] = bench.seconds
    bench.clock.advance(29.75)
    seen["call 29.75 s later"] = bench.play("s")[0]
    bench.clock.advance(0.25)
    for number in (1, 2, 3):
        result = bench.play("s")[0]
        seen[f"second period, probe {number} of 3"] = f"{result}, then {bench.state}"
    return seen


@scenario(
    LIMITS,
    task=4,
    needs=(CLOSES,),
    points=2,
    next_step="Take a permit before a probe starts. A probe that succeeds has used it up. "
    "A retry_after is 0 or more.",
)
def limits(solution, rng):
    """34 s after open_for. All probes are inside the service, or done; then one more call comes."""
    seen = {}
    for permits, done in ((1, 0), (rng.randint(2, 4), 0), (3, 1)):
        bench = due(solution, half_open_permits=permits)
        bench.clock.advance(34)
        bench.play("s" * done)
        label = f"{permits} permits, {done} done"
        seen[f"{label}: one more call"] = bench.one_more(inside=permits - done)
        seen[f"{label}: its retry_after"] = bench.kind_of_wait
        seen[f"{label}: state at the end"] = bench.state
    return seen


@scenario(
    DEFAULTS,
    task=4,
    needs=(CLOSES, WINDOW),
    next_step="Compare the signature of __init__ with the one in the task. None: SystemClock().",
)
def defaults(solution, rng):
    """Breakers made with nothing but a clock. Then one without a clock, which a failure opens."""
    bench = Bench(solution)
    seen = {}
    for successes, errors in ((0, 9), (0, 10), (11, 9), (11, 10)):
        bench.breaker = solution.CircuitBreaker(clock=bench.clock)
        bench.play("s" * successes + "i" * errors)
        seen[f"{successes} successes, then {errors} KeyErrors"] = bench.state
    bench.play("s")
    seen["retry_after"] = bench.seconds
    bench.clock.advance(30)
    for number in (1, 2, 3):
        bench.play("s")
        seen[f"state after probe {number}"] = bench.state
    bench.breaker = solution.CircuitBreaker(window=1, min_calls=1, open_for=3600.0)
    seen["no clock given: f, then s"] = bench.play("fs")
    return seen


# Task 5

IGNORED = "errors that do not count are neither failures nor successes"
PERMIT_BACK = "a probe whose error does not count gives its permit back"
CANCELLED = "a cancelled call never counts and gives its permit back"
LATE_CALLS = "a late result of the closed period changes nothing"
LATE_PROBES = "a late probe of an earlier half-open period changes nothing"
REPORTS = "reports each change of state once, in order"
LISTENER = "holds no lock while it reports"
NESTED = "reports the changes that its listener causes"
TWO = "two breakers share nothing"
OVERTAKEN_PROBE = "a thread that is overtaken gets no extra probe"
OVERTAKEN_CHANGE = "a thread that is overtaken causes no second change"
TWENTY_PROBES = "twenty threads get no more probes than permits"
TWENTY_CHANGES = "twenty threads cause one change, reported once"
LONG_STORY = "stays right on a long day of ups and downs"


@scenario(
    IGNORED,
    task=5,
    needs=(RARE,),
    next_step="Ask is_failure first. If it says no, the window must not change at all.",
)
def ignored(solution, rng):
    """KeyErrors between the outcomes that count; min_calls is 4."""
    bench = Bench(solution)
    seen = {"ten KeyErrors": bench.play("i" * 10)[-1] + ", then " + bench.state}
    bench.play("i".join(rng.choice(("ssf", "sfs", "fss"))) + "iiii")
    seen["s, s and f, a few KeyErrors"] = bench.state
    bench.play("f")
    return seen | {"one more f: two of four failed": bench.state}


@scenario(
    PERMIT_BACK,
    task=5,
    needs=(IGNORED, LIMITS),
    next_step="What if a probe ends without an answer? Its permit must not be lost, nor count.",
)
def permit_back(solution, rng):
    """Half-open, two permits. A few probes end in a KeyError before one succeeds, and after it."""
    bench = due(solution, half_open_permits=2)
    seen = {}
    for letter in "i" * rng.randint(3, 5) + "s" + "i" * rng.randint(2, 4):
        result = bench.play(letter)[0]
        seen[f"call {len(seen) + 1}"] = f"{result}, then {bench.state}"
    seen["one call too many"] = bench.one_more(inside=1)
    return seen | {"state after the second success": bench.state}


@scenario(
    CANCELLED,
    task=5,
    needs=(PERMIT_BACK,),
    points=2,
    next_step="Only an Exception can be a failure. `finally` also runs when a call is cancelled.",
)
def cancelled(solution, rng):
    """Calls and probes end in KeyboardInterrupt, SystemExit, CancelledError; all errors count."""
    seen = {}
    for kind in (KeyboardInterrupt, SystemExit, CancelledError):

        def stop(kind=kind):
            raise kind()

        name = kind.__name__
        bench = Bench(solution, is_failure=lambda error: True, half_open_permits=1, open_for=30.0)
        bench.play("fff")
        seen[f"{name} after 3 failures"] = f"{bench.call(stop)}, then {bench.state}"
        bench.play("f")
        seen[f"a failure after {name}"] = bench.state
        bench.clock.advance(30)
        seen[f"a probe with {name}"] = f"{bench.call(stop)}, then {bench.state}"
        seen[f"the probe after {name}"] = f"{bench.play('s')[0]}, then {bench.state}"
    return seen


@scenario(
    LATE_CALLS,
    task=5,
    needs=(LIMITS, REOPENS),
    points=2,
    next_step="Give each call the number of its period, and compare when the call ends.",
)
def late_calls(solution, rng):
    """A call begins while closed. It ends when the breaker is open, half-open, or closed again."""
    seen = {}
    for late, ending in (("late success", served), ("late failure", no_answer)):
        bench = Bench(solution, open_for=30.0)
        bench.late_call(lambda b=bench: (b.play("ffff"), b.clock.advance(12)), ending)
        bench.play("s")
        seen[f"{late}: retry_after after 12 s"] = bench.seconds

        bench = Bench(solution, half_open_permits=2, open_for=30.0)
        bench.late_call(lambda b=bench: (b.play("ffff"), b.clock.advance(30), b.play("s")), ending)
        seen[f"{late}: state, one probe done"] = bench.state

        bench = Bench(solution, half_open_permits=1, open_for=30.0)
        bench.late_call(
            lambda b=bench: (b.play("ffff"), b.clock.advance(30), b.play("sfff")), ending
        )
        seen[f"{late}: 3 failures since closing"] = bench.state
        bench.play("f")
        seen[f"{late}: 4 failures since closing"] = bench.state
    return seen


@scenario(
    LATE_PROBES,
    task=5,
    needs=(LATE_CALLS,),
    points=2,
    next_step="Half-open now is not half-open then. Compare a number, not the state's name.",
)
def late_probes(solution, rng):
    """Of two probes one fails at once. The other ends much later, in the next half-open period."""
    seen = {}
    for late, ending in (
        ("late success", served),
        ("late failure", no_answer),
        ("late KeyError", unknown_key),
    ):
        bench = due(solution, half_open_permits=2)
        bench.late_call(lambda b=bench: (b.play("f"), b.clock.advance(30), b.play("s")), ending)
        seen[f"{late}: state, one probe done"] = bench.state
        seen[f"{late}: one call too many"] = bench.one_more(inside=1)
    return seen


@scenario(
    REPORTS,
    task=5,
    needs=(REOPENS,),
    next_step="Call on_transition(old, new) in the one place where the state changes.",
)
def reports(solution, rng):
    """It opens, a probe fails, and later two probes succeed. Calls are refused in between."""
    bench = Bench(solution, half_open_permits=2, open_for=30.0)
    changes = bench.listen()
    script = ["s" * rng.randint(1, 4) + "ffff", "sf", "ss" + "s" * rng.randint(1, 3)]
    for calls in script:
        bench.play(calls)
        bench.clock.advance(15)
        bench.play("s" if bench.state != "closed" else "")
        bench.clock.advance(15)
    bench.breaker.on_transition = None
    return {"reports": changes, "calls with on_transition = None": bench.play("ffff")[-1]}


@scenario(
    LISTENER,
    task=5,
    needs=(REPORTS, NOT_LOCKED),
    points=2,
    next_step="Note the change under the lock; report it after you have let go of the lock.",
    limit=6.0,
)
def listener(solution, rng):
    """When it opens, on_transition waits for another thread's call, then makes one itself."""
    bench = Bench(solution)
    seen = {}

    def on_transition(old, new):
        seen["the call of another thread"] = result_of(begin(lambda: bench.call(served)))
        if seen["the call of another thread"] == "refused":
            seen["its own call"] = bench.call(served)
            seen["the state it reads"] = bench.state

    bench.breaker.on_transition = on_transition
    bench.play("ffff")
    return seen


@scenario(
    NESTED,
    task=5,
    needs=(LISTENER,),
    next_step="A change during a report must not be dropped: keep it, and report it next.",
)
def nested(solution, rng):
    """When it opens, on_transition lets open_for pass and makes the one probe that closes it."""
    bench = Bench(solution, half_open_permits=1, open_for=30.0)
    changes = bench.listen()
    note = bench.breaker.on_transition

    def on_transition(old, new):
        note(old, new)
        if len(changes) == 1:
            bench.clock.advance(30 + rng.randint(0, 9))
            bench.play("s")

    bench.breaker.on_transition = on_transition
    bench.play("ffff")
    return {"reports": changes, "state at the end": bench.state}


@scenario(
    TWO,
    task=5,
    needs=(NESTED,),
    next_step="Keep what is remembered on self, set in __init__; class attributes are shared.",
)
def two(solution, rng):
    """The first of two fails thrice. The second opens; its listener closes it, fails the first."""
    first, second = Bench(solution), Bench(solution, half_open_permits=1, open_for=30.0)
    first_reports, second_reports = first.listen(), second.listen()
    note = second.breaker.on_transition

    def on_transition(old, new):
        note(old, new)
        if len(second_reports) == 1:
            second.clock.advance(30 + rng.randint(0, 9))
            second.play("s")
            first.play("f")

    second.breaker.on_transition = on_transition
    first.play("fff")
    seen = {}
    for number in range(1, 5):
        second.play("f")
        seen[f"states after {number} failures of the second"] = [first.state, second.state]
    seen |= {"reports of the first": first_reports, "reports of the second": second_reports}
    third = Bench(solution)
    return seen | {"a third breaker": [third.state, third.play("s")[0]]}


@scenario(
    OVERTAKEN_PROBE,
    task=5,
    needs=(LIMITS,),
    points=2,
    next_step="Looking for a permit and taking it must be one step, under one lock.",
    limit=10.0,
)
def overtaken_probe(solution, rng):
    """One thread stops before each line in turn; meanwhile another takes all permits it gets."""
    permits = rng.randint(2, 4)

    def served_unwatched():
        sys.settrace(None)  # the lines after this one come too late for a probe
        return "served"

    probes, states = 0, set()
    for line in range(1, MOST_LINES):
        bench = due(solution, half_open_permits=permits)
        bench.arrivals.clear()

        def take_all(done, bench=bench):
            if bench.call(lambda: take_all(done) or "served") == "refused":
                done()

        reached = overtaken(line, lambda bench=bench: bench.call(served_unwatched), take_all)
        probes = max(probes, len(bench.arrivals))
        states.add(bench.state)
        if not reached:
            break
    return {f"most probes, {permits} allowed": probes, "states at the end": sorted(states)}


@scenario(
    OVERTAKEN_CHANGE,
    task=5,
    needs=(REPORTS, OVERTAKEN_PROBE),
    points=2,
    next_step="Counting an outcome and changing the state must be one step, under one lock.",
    limit=10.0,
)
def overtaken_change(solution, rng):
    """Two calls fail, each enough to open it. One thread stops before each line in turn."""
    reports, states = [], set()
    for line in range(1, MOST_LINES):
        bench = Bench(solution)
        bench.play("fff")
        changes = bench.listen()
        reached = overtaken(
            line,
            lambda bench=bench: bench.play("f"),
            lambda done, bench=bench: (bench.play("f"), done()),
        )
        reports = max(reports, changes, key=len)
        states.add(bench.state)
        if not reached:
            break
    return {"most reports": reports, "states at the end": sorted(states)}


@scenario(
    TWENTY_PROBES,
    task=5,
    needs=(OVERTAKEN_PROBE,),
    next_step="Count the permits under the lock; refuse at once instead of waiting.",
    limit=10.0,
)
def twenty_probes(solution, rng):
    """open_for is over and 20 threads call at once. No probe ends before all others have tried."""
    permits = rng.randint(1, 4)
    bench = due(solution, half_open_permits=permits)
    start, all_tried = threading.Barrier(20), threading.Barrier(20)

    def one_call():
        meet(start)
        result = bench.call(lambda: "served" if meet(all_tried) else "alone")
        if result == "refused":
            meet(all_tried)
        return result

    results = [result_of(thread) for thread in [begin(one_call) for _ in range(20)]]
    return {
        f"probes started, {permits} allowed": results.count("served"),
        "calls refused": results.count("refused"),
        "state when the probes have succeeded": bench.state,
    }


@scenario(
    TWENTY_CHANGES,
    task=5,
    needs=(OVERTAKEN_CHANGE, TWENTY_PROBES),
    next_step="What follows a change of state must happen once, by the thread that caused it.",
    limit=10.0,
)
def twenty_changes(solution, rng):
    """20 calls are inside at the same time and all fail. Later 20 probes all succeed together."""
    bench = Bench(solution, window=20, min_calls=10, half_open_permits=20, open_for=30.0)
    changes = bench.listen()

    def together(service):
        everybody = threading.Barrier(20)
        threads = [
            begin(lambda: bench.call(lambda: service() if meet(everybody) else "alone"))
            for _ in range(20)
        ]
        return sorted({result_of(thread) for thread in threads})

    seen = {"20 calls together": together(no_answer), "reports": [*changes]}
    bench.clock.advance(30)
    changes.clear()
    seen["20 probes together"] = together(served)
    return seen | {"reports of the probes": changes, "state at the end": bench.state}


@scenario(
    LONG_STORY,
    task=5,
    needs=(LATE_PROBES, CANCELLED, FORGETS),
    points=2,
    next_step="Take the settings in the label and play the last few calls by hand on paper.",
)
def long_story(solution, rng):
    """150 calls, good times and bad ones, with pauses. Window 6, min_calls 4, two permits, 20 s."""
    bench = Bench(solution, window=6, min_calls=4, half_open_permits=2, open_for=20.0)
    seen = {}
    for number in range(150):
        weights = (8, 1, 1) if number // 15 % 2 else (3, 4, 1)
        letter = rng.choices("sfi", weights)[0]
        bench.clock.advance(rng.choice((0, 0, 1, 5, 10)))
        label = f"call {number + 1}, a {WORDS[letter]}, at {bench.clock.monotonic():g} s"
        seen[label] = f"{bench.play(letter)[0]}, then {bench.state}"
    return seen
