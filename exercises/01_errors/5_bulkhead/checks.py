"""Checks of 01.5-bulkhead.

Most stories are short scripts, a step a word: `+a` begins the call a, `-a` lets it
end, `!a` lets it fail, `xa` cancels it, `3s` moves the clock three seconds. Steps
with a comma between them happen at the same moment, from left to right.
"""

import asyncio
import contextlib
import queue
import threading

from course_lib.clock import ManualClock
from course_lib.practice import scenario

NAMES = ("Bulkhead", "Rejected", "AdaptiveLimit")
SEEDS = 8  # most stories are the same with every seed, and the long one has 500 steps
HINTS = (
    "A call ends while others wait. What exactly does it give away, and to whom? Is the place "
    "free for anybody in between, even for a moment?",
    "Count free places, and keep one future for each waiting call. Who ends hands its place to "
    "one of the futures directly, and counts it as free only if nobody waits.",
    "Getting a place and running are two steps; whatever happens in the second, finally gives the "
    "place back. While it waits, a call may be cancelled or run out of time. Then look at its "
    "future: if it was given a place, pass it on; if not, leave the line.",
)

PATIENCE = 1.5  # seconds until a story that hangs is given up
MOMENT = 40  # turns of the event loop until everybody has done what can be done now
LATEST = 8  # turns of the event loop by which two events of one moment are set apart


class Bench:
    """One bulkhead, and calls by name that run until they are told to end."""

    def __init__(self, solution, max_concurrent=1, max_waiting=0, wait_timeout=10.0, **settings):
        self.rejected = solution.Rejected
        self.clock = ManualClock(sleep_advances=False)
        self.bulkhead = solution.Bulkhead(
            max_concurrent, max_waiting, wait_timeout, self.clock, **settings
        )
        self.ends, self.tasks, self.running, self.began, self.most = {}, {}, set(), [], 0

    async def play(self, script, label=""):
        """What has become of each call, after each step of the script."""
        seen = {}
        for number, step in enumerate(script.split(), 1):
            for one in step.split(","):
                self.do(one)
            await moment()
            seen[f"{label}step {number}, {step}"] = self.words()
        return seen

    def do(self, step):
        if step[0].isdigit():
            self.clock.advance(float(step[:-1]))
            return
        kind, name = step[0], step[1:]
        if kind == "+":
            self.ends[name] = asyncio.get_running_loop().create_future()
            self.tasks[name] = asyncio.create_task(self.outcome(name))
        elif kind == "-":
            self.ends[name].set_result(f"answer to {name}")
        elif kind == "!":
            self.ends[name].set_result(ConnectionError(name))
        else:
            self.tasks[name].cancel()

    async def outcome(self, name):
        try:
            return await self.bulkhead.call(self.work, name)
        except self.rejected as error:
            reason = getattr(error, "reason", "no reason")
            return f"refused, {str(getattr(reason, 'value', reason)).lower()}"
        except asyncio.CancelledError:
            return "cancelled"
        except ConnectionError as error:
            same = error is self.ends[name].result()
            return "failed" if same else "failed with another error"

    async def work(self, name):
        self.running.add(name)
        self.began.append(name)
        self.most = max(self.most, len(self.running))
        try:
            end = await self.ends[name]
            if isinstance(end, ConnectionError):
                raise end
            return end
        finally:
            self.running.discard(name)

    def word(self, name):
        if self.tasks[name].done():
            return self.tasks[name].result()  # an error of the solution's own comes out here
        return "runs" if name in self.running else "waits"

    def words(self):
        return "; ".join(f"{name} {self.word(name)}" for name in self.tasks)

    async def places_left(self, expected):
        """Whether exactly `expected` newcomers run now, when all others have ended."""
        names = [f"newcomer {number}" for number in range(expected + 1)]
        for name in names:
            self.do(f"+{name}")
        await moment()
        return f"of {expected + 1} newcomers and all others {len(self.running)} run"


async def moment(turns=MOMENT):
    for _ in range(turns):
        await asyncio.sleep(0)


