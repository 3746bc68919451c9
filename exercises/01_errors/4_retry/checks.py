"""Checks of 01.4-retry.

Most stories are short scripts, one letter a call: `s` the service answers, `f` it
raises a ConnectionError, `t` a TimeoutError, `k` a KeyError, which is not retried.
A list may also hold errors. Waits of 0 s are left out of every comparison.
"""

import asyncio
import contextlib
import inspect
import queue
import random
import threading
from email.utils import formatdate

from course_lib.clock import ManualClock
from course_lib.practice import scenario

NAMES = ("retry", "Budget")
SEEDS = 8  # the stories that count hundreds of waits are the same with every seed
HINTS = (
    "Three limits can stop the tries: attempts, deadline, budget. Which must be asked before "
    "the others, and which of them changes when you ask it?",
    "Compute the wait first. Then ask whether there is time for it, then whether there is a token "
    "for it. Only then sleep. Keep a text for each attempt that failed.",
    "One object a call, with the start time and the notes so far. Its method takes the error of "
    "an attempt and gives back the wait, or lets the error out with its notes. The loop around it "
    "is three lines long, and exists twice: with sleep, and with await ... asleep.",
)

PATIENCE = 1.0  # seconds until a coroutine that hangs is given up
MIDNIGHT = 1_767_225_600  # clock.now() of a new ManualClock
ERRORS = {"f": ConnectionError, "t": TimeoutError, "k": KeyError}


class Refused(ConnectionError):
    """An error that says when to come back."""

    def __init__(self, retry_after):
        super().__init__("refused")
        self.retry_after = retry_after


class Clock(ManualClock):
    """Also writes down which kind of waiting was used."""

    def __init__(self):
        super().__init__()
        self.kinds = set()

    def sleep(self, seconds):
        self.kinds.add("sleep")
        super().sleep(seconds)

    async def asleep(self, seconds):
        self.kinds.add("asleep")
        await super().asleep(seconds)


class BusyClock(Clock):
    """Does something else during the first sleep: another call, by somebody else."""

    meanwhile = None

    def sleep(self, seconds):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile and seconds > 0:
            meanwhile()
        super().sleep(seconds)


class Bench:
    """A service that plays scripts on a manual clock, and `retry` around it."""

    def __init__(self, solution, **settings):
        self.solution, self.settings = solution, settings
        self.clock = settings.pop("clock", None) or Clock()
        self.rng = random.Random(settings.pop("seed", 7))
        self.calls = 0

    def all_settings(self):
        return {"clock": self.clock, "rng": self.rng} | self.settings

    def service(self, script, seconds=0):
        steps = iter(script)

        def service():
            self.calls += 1
            self.clock.advance(seconds)
            step = next(steps, "s")
            if isinstance(step, BaseException):
                raise step
            if step != "s":
                raise ERRORS[step](f"failure {self.calls}")
            return f"answer {self.calls}"

        return service

    def play(self, script, seconds=0):
        """What the caller got: an answer, or the error in words."""
        self.calls, self.error = 0, None
        try:
            return self.solution.retry(self.service(script, seconds), **self.all_settings())
        except (ConnectionError, TimeoutError, KeyError) as error:
            self.error = error
            return type(error).__name__

    @property
    def waits(self):
        return [round(float(wait), 6) for wait in self.clock.waits if wait > 0]

    @property
    def notes(self):
        return list(getattr(self.error, "__notes__", []))


def calls(number):
    return f"{number} call{'' if number == 1 else 's'}"


def three_errors(rng, retry_after):
    """Errors that can be told apart; each says when to come back."""
    errors = []
    for kind in (ConnectionResetError, TimeoutError, ConnectionError):
        error = kind(f"failure {rng.randrange(100, 1000)}")
        error.retry_after = retry_after
        errors.append(error)
    return errors


def noted(bench, earlier):
    """How many notes the caller got, and whether each tells of its attempt."""
    seen = {"notes": len(bench.notes)}
    for number, (note, error) in enumerate(zip(bench.notes, earlier, strict=False), 1):
        fits = type(error).__name__ in note and str(error) in note
        seen[f"note {number}"] = f"type and message of failure {number}" if fits else note
    return seen


def in_a_loop(work):
    """What the coroutine function `work` gives, in an event loop of its own."""
    ended = queue.SimpleQueue()

    def run():
        try:
            ended.put((asyncio.run(work()), None))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the main thread
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        value, error = ended.get(timeout=PATIENCE)
    except queue.Empty:
        return f"did not end within {PATIENCE:g} s"
    if error:
        raise error
    return value


# Task 1

RESULT = "gives back the result of the first attempt that succeeds"
ATTEMPTS = "calls exactly `attempts` times"
SAME_ERROR = "the error of the last attempt comes out"
UNLISTED = "an error that is not listed comes out at once"
INTERRUPTED = "never retries an interruption"
NOTES = "notes each earlier attempt on the error that comes out"


@scenario(RESULT, task=1, next_step="Return what fn returns, and call again only after an error.")
def result(solution, rng):
    """A service that answers at once; others that fail once, twice or three times before."""
    number = rng.randrange(1000)
    seen = {f"retry(fn), fn gives {number}": solution.retry(lambda: number)}
    for empty in (None, 0, False, ""):
        script = iter([empty, "another call"])
        gave = solution.retry(lambda script=script: next(script), clock=Clock())
        seen[f"fn gives {empty!r}"] = repr(gave)
    for failures in range(4):
        bench = Bench(solution)
        script = "".join(rng.choice("ft") for _ in range(failures)) + "s"
        seen[f"{script}, attempts=4"] = f"{bench.play(script)} after {calls(bench.calls)}"
    return seen


@scenario(
    ATTEMPTS,
    task=1,
    needs=(RESULT,),
    points=2,
    next_step="The first call is attempt 1. Count all calls, not the retries.",
)
def exact_attempts(solution, rng):
    """A service that always fails, with 1 attempt, 2 attempts, and a few more."""
    seen = {}
    for attempts in (1, 2, rng.randint(5, 9)):
        bench = Bench(solution, attempts=attempts)
        seen[f"attempts={attempts}"] = f"{bench.play('f' * 20)} after {calls(bench.calls)}"
    return seen


@scenario(
    SAME_ERROR,
    task=1,
    needs=(ATTEMPTS,),
    next_step="Raise after the last attempt. A function that ends without that returns None.",
)
def same_error(solution, rng):
    """A service that raises a new error object each time, attempts=3."""
    errors = [ConnectionError("first"), TimeoutError("second"), ConnectionError("third")]
    bench = Bench(solution, attempts=3)
    result = bench.play(errors)
    same = [error is bench.error for error in errors]
    return {
        "what came out": result,
        "which of the three objects": same.index(True) + 1 if any(same) else "none of them",
    }


@scenario(
    UNLISTED,
    task=1,
    needs=(ATTEMPTS,),
    next_step="Catch only the classes in retry_on. A subclass of a listed class is listed too.",
)
def unlisted(solution, rng):
    """Errors that are listed and errors that are not, with two settings of retry_on."""
    seen = {}
    for label, settings, errors in (
        ("default retry_on", {}, (KeyError("x"), ConnectionResetError("y"), OSError("z"))),
        (
            "retry_on=(KeyError,)",
            {"retry_on": (KeyError,)},
            (KeyError("x"), ConnectionError("y"), TimeoutError("z")),
        ),
    ):
        for error in errors:
            bench = Bench(solution, **settings)
            came = "an answer"
            try:
                bench.play([error])
                came = "the same object" if bench.error is error else came
            except OSError as other:
                came = "the same object" if other is error else "another object"
            outcome = f"{came} after {calls(bench.calls)}"
            seen[f"{type(error).__name__}, {label}"] = outcome
    for error in (TypeError("typo"), AttributeError("typo")):
        bench, came = Bench(solution), "an answer"
        try:
            bench.play([error])
        except (TypeError, AttributeError) as other:
            came = "the same object" if other is error else "another object"
        seen[type(error).__name__] = f"{came} after {calls(bench.calls)}"
    return seen