def in_a_loop(work, patience=PATIENCE):
    """What the coroutine function `work` gives, in an event loop of its own.

    A thread of its own, because a notebook's kernel already runs a loop in this one.
    """
    ended = queue.SimpleQueue()

    def run():
        try:
            ended.put((asyncio.run(work()), None))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the main thread
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        value, error = ended.get(timeout=patience)
    except queue.Empty:
        raise TimeoutError(
            f"the event loop is blocked for {patience:g} s now; mend it and restart the kernel"
        ) from None
    if error:
        raise error
    return value


def told(solution, script, label="", **settings):
    """What the script gives on a new bulkhead."""

    async def work():
        return await Bench(solution, **settings).play(script, label)

    return in_a_loop(work)


# Task 1

RESULT = "gives back the result, or the very same error"
LIMIT = "never runs more than max_concurrent calls"
FULL = "refuses at once when it is full"
FREES = "a place is free again, however its call ended"
ODD_ENDS = "a place is free again after an odd end, too"


@scenario(RESULT, task=1, next_step="Return what `await fn(*args)` gives, and let errors out.")
def result(solution, rng):
    """Calls one after the other: some that answer, and two that fail."""
    number = rng.randrange(1000)

    async def add(*numbers):
        await asyncio.sleep(0)
        return sum(numbers)

    async def work():
        seen = {}
        for numbers in ((), (number, 1), (number, 2, 3, 4)):
            seen[f"the sum of {numbers}"] = await Bench(solution).bulkhead.call(add, *numbers)
        for error in (ConnectionError("no answer"), TypeError("a typing mistake")):
            calls = []

            async def fail(error=error, calls=calls):
                calls.append(error)
                raise error

            try:
                await Bench(solution).bulkhead.call(fail)
                came = "no error"
            except (ConnectionError, TypeError) as other:
                came = "the same object" if other is error else "another object"
            seen[f"a {type(error).__name__} in fn"] = f"{came}, calls of fn: {len(calls)}"
        return seen | await Bench(solution).play("+a -a")

    return in_a_loop(work)


@scenario(
    FULL,
    task=1,
    needs=(RESULT,),
    next_step="With no place and nobody allowed to wait, raise Rejected before calling fn.",
)
def full(solution, rng):
    """One place, or two, and nobody may wait. Calls come one after the other."""
    return told(solution, "+a +b -a +c", "one place: ") | told(
        solution, "+a +b +c +d -b +e", "two places: ", max_concurrent=2
    )


@scenario(
    LIMIT,
    task=1,
    needs=(FULL,),
    points=2,
    next_step="Nothing may be awaited between looking for a place and taking it.",
)
def limit(solution, rng):
    """Many calls begin at the very same moment."""
    places = rng.randint(2, 6)

    async def work():
        bench = Bench(solution, max_concurrent=places)
        names = [f"call {number}" for number in range(100)]
        for name in names:
            bench.do(f"+{name}")
        await moment()
        words = [bench.word(name) for name in names]
        return {
            f"most that ran together, {places} allowed": bench.most,
            "refused": words.count("refused, full"),
        }

    return in_a_loop(work)


@scenario(
    FREES,
    task=1,
    needs=(FULL,),
    points=2,
    next_step="Give the place back in `finally`, once for each call that had one.",
)
def frees(solution, rng):
    """Calls end by a result, an error, a cancellation, in all orders. Some are refused."""
    endings = ["-", "!", "x", rng.choice("-!x")]
    rng.shuffle(endings)
    script = " ".join(f"+{n} +{n}2 {end}{n}" for n, end in zip("abcd", endings, strict=True))

    async def work():
        bench = Bench(solution, max_concurrent=2)
        seen = await bench.play("+keeps " + script + " -keeps")
        return seen | {"afterwards": await bench.places_left(2)}

    return in_a_loop(work)


class Stop(BaseException):
    """No Exception, like GeneratorExit."""


@scenario(
    ODD_ENDS,
    task=1,
    needs=(FREES,),
    next_step="Call fn inside the try, not before it, and give the place back in `finally`.",
)
def odd_ends(solution, rng):
    """fn gets too few arguments; it raises a BaseException; it is cancelled as it ends."""

    async def odd(end):
        bench = Bench(solution)
        await end(bench)
        return await bench.places_left(1)

    async def too_few(bench):
        with contextlib.suppress(TypeError):
            await bench.bulkhead.call(bench.work)

    async def stops(bench):
        async def stop():
            raise Stop

        with contextlib.suppress(Stop):
            await bench.bulkhead.call(stop)

    async def work():
        seen = {"too few arguments": await odd(too_few), "a BaseException": await odd(stops)}
        for apart in range(LATEST):

            async def cancelled_late(bench, apart=apart):
                await bench.play("+a")
                bench.do("-a")
                await moment(apart)
                bench.do("xa")
                await moment()

            seen[f"cancelled {apart} turns after its end"] = await odd(cancelled_late)
        return seen

    return in_a_loop(work)


# Task 2

LINE = "calls wait in a line, and the others are refused"
FIFO = "who has waited longest begins first"
LINE_MOVES = "who has begun does not wait any more"
TWO = "two bulkheads share nothing"


@scenario(
    LINE,
    task=2,
    needs=(FULL,),
    next_step="Compare the number of calls that wait with max_waiting, not all calls.",
)
def line(solution, rng):
    """Places for one or two, and a line for one or two; more calls come than fit."""
    return told(solution, "+a +b +c -a -b", "1 place, 1 waits: ", max_waiting=1) | told(
        solution,
        "+a +b +c +d +e",
        "2 places, 2 wait: ",
        max_concurrent=2,
        max_waiting=2,
    )


@scenario(
    FIFO,
    task=2,
    needs=(LINE,),
    points=2,
    next_step="Take the next call from the other end of the line than where you add one.",
)
def fifo(solution, rng):
    """Five calls wait for one place, or for two. The running ones end, fail or are cancelled."""
    seen = {}
    for places in (1, 2):
        names = "abcdefg"[: 5 + places]
        script = [f"+{name}" for name in names] + [f"{rng.choice('-!x')}{name}" for name in names]
        label = f"{places} places: "
        seen |= told(solution, " ".join(script), label, max_concurrent=places, max_waiting=5)
    return seen


@scenario(
    LINE_MOVES,
    task=2,
    needs=(FIFO,),
    next_step="A call that begins leaves the line. Then somebody else may wait there.",
)
def line_moves(solution, rng):
    """A line for two is filled again each time a call ends."""
    script = "+a +b +c +d -a +e +f -b +g +h -c -e -g +i"
    return told(solution, script, max_waiting=2)


@scenario(
    TWO,
    task=2,
    needs=(LINE_MOVES,),
    next_step="Keep what is remembered on self, set in __init__; class attributes are shared.",
)
def two(solution, rng):
    """Two bulkheads with one place and a line for one each; calls of both take turns."""

    async def work():
        benches = {
            "first": Bench(solution, max_waiting=1),
            "second": Bench(solution, max_waiting=1),
        }
        seen = {}
        for step in ("+a", "+b", "+c", "-a", "+d", "-b"):
            for name in rng.sample(sorted(benches), 2):
                seen |= await benches[name].play(step, f"{name}, {step}: ")
        return seen

    return in_a_loop(work)


# Task 3

TIMEOUT = "who has waited wait_timeout seconds is refused"
OWN_TIME = "each call has its own time"
TIMEOUT_LEAVES = "who is refused after waiting has left the line"
SAME_TIME = "time over and place free at one moment: no place is lost"


@scenario(
    TIMEOUT,
    task=3,
    needs=(FIFO,),
    points=2,
    next_step="Wait for your turn and for clock.asleep together; see who was first.",
)
def timeout(solution, rng):
    """One place, and calls that wait: not long enough, exactly the time, and longer."""
    seconds = rng.choice([4.0, 8.0, 20.0])
    some, rest = seconds / 4, seconds * 3 / 4
    scripts = (
        f"+a +b {some}s -a -b",
        f"+a +b {some}s {rest}s -a +c",
        f"+a +b {seconds * 2}s -a",
    )
    seen = {}
    for script in scripts:
        seen |= told(solution, script, f"{script}: ", max_waiting=2, wait_timeout=seconds)
    return seen


@scenario(
    OWN_TIME,
    task=3,
    needs=(TIMEOUT,),
    next_step="The time of a call begins when it begins to wait, and ends with its waiting.",
)
def own_time(solution, rng):
    """Calls begin to wait one after the other, 3 seconds apart, and may wait for 10."""
    script = "+a +b 3s +c 3s +d 3s 1s -a 3s 3s 3s -c -d +e 20s"
    return told(solution, script, max_waiting=5, wait_timeout=10.0)