@scenario(
    INTERRUPTED,
    task=1,
    needs=(UNLISTED,),
    next_step="Catch Exception at most. A bare except also catches Ctrl-C.",
)
def interrupted(solution, rng):
    """The first call, or the second, ends in KeyboardInterrupt, SystemExit or CancelledError."""
    seen = {}
    for kind in (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
        for before in ("", "f"):
            bench = Bench(solution, retry_on=(Exception,))
            came = "an answer"
            try:
                bench.play([*before, kind()])
            except BaseException as error:  # noqa: BLE001 - what comes out is what we look at
                came = type(error).__name__
            label = f"{kind.__name__} in call {len(before) + 1}"
            seen[label] = f"{came} after {calls(bench.calls)}"
    return seen


@scenario(
    NOTES,
    task=1,
    needs=(SAME_ERROR, UNLISTED),
    points=2,
    next_step="Keep a text for each failed attempt, and add all texts to the error that leaves.",
)
def notes(solution, rng):
    """Attempts fail in different ways; the last one, or one that is not listed, comes out."""
    seen = {}
    words = [f"{word} {rng.randrange(100, 1000)}" for word in ("reset", "silent", "refused")]
    earlier = [ConnectionResetError(words[0]), TimeoutError(words[1]), ConnectionError(words[2])]
    for count, last in ((3, ConnectionError("end")), (2, KeyError("end")), (0, KeyError("end"))):
        bench = Bench(solution, attempts=4)
        bench.play([*earlier[:count], last])
        label = f"on {type(last).__name__} after {count} failures"
        seen[f"notes {label}"] = len(bench.notes)
        for number, error in enumerate(earlier[:count]):
            note = bench.notes[number] if number < len(bench.notes) else ""
            fits = type(error).__name__ in note and str(error) in note
            text = f"type and message of failure {number + 1}" if fits else f"{note!r}"
            seen[f"note {number + 1} {label}"] = text
    return seen


# Task 2

NO_WAIT = "does not sleep when nothing follows"
WINDOWS = "each wait is within its window"
JITTER = "the waits fill their windows evenly"
CAPPED = "a wait in a window cut at cap is as even as any other"
NEW_DRAW = "each retry draws a wait of its own"
SEEDED = "the same seed gives the same waits"


@scenario(
    NO_WAIT,
    task=2,
    needs=(ATTEMPTS,),
    points=2,
    next_step="Sleep only when you know that another call follows.",
)
def no_wait(solution, rng):
    """An answer at once; a KeyError; and services that always fail."""
    seen = {}
    for script, attempts in (("s", 4), ("k", 4), ("f", 1), ("ff", 2), ("ffffff", 6), ("fks", 4)):
        bench = Bench(solution, attempts=attempts)
        bench.play(script)
        seen[f"{script}, attempts={attempts}: sleeps"] = len(bench.waits)
    return seen


@scenario(
    WINDOWS,
    task=2,
    needs=(NO_WAIT,),
    points=2,
    next_step="Windows: base, 2*base, 4*base, and so on, but never more than cap.",
)
def windows(solution, rng):
    """100 calls of seven attempts each, all failing: the longest wait of each retry."""
    seen = {}
    for base, cap in ((0.2, 5.0), (1.0, rng.choice([3.0, 6.0])), (4.0, 4.0)):
        settings = {} if base == 0.2 else {"base": base, "cap": cap}  # 0.2 and 5.0: the defaults
        longest = [0.0] * 6
        for seed in range(100):
            bench = Bench(solution, attempts=7, seed=seed, **settings)
            bench.play("f" * 7)
            waits = [*bench.waits, *[0.0] * 6][:6]  # too few count as 0 s
            longest = [max(pair) for pair in zip(longest, waits, strict=True)]
        for k, wait in enumerate(longest):
            window = min(cap, base * 2**k)
            label = f"retry {k + 1}, base={base}, cap={cap}: longest"
            full = window * 0.85 < wait <= window
            seen[label] = f"nearly {window:g} s, not above" if full else round(wait, 2)
    return seen


@scenario(
    JITTER,
    task=2,
    needs=(WINDOWS,),
    points=2,
    next_step="Draw between 0 and the end of the window, anew for each retry.",
)
def jitter(solution, rng):
    """400 calls of four attempts: how many waits fall in each quarter of the window."""
    quarters = {f"retry {k + 1}, quarter {q + 1}": 0 for k in range(3) for q in range(4)}
    for seed in range(400):
        bench = Bench(solution, base=1.0, cap=8.0, seed=seed)
        bench.play("ffff")
        for k, wait in enumerate(bench.waits):
            quarters[f"retry {k + 1}, quarter {min(3, int(4 * wait / 2**k)) + 1}"] += 1
    # 100 are expected, with a deviation of 9: 55 to 145 is never left by chance.
    return {
        label: "about 100 waits of 400" if 55 <= count <= 145 else f"{count} waits of 400"
        for label, count in quarters.items()
    }


@scenario(
    CAPPED,
    task=2,
    needs=(JITTER,),
    next_step="Cut the window at cap, then draw in it. A draw that is cut is often exactly cap.",
)
def capped(solution, rng):
    """200 calls of six attempts, base=1, cap=2: how many waits fall in each quarter of 2 s."""
    quarters = {f"retry {k + 1}, quarter {q + 1}": 0 for k in range(1, 5) for q in range(4)}
    for seed in range(200):
        bench = Bench(solution, attempts=6, base=1.0, cap=2.0, seed=seed)
        bench.play("f" * 6)
        for k, wait in enumerate(bench.waits[1:], 1):
            quarters[f"retry {k + 1}, quarter {min(3, int(2 * wait)) + 1}"] += 1
    # 50 are expected, with a deviation of 6: 20 to 80 is never left by chance.
    return {
        label: "about 50 waits of 200" if 20 <= count <= 80 else f"{count} waits of 200"
        for label, count in quarters.items()
    }


@scenario(
    NEW_DRAW,
    task=2,
    needs=(JITTER,),
    next_step="Ask rng again before each retry. One draw for all makes every wait short, or none.",
)
def new_draw(solution, rng):
    """20 calls of five attempts: which share of its window each wait is."""
    alike = 0
    for seed in range(20):
        bench = Bench(solution, attempts=5, base=1.0, cap=8.0, seed=seed)
        bench.play("fffff")
        shares = [wait / 2**k for k, wait in enumerate(bench.waits)]
        alike += max(shares) - min(shares) < 0.01
    seen = "another share each time" if alike <= 2 else f"the same share in {alike} calls"
    return {"waits of one call": seen}


@scenario(
    SEEDED,
    task=2,
    needs=(WINDOWS,),
    next_step="Draw with rng, not with the module random.",
)
def seeded(solution, rng):
    """The same failures twice with the same seed, then with another seed."""
    seed = rng.randrange(1000)
    waits = []
    for number in (seed, seed, seed + 1):
        bench = Bench(solution, attempts=6, seed=number)
        bench.play("f" * 6)
        waits.append(bench.waits)
    return {
        "same seed": "same waits" if waits[0] == waits[1] else "other waits",
        "other seed": "same waits" if waits[0] == waits[2] else "other waits",
    }


# Task 3

SERVER_SAYS = "retry_after is the exact wait"
DATES = "retry_after may be an HTTP date"
UNREADABLE = "a retry_after that cannot be read changes nothing"
DEADLINE = "no wait ends after the deadline"
TIME_INSIDE = "the time inside fn counts towards the deadline"
WALL_CLOCK = "a wall clock that jumps does not move the deadline"
SERVER_LATE = "retry_after cannot move the deadline"
LATE_NOTES = "the error that the deadline lets out has its notes"


@scenario(
    SERVER_SAYS,
    task=3,
    needs=(NO_WAIT,),
    points=2,
    next_step="Ask getattr(error, 'retry_after', None) before you draw a wait.",
)
def server_says(solution, rng):
    """Refusals with a number of seconds, or with digits in text, then an answer."""
    seen = {}
    for said in (0.5, 7, 60, "7", str(rng.randint(100, 900))):
        bench = Bench(solution, cap=5.0)
        result = bench.play([Refused(said)])
        seen[f"retry_after={said!r}"] = f"{result}, waits {bench.waits}"
    bench = Bench(solution)
    bench.play([Refused(0), Refused(4), Refused(0)])
    return seen | {"retry_after 0, 4 and 0: waits": bench.waits}


@scenario(
    DATES,
    task=3,
    needs=(SERVER_SAYS,),
    points=2,
    next_step="email.utils.parsedate_to_datetime reads it. Subtract clock.now(); never below 0.",
)
def dates(solution, rng):
    """Refusals with a date ahead, with a date in the past, and after the wall clock was set."""
    seen = {}
    ahead = rng.randint(40, 4000)
    for later in (ahead, 0, -ahead):
        bench = Bench(solution)
        date = formatdate(MIDNIGHT + later, usegmt=True)
        seen[f"{later} s after clock.now()"] = f"{bench.play([Refused(date)])}, {bench.waits}"
    bench = Bench(solution)
    bench.clock.advance(30)
    bench.clock.set_wall_clock_back(3600)
    date = formatdate(MIDNIGHT + 30 - 3600 + ahead, usegmt=True)
    result = bench.play([Refused(date)])
    return seen | {f"{ahead} s ahead, wall clock an hour back": f"{result}, {bench.waits}"}


@scenario(
    UNREADABLE,
    task=3,
    needs=(DATES, WINDOWS),
    next_step="Whatever cannot be read means: wait as if nothing had been said.",
)
def unreadable(solution, rng):
    """Refusals with retry_after None, "soon", or no text at all, then an answer."""
    seen = {}
    for said in (None, "soon", "", "after lunch"):
        waits = []
        for seed in range(30):
            bench = Bench(solution, base=2.0, seed=seed)
            result = bench.play([Refused(said)])
            waits += bench.waits
        usual = len(waits) == 30 and max(waits) <= 2.0 and len(set(waits)) > 20
        how = "the usual waits" if usual else f"waits {waits[:3]}"
        seen[f"retry_after={said!r}"] = f"{result}, {how}"
    return seen


def _until(solution, deadline, script, seconds=0, **settings):
    """Outcome and waits; the service says how long to wait, so that no chance is left."""
    bench = Bench(solution, attempts=20, deadline=deadline, **settings)
    result = bench.play(script, seconds)
    return f"{result} after {calls(bench.calls)}, waits {bench.waits}"


@scenario(
    DEADLINE,
    task=3,
    needs=(SERVER_SAYS,),
    points=2,
    next_step="Time since the start plus the wait: compare that with the deadline, then sleep.",
)
def the_deadline(solution, rng):
    """Refusals that ask for 3 s each time, with deadlines of 2, 4, 10 and 100 s."""
    start = rng.randint(0, 5000)
    seen = {}
    for deadline in (2, 4, 10, 100):
        clock = Clock()
        clock.advance(start)
        script = [Refused(3) for _ in range(6)]
        seen[f"deadline={deadline}"] = _until(solution, deadline, script, clock=clock)
    jittered = []
    for seed in range(40):
        bench = Bench(solution, attempts=50, base=1.0, cap=3.0, deadline=6.0, seed=seed)
        bench.play("f" * 50)
        jittered.append(sum(bench.waits))
    latest = max(jittered)
    fits = 5.0 < latest <= 6.0
    label = "longest sleep of 40 calls, deadline=6"
    return seen | {label: "nearly 6 s, not above" if fits else f"{latest:.2f} s"}


@scenario(
    TIME_INSIDE,
    task=3,
    needs=(DEADLINE,),
    next_step="Read clock.monotonic() at the start of the call, and again after each failure.",
)
def time_inside(solution, rng):
    """Each call takes 2 s and asks for 1 s, with deadlines of 2, 5.5 and 8.5 s."""
    return {
        f"deadline={deadline}": _until(solution, deadline, [Refused(1) for _ in range(6)], 2)
        for deadline in (2, 5.5, 8.5)
    }


@scenario(
    WALL_CLOCK,
    task=3,
    needs=(DEADLINE,),
    next_step="Durations come from clock.monotonic(). Only dates are compared with clock.now().",
)
def wall_clock(solution, rng):
    """During the first call the wall clock is put an hour back, or an hour forward."""
    seen = {}
    for jump, way in ((3600, "back"), (-3600, "forward")):
        bench = Bench(solution, deadline=10)
        steps = iter([Refused(4), Refused(4), Refused(4)])

        def service(bench=bench, steps=steps, jump=jump):
            bench.calls += 1
            if bench.calls == 1:
                bench.clock.set_wall_clock_back(jump)
            raise next(steps)

        try:
            solution.retry(service, **bench.all_settings())
        except Refused:
            pass
        seen[f"an hour {way}, deadline=10"] = f"{calls(bench.calls)}, waits {bench.waits}"
    return seen


@scenario(
    SERVER_LATE,
    task=3,
    needs=(DEADLINE, DATES),
    next_step="The deadline has the last word, wherever the wait comes from.",
)
def server_late(solution, rng):
    """The service asks for more seconds than the deadline leaves, as a number and as a date."""
    late = rng.randint(31, 500)
    date = formatdate(MIDNIGHT + late, usegmt=True)
    return {
        f"retry_after={late}, deadline=30": _until(solution, 30, [Refused(late)]),
        f"a date {late} s ahead, deadline=30": _until(solution, 30, [Refused(date)]),
    }


@scenario(
    LATE_NOTES,
    task=3,
    needs=(NOTES, DEADLINE),
    next_step="Add the notes wherever an error leaves, not only after the last attempt.",
)
def late_notes(solution, rng):
    """Each failure asks for 3 s; after the third, deadline=7 leaves no time."""
    errors = three_errors(rng, 3)
    bench = Bench(solution, attempts=9, deadline=7)
    result = bench.play(errors)
    return {"result": f"{result} after {calls(bench.calls)}"} | noted(bench, errors[:2])


# Task 4

EMPTY = "an empty budget allows no retry"
PAYS_IN = "successes of first attempts pay for retries"
PER_SECOND = "tokens arrive with time"
TWO_BUDGETS = "two budgets share nothing"
NO_TOKEN = "a retry that does not happen costs no token"
ASKED_BEFORE = "the token is taken before the sleep"
GONE = "during the sleep of a retry its token is gone"
POOR_NOTES = "the error that the budget lets out has its notes"
LONG_STORY = "the budget stays right on a long day"


def with_budget(solution, *, ratio, min_per_s=0.0, **settings):
    clock = Clock()
    budget = solution.Budget(ratio=ratio, min_per_s=min_per_s, clock=clock)
    return Bench(solution, clock=clock, budget=budget, **settings)


def tokens(bench):
    """How many retries the budget still allows; they are used up."""
    bench.settings["attempts"] = 30
    bench.play([Refused(0)] * 29 + ["f"])
    return bench.calls - 1


@scenario(
    EMPTY,
    task=4,
    needs=(ATTEMPTS,),
    next_step="A new Budget has no tokens. Without a token the error comes out at once.",
)
def empty(solution, rng):
    """A new budget, and calls that fail or succeed at once."""
    bench = with_budget(solution, ratio=0.5)
    outcome = f"{bench.play('ffs')} after {calls(bench.calls)}, {len(bench.waits)} sleeps"
    return {"ffs": outcome, "s": f"{bench.play('s')} after {calls(bench.calls)}"}


@scenario(
    PAYS_IN,
    task=4,
    needs=(EMPTY,),
    points=2,
    next_step="Pay in when attempt 1 succeeds, and only then. One whole token is enough.",
)
def pays_in(solution, rng):
    """First attempts that succeed, first attempts that fail, and later attempts that succeed."""
    seen = {}
    for ratio in (0.25, 0.5):
        need = int(1 / ratio)
        bench = with_budget(solution, ratio=ratio)
        for _ in range(need - 1):
            bench.play("s")
        seen[f"ratio={ratio}: retries after {need - 1} successes"] = tokens(bench)
        bench.play("s")
        seen[f"ratio={ratio}: retries after one more"] = tokens(bench)
    bench = with_budget(solution, ratio=1.0)
    number = rng.randint(3, 7)
    for _ in range(number):
        bench.play("s")
    bench.play("fs")
    bench.play("fs")
    return seen | {f"retries left, {number} times s, 2 times fs": tokens(bench)}


@scenario(
    PER_SECOND,
    task=4,
    needs=(EMPTY,),
    points=2,
    next_step="Remember when you last added tokens, and add what has arrived since.",
)
def per_second(solution, rng):
    """Time passes between failures; some of it in many small steps."""
    seen = {}
    for min_per_s, seconds in ((1.0, 0.75), (1.0, 1.0), (0.5, 2.0), (2.0, 1.0)):
        bench = with_budget(solution, ratio=0.5, min_per_s=min_per_s)
        bench.clock.advance(seconds)
        seen[f"min_per_s={min_per_s}, {seconds} s: retries"] = tokens(bench)
    bench = with_budget(solution, ratio=0.25, min_per_s=1.0)
    for number in range(1, rng.choice((4, 6)) + 1):
        bench.clock.advance(0.5)
        bench.play([Refused(0)])
        seen[f"failure {number}, each after half a second"] = calls(bench.calls)
    seen["retries left after these failures"] = tokens(bench)
    late = with_budget(solution, ratio=0.25, min_per_s=1.0)
    late.clock.set_wall_clock_back(-3600)
    return seen | {"wall clock an hour forward: retries": tokens(late)}


@scenario(
    TWO_BUDGETS,
    task=4,
    needs=(PAYS_IN, PER_SECOND),
    next_step="Keep the tokens on self. A class attribute belongs to all budgets.",
)
def two_budgets(solution, rng):
    """Two budgets; first attempts succeed with one of them only, then seconds pass for both."""
    rich, poor = (with_budget(solution, ratio=1.0, min_per_s=0.5) for _ in range(2))
    number = rng.randint(2, 5)
    for _ in range(number):
        rich.play("s")
    seen = {"retries with the budget that nobody paid into": tokens(poor)}
    seen[f"retries after {number} successes"] = tokens(rich)
    for bench in (rich, poor):
        bench.clock.advance(4)
    return seen | {"retries 4 s later": [tokens(bench) for bench in (poor, rich)]}


@scenario(
    NO_TOKEN,
    task=4,
    needs=(PAYS_IN, SERVER_LATE),
    points=2,
    next_step="Ask the budget last, after retry_on, attempts and deadline.",
)
def no_token(solution, rng):
    """Five tokens; then calls whose retry is refused for another reason."""
    seen = {}
    reasons = {
        "by the deadline": ({"deadline": 30}, [Refused(60)]),
        "after the last attempt": ({"attempts": 1}, ["f"]),
        "after a KeyError": ({}, ["k"]),
    }
    for reason, (settings, script) in reasons.items():
        bench = with_budget(solution, ratio=1.0)
        for _ in range(5):
            bench.play("s")
        bench.settings |= settings
        for _ in range(rng.randint(1, 3)):
            bench.play(script)
        bench.settings.pop("deadline", None)
        seen[f"left of 5, refused {reason}"] = tokens(bench)
    return seen


@scenario(
    ASKED_BEFORE,
    task=4,
    needs=(PER_SECOND, SERVER_SAYS),
    next_step="Without a token now, do not sleep, even if one would arrive meanwhile.",
)
def asked_before(solution, rng):
    """No token is there; one arrives each second, and the service asks for a wait of 5 s."""
    bench = with_budget(solution, ratio=0.5, min_per_s=1.0)
    result = bench.play([Refused(5)])
    seen = {"no token yet": f"{result} after {calls(bench.calls)}, waits {bench.waits}"}
    bench.clock.advance(1)
    result = bench.play([Refused(3), Refused(0), Refused(0), Refused(0), "f"])
    return seen | {"one token, 3 s of sleep": f"{result} after {calls(bench.calls)}"}


@scenario(
    GONE,
    task=4,
    needs=(ASKED_BEFORE, PAYS_IN),
    next_step="Take the token when you ask for it. Looking now and taking later lets two share it.",
)
def gone(solution, rng):
    """One token; while the first call sleeps for its retry, a second call fails."""
    clock = BusyClock()
    budget = solution.Budget(clock=clock, ratio=1.0, min_per_s=0.0)
    first, second = (Bench(solution, clock=clock, budget=budget) for _ in range(2))
    first.play("s")
    seen = {}

    def meanwhile():
        result = second.play([Refused(2)])
        seen["second call"] = f"{result} after {calls(second.calls)}"

    clock.meanwhile = meanwhile
    result = first.play([Refused(3)])
    return seen | {"first call": f"{result} after {calls(first.calls)}"}


@scenario(
    POOR_NOTES,
    task=4,
    needs=(NOTES, PAYS_IN),
    next_step="Add the notes wherever an error leaves, also when there is no token.",
)
def poor_notes(solution, rng):
    """Two tokens and three failures: there is no token for a third retry."""
    errors = three_errors(rng, 1)
    bench = with_budget(solution, ratio=1.0, attempts=9)
    bench.play("s")
    bench.play("s")
    result = bench.play(errors)
    return {"result": f"{result} after {calls(bench.calls)}"} | noted(bench, errors[:2])


@scenario(
    LONG_STORY,
    task=4,
    needs=(NO_TOKEN, ASKED_BEFORE),
    points=2,
    next_step="Take the settings in the label and play the last few calls by hand on paper.",
)
def long_story(solution, rng):
    """80 calls, good times and bad ones, with pauses; ratio=0.25, min_per_s=0.25, deadline=20."""
    bench = with_budget(solution, ratio=0.25, min_per_s=0.25, deadline=20)
    seen = {}
    for number in range(80):
        bench.clock.advance(rng.choice((0, 0, 1)))
        weights = (8, 1, 1) if number // 10 % 2 == 0 else (2, 6, 2)
        script = rng.choices(("s", "r", "k"), weights, k=4)
        steps = [Refused(rng.choice((0, 1, 2, 30))) if step == "r" else step for step in script]
        at = f"{bench.clock.monotonic():g} s"
        result = bench.play(steps)
        seen[f"call {number + 1} ({''.join(script)}) at {at}"] = (
            f"{result} after {calls(bench.calls)}, {sum(bench.waits):g} s of sleep so far"
        )
    return seen


# Task 5

DECORATES = "a decorated function is called with its arguments and keeps its name"
FRESH = "each call of a decorated function starts anew"
COROUTINES = "a decorated coroutine function is awaited and retried"
SAME_WAITS = "a coroutine waits as long as a plain function would"
FREE_LOOP = "a coroutine waits without blocking the loop"
ONE_TOKEN = "tasks that wait at the same time do not share a token"
CANCELLED = "a cancelled task ends at once"


@scenario(
    DECORATES,
    task=5,
    needs=(RESULT,),
    next_step="Without fn, return a function that takes fn. functools.wraps keeps the name.",
)
def decorates(solution, rng):
    """A function with two positional arguments and one named one, which fails once."""
    bench, received, number = Bench(solution), [], rng.randrange(100)
    settings = bench.all_settings()

    @solution.retry(attempts=3, **settings)
    def reserve(*args, **kwargs):
        received.append([list(args), kwargs])
        if len(received) == 1:
            raise ConnectionError("no answer")
        return f"reserved {args[0]}"

    before = len(received)
    result = reserve(number, 2, unit="box")
    return {
        "calls before it is called": before,
        "result": result,
        "arguments received": received,
        "name": reserve.__name__,
    }


@scenario(
    FRESH,
    task=5,
    needs=(DECORATES, DEADLINE),
    points=2,
    next_step="Begin to count, and to measure, when the function is called, not when decorated.",
)
def fresh(solution, rng):
    """A decorated function is called five times, each time ten seconds later; deadline=8."""
    bench, counts = Bench(solution), []
    settings = bench.all_settings()

    @solution.retry(attempts=3, deadline=8, **settings)
    def always_fails():
        bench.calls += 1
        raise Refused(3)

    for _ in range(5):
        bench.calls = 0
        bench.clock.advance(10)
        try:
            always_fails()
        except Refused as error:
            counts.append(f"{calls(bench.calls)}, {len(getattr(error, '__notes__', []))} notes")
    return {f"call {number}": text for number, text in enumerate(counts, 1)}


@scenario(
    COROUTINES,
    task=5,
    needs=(DECORATES, SAME_ERROR),
    points=2,
    next_step="Write the loop a second time, as async def, with await around the call.",
    limit=5.0,
)
def coroutines(solution, rng):
    """A decorated async def that answers in the third attempt, and one that always fails."""
    bench, seen = Bench(solution, attempts=3), {}
    settings = bench.all_settings()
    for script in ("ffs", "fff", "fk"):
        service = bench.service(script)
        bench.calls = 0

        @solution.retry(**settings)
        async def ask(order, *, unit, service=service):
            return f"{service()} for {order} {unit}"

        async def work(ask=ask):
            return await ask(7, unit="boxes")

        notes = 0
        try:
            came = in_a_loop(work)
        except (ConnectionError, KeyError) as error:
            came, notes = type(error).__name__, len(getattr(error, "__notes__", []))
        seen[script] = f"{came} after {calls(bench.calls)}, {notes} notes"
        seen[f"{script}: name"] = ask.__name__
        seen[f"{script}: a coroutine function"] = inspect.iscoroutinefunction(ask)
    return seen


@scenario(
    SAME_WAITS,
    task=5,
    needs=(COROUTINES, CAPPED, UNREADABLE),
    points=2,
    next_step="Let both loops ask the same function for the next wait.",
    limit=5.0,
)
def same_waits(solution, rng):
    """A coroutine with five attempts, base=1, cap=4 is called 60 times. Then dates and seconds."""
    bench = Bench(solution, attempts=5, base=1.0, cap=4.0)
    errors, counts = [], set()

    @solution.retry(**bench.all_settings())
    async def ask(said=None):
        bench.calls += 1
        errors.append(Refused(said))
        raise errors[-1]

    async def work():
        for _ in range(60):
            bench.calls = 0
            with contextlib.suppress(Refused):
                await ask()
            counts.add(f"{calls(bench.calls)}, {len(getattr(errors[-1], '__notes__', []))} notes")

    in_a_loop(work)
    seen = {"each of 60": sorted(counts)}
    for k, window in enumerate((1, 2, 4, 4)):
        shares = [wait / window for wait in bench.waits[k::4]]
        fine = len(shares) == 60 and min(shares) < 0.4 and 0.6 < max(shares) <= 1
        seen[f"retry {k + 1}"] = "short and long waits, up to the window" if fine else shares[:3]
    later = rng.randint(40, 4000)
    for said in (later, str(later), formatdate(MIDNIGHT + later, usegmt=True)):
        bench = Bench(solution, attempts=2)

        @solution.retry(**bench.all_settings())
        async def refused(said=said):
            raise Refused(said)

        async def once(refused=refused):
            with contextlib.suppress(Refused):
                await refused()

        in_a_loop(once)
        seen[f"retry_after={said!r}: waits"] = bench.waits
    return seen


@scenario(
    FREE_LOOP,
    task=5,
    needs=(COROUTINES, DEADLINE, PAYS_IN),
    points=2,
    next_step="await clock.asleep(wait), with the same rules for deadline and budget.",
    limit=5.0,
)
def free_loop(solution, rng):
    """Coroutines that are refused for 3 s, with a deadline and with a budget of one token."""
    seen = {}
    for settings, label in (
        ({"deadline": 7, "attempts": 9}, "deadline=7"),
        ({"attempts": 9}, "a budget of one token"),
    ):
        bench = with_budget(solution, ratio=1.0)
        if "deadline" in settings:
            bench.settings.pop("budget")
        script = iter(["s", *[Refused(3) for _ in range(8)]])
        all_settings = bench.all_settings() | settings

        @solution.retry(**all_settings)
        async def ask(bench=bench, script=script):
            bench.calls += 1
            step = next(script, "s")
            if step != "s":
                raise step

        async def work(ask=ask):
            await ask()
            await ask()

        came = "nothing"
        try:
            in_a_loop(work)
        except Refused:
            came = "Refused"
        waits = f"waits {bench.waits} by {sorted(bench.clock.kinds)}"
        seen[label] = f"{came} after {calls(bench.calls)}, {waits}"
    return seen


@scenario(
    ONE_TOKEN,
    task=5,
    needs=(FREE_LOOP, GONE),
    next_step="Take the token before await clock.asleep(wait): other tasks run during the wait.",
    limit=5.0,
)
def one_token(solution, rng):
    """A budget of one token; then five tasks at once, whose calls are all refused for 3 s."""
    bench = with_budget(solution, ratio=1.0)
    bench.play("s")
    bench.calls = 0

    @solution.retry(**bench.all_settings())
    async def ask():
        bench.calls += 1
        raise Refused(3)

    async def work():
        errors = await asyncio.gather(*(ask() for _ in range(5)), return_exceptions=True)
        return [type(error).__name__ for error in errors]

    came = in_a_loop(work)
    return {"five tasks": f"{calls(bench.calls)}, waits {bench.waits}", "came": came}


@scenario(
    CANCELLED,
    task=5,
    needs=(COROUTINES,),
    points=2,
    next_step="CancelledError is no Exception. Let it pass, and clean up nothing.",
    limit=5.0,
)
def cancelled(solution, rng):
    """A task is cancelled while it waits for its first retry, or while its call runs."""
    seen = {}
    for place in ("while it waits", "while its call runs"):
        clock = ManualClock(sleep_advances=False)
        bench = Bench(solution, clock=clock, retry_on=(Exception,))
        all_settings = bench.all_settings()

        @solution.retry(**all_settings)
        async def ask(bench=bench, clock=clock, place=place):
            bench.calls += 1
            if place == "while its call runs":
                await clock.asleep(60)
            raise ConnectionError("no answer")

        async def work(ask=ask, clock=clock):
            task = asyncio.create_task(ask())
            while not clock.sleeping and not task.done():
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            return "CancelledError" if task.cancelled() else repr(task.exception())

        seen[place] = f"{in_a_loop(work)} after {calls(bench.calls)}"
    return seen