@scenario(
    TIMEOUT_LEAVES,
    task=3,
    needs=(TIMEOUT,),
    points=2,
    next_step="Take the call out of the line before you refuse it.",
)
def timeout_leaves(solution, rng):
    """The whole line runs out of time, again and again; then the running call ends."""

    async def work():
        bench = Bench(solution, max_waiting=2)
        seen = await bench.play("+a +b +c 10s +d +e +f 10s +g -a -g")
        return seen | {"afterwards": await bench.places_left(1)}

    return in_a_loop(work)


@scenario(
    SAME_TIME,
    task=3,
    needs=(TIMEOUT_LEAVES,),
    points=2,
    next_step="Out of time? Look again whether you were given a place, and pass it on or use it.",
)
def same_time(solution, rng):
    """The time of a waiting call is over just when its place is free, a little before or after."""
    seen = {}
    for apart in range(-LATEST, LATEST + 1):

        async def work(apart=apart):
            bench = Bench(solution, max_waiting=1)
            await bench.play("+a +b")
            first, second = ("10s", "-a") if apart < 0 else ("-a", "10s")
            bench.do(first)
            await moment(abs(apart))
            bench.do(second)
            await moment()
            word = bench.word("b")
            either = word in ("runs", "refused, timeout")
            if word == "runs":
                await bench.play("-b")
            end = "runs or is refused" if either else word
            return f"b {end}; {await bench.places_left(1)}"

        order = "time over first" if apart < 0 else "place free first"
        seen[f"{order}, {abs(apart)} turns of the loop apart"] = in_a_loop(work)
    return seen


# Task 4

CANCELLED = "a cancelled call leaves the line"
CANCELLED_TURN = "a call cancelled at its turn passes the turn on"
CANCELLED_LATE = "a call cancelled as its time is over leaves the line once"
NO_OVERTAKING = "a newcomer does not overtake"
NO_TIMER = "no timer is left behind"
LIFO = 'with order="lifo", who came last begins first'
LONG_STORY = "a long story, step by step"


@scenario(
    CANCELLED,
    task=4,
    needs=(LINE_MOVES, TIMEOUT_LEAVES),
    points=2,
    next_step="CancelledError comes out of your await. Clean up there, and raise it again.",
)
def cancelled(solution, rng):
    """Calls are cancelled while they wait, at the front, in the middle, at the end of the line."""
    victim = rng.choice("bcd")
    rest = [name for name in "bcd" if name != victim]
    script = f"+a +b +c +d x{victim} +e +f -a -{rest[0]} -{rest[1]} -e"

    async def work():
        bench = Bench(solution, max_waiting=3)
        seen = await bench.play(script)
        return seen | {"afterwards": await bench.places_left(1)}

    return in_a_loop(work)


@scenario(
    CANCELLED_TURN,
    task=4,
    needs=(CANCELLED,),
    points=2,
    next_step="Cancelled, but already given a place? Then hand it to the next in the line.",
)
def cancelled_turn(solution, rng):
    """A waiting call is cancelled at the moment of its turn; another one waits behind it."""
    seen = {}
    for apart in range(LATEST):

        async def work(apart=apart):
            bench = Bench(solution, max_waiting=2)
            await bench.play("+a +b +c")
            bench.do("-a")
            await moment(apart)
            bench.do("xb")
            await moment()
            words = bench.words()
            await bench.play("-c")
            return f"{words}; then {await bench.places_left(1)}"

        seen[f"cancelled {apart} turns of the loop after the place is free"] = in_a_loop(work)
    return seen


@scenario(
    CANCELLED_LATE,
    task=4,
    needs=(CANCELLED,),
    next_step="Whoever leaves the line does so once: out of time, cancelled, or both.",
)
def cancelled_late(solution, rng):
    """A waiting call is cancelled when its time is over, a little before or after."""
    seen = {}
    for apart in range(-LATEST, LATEST + 1):

        async def work(apart=apart):
            bench = Bench(solution, max_waiting=1)
            await bench.play("+a +b")
            first, second = ("10s", "xb") if apart < 0 else ("xb", "10s")
            bench.do(first)
            await moment(abs(apart))
            bench.do(second)
            await moment()
            either = bench.word("b") in ("cancelled", "refused, timeout")
            end = "is cancelled or refused" if either else bench.word("b")
            await bench.play("+c -a")
            after = f"then c {bench.word('c')}"
            await bench.play("-c")
            return f"b {end}; {after}; {await bench.places_left(1)}"

        order = "time over first" if apart < 0 else "cancelled first"
        seen[f"{order}, {abs(apart)} turns of the loop apart"] = in_a_loop(work)
    return seen


@scenario(
    NO_TIMER,
    task=4,
    needs=(CANCELLED,),
    next_step="Cancel the timer in `finally`, however the waiting ended.",
)
def no_timer(solution, rng):
    """Calls wait; some begin, one is cancelled, one runs out of time. Nobody waits in the end."""
    first, second = rng.sample("bc", 2)

    async def work():
        bench = Bench(solution, max_waiting=4)
        seen = {}
        for script in ("+a +b +c", f"x{first}", f"-a -{second}", "+d +e 10s"):
            await bench.play(script)
            waiting = sum(bench.word(name) == "waits" for name in bench.tasks)
            fine = bench.clock.sleeping <= waiting  # one timer for all is fine, too
            now = "as many as wait, or fewer" if fine else f"{bench.clock.sleeping}, {waiting} wait"
            seen[f"timers after {script}"] = now
        return seen

    return in_a_loop(work)


@scenario(
    NO_OVERTAKING,
    task=4,
    needs=(FIFO,),
    points=2,
    next_step="Hand the place over, instead of setting it free and waking somebody.",
)
def no_overtaking(solution, rng):
    """A newcomer comes at the moment at which a place becomes free; one call has waited for it."""
    seen = {}
    for apart in range(LATEST):

        async def work(apart=apart):
            bench = Bench(solution, max_waiting=2)
            await bench.play("+a +b")
            bench.do("-a")
            await moment(apart)
            bench.do("+newcomer")
            await moment()
            await bench.play("-b")
            return f"began: {', '.join(bench.began)}; together: {bench.most}"

        seen[f"newcomer {apart} turns of the loop after the end"] = in_a_loop(work)
    return seen


@scenario(
    LIFO,
    task=4,
    needs=(LINE_MOVES, CANCELLED),
    points=2,
    next_step="Only the end of the line differs from which the next call is taken.",
)
def lifo(solution, rng):
    """The line with order="lifo": filled, full, with a cancellation and a timeout."""
    end = rng.choice("-!x")
    script = f"+a +b 6s +c +d +e {end}a +f xc -d 4s -f +g"
    lifo = told(solution, script, "lifo: ", max_waiting=3, order="lifo")
    script = script.replace("-d", "-b")
    return lifo | told(solution, script, "fifo: ", max_waiting=3, order="fifo")


@scenario(
    LONG_STORY,
    task=4,
    needs=(CANCELLED, NO_OVERTAKING, LIFO, OWN_TIME, FREES),
    points=2,
    next_step="Play the steps before this one by hand on paper.",
    limit=10.0,
)
def long_story(solution, rng):
    """500 random steps with three places and a line for four; what runs and waits after each."""
    return long_story_of(solution, rng, "fifo") + long_story_of(solution, rng, "lifo")


def long_story_of(solution, rng, order):
    async def work():
        bench = Bench(solution, max_concurrent=3, max_waiting=4, order=order)
        seen = []
        for number in range(250):
            step = rng.choice("++++-!xs")
            alive = [name for name in bench.tasks if not bench.tasks[name].done()]
            running = sorted(bench.running)
            if step == "s":
                step = f"{rng.choice([1, 4])}s"
            elif step == "+":
                step = f"+call{number}"
            elif step == "x" and alive:
                step = "x" + rng.choice(alive)
            elif step in "-!" and running:
                step += rng.choice(running)
            else:
                continue
            bench.do(step)
            await moment(20)
            gone = [name for name in bench.tasks if bench.tasks[name].done()]
            ended = [f"{name} {bench.word(name)}" for name in gone]
            for name in gone:
                del bench.tasks[name], bench.ends[name]
            now = [bench.words(), *ended]
            seen.append(f"{order}, step {number}, {step}: {'; '.join(filter(None, now))}")
        for name in bench.tasks:
            bench.do(f"x{name}")
        await moment()
        return [*seen, f"{order}, all cancelled: {await bench.places_left(3)}"]

    return in_a_loop(work, patience=4.0)


# Task 5

STARTS = "the limit is an int, starts at min and stays within its bounds"
GROWS = "it grows while calls are fast, by one at most"
SHRINKS = "it shrinks by a fifth at least when calls are slow"
RECOVERS = "it falls under rising latency and recovers"


def settings(rng):
    low = rng.randint(1, 4)
    return {"min": low, "max": low + rng.randint(20, 40), "target": rng.choice([0.1, 0.5, 2.0])}


@scenario(STARTS, task=5, next_step="Keep the limit between min and max after every change.")
def starts(solution, rng):
    """Two new limits; then one of them gets 2,000 fast calls, and 300 slow ones."""
    given = settings(rng)
    limit, other = solution.AdaptiveLimit(**given), solution.AdaptiveLimit(**given)
    seen = {"limit at first": limit.limit}
    limits = [limit.limit]
    others = set()
    for latency in [given["target"] / 2] * 2000 + [given["target"] * 9] * 300:
        limit.record(latency)
        limits.append(limit.limit)
        others.add(other.limit)
    outside = [one for one in limits if not given["min"] <= one <= given["max"]]
    strange = [type(one).__name__ for one in limits if type(one) is not int]
    seen |= {"outside of min and max": outside[:3], "not an int": strange[:3]}
    return seen | {"the other limit": sorted(others)[:3]}


@scenario(
    GROWS,
    task=5,
    needs=(STARTS,),
    points=2,
    next_step="Count fast calls, and add one after as many as the limit.",
)
def grows(solution, rng):
    """Only fast calls, some of them as long as the target exactly."""
    seen = {}
    for given in (settings(rng), settings(rng) | {"min": 1}):
        limit = solution.AdaptiveLimit(**given)
        steps, late = set(), []
        while limit.limit < given["max"] and not late:
            before, calls = limit.limit, 0
            while limit.limit == before and calls < 2 * before:
                limit.record(given["target"] * rng.choice([0.1, 0.9, 1.0]))
                calls += 1
            steps.add(limit.limit - before)
            if limit.limit == before:
                late.append(f"still {before} after {calls} fast calls")
        label = f"from {given['min']} to {given['max']}"
        seen |= {f"steps {label}": sorted(steps), f"too late, {label}": late}
    return seen


def grown(solution, given, limit):
    """An AdaptiveLimit that has grown to this limit."""
    grown = solution.AdaptiveLimit(**given)
    for _ in range(10_000):
        if grown.limit >= limit:
            break
        grown.record(0.0)
    return grown


@scenario(
    SHRINKS,
    task=5,
    needs=(GROWS,),
    points=2,
    next_step="Multiply by 0.8 or less, and round down. Subtracting one is too slow.",
)
def shrinks(solution, rng):
    """Limits of all sizes; then as many slow calls in a row as the limit. Slow is above target."""
    given = settings(rng)
    seen = {}
    for start in range(given["min"], given["max"] + 1):
        limit = grown(solution, given, start)
        rose = False
        for _ in range(start):
            before = limit.limit
            limit.record(given["target"] * rng.choice([1.01, 2.0, 50.0]))
            rose = rose or limit.limit > before
        enough = limit.limit <= max(given["min"], 0.8 * start)
        now = "a fifth less, or min" if enough else limit.limit
        seen[f"from {start}, min {given['min']}"] = f"{now}{', rose in between' if rose else ''}"
    return seen


@scenario(
    RECOVERS,
    task=5,
    needs=(SHRINKS,),
    points=2,
    next_step="After slow calls, fast ones must count again from the beginning.",
)
def recovers(solution, rng):
    """A service gets slower and slower, then is well again; this happens three times."""
    given = settings(rng)
    limit = solution.AdaptiveLimit(**given)
    seen = {}
    for number in range(1, 4):
        for _ in range(2000):
            limit.record(given["target"] / 3)
        seen[f"well, {number}. time"] = limit.limit
        for step in range(1, 300):
            limit.record(given["target"] * (1 + step / 100))
        seen[f"slow, {number}. time"] = limit.limit
    for _ in range(2 * given["min"]):
        limit.record(0.0)
    return seen | {"more than min after a few fast calls": limit.limit > given["min"]}
