"""Checks of 01.2-error-boundary. Stories about the log listen at the logger `shop`."""

import asyncio
import contextlib
import inspect
import json
import logging
import queue
import re
import threading

from course_lib.practice import scenario

NAMES = ("boundary", "InvalidInput", "NotFound", "Conflict", "Unavailable", "Response")
HINTS = (
    "Three audiences: what does the client need, what does the log need, and which exceptions are "
    "not meant for either of them?",
    "A table from class to status, searched along the method resolution order of the error. What "
    "is not found is a bug: a new id, one record with the exception, an answer with the id.",
    "Write one function that makes a Response from an error, and one that logs inside a try of "
    "its own. The two wrappers, plain and async, are then four lines each.",
)

PATIENCE = 1.5  # seconds until a coroutine that hangs is given up
KNOWN = ("InvalidInput", "NotFound", "Conflict", "Unavailable")
USUAL_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class Records(logging.Handler):
    """Keeps what is logged, or raises an error of the class `broken`."""

    def __init__(self, *, broken=None):
        super().__init__()
        self.all, self.broken = [], broken

    def emit(self, record):
        if self.broken:
            raise self.broken("no space left on the log's disk")
        if record.name.partition(".")[0] in ("shop", "root"):
            self.all.append(record)


@contextlib.contextmanager
def listening(*, broken=None):
    """What reaches the loggers `shop` and root meanwhile; all is put back afterwards."""
    shop, root, heard = logging.getLogger("shop"), logging.getLogger(), Records(broken=broken)
    before = shop.handlers[:], shop.propagate, shop.level
    shop.handlers[:], shop.propagate = [heard], False
    shop.setLevel(logging.DEBUG)
    if not broken:
        root.addHandler(heard)
    try:
        yield heard
    finally:
        root.removeHandler(heard)
        shop.handlers[:], shop.propagate = before[:2]
        shop.setLevel(before[2])


@contextlib.contextmanager
def unheard():
    """Keeps records from the learner's screen; who listens still hears them."""
    shop, nobody = logging.getLogger("shop"), logging.NullHandler()
    propagates, shop.propagate = shop.propagate, False
    shop.addHandler(nobody)
    try:
        yield
    finally:
        shop.removeHandler(nobody)
        shop.propagate = propagates


def raising(error):
    def handler(request):
        raise error

    return handler


def raising_coroutine(error):
    async def handler(request):
        raise error

    return handler


def in_a_loop(coroutine_function, request):
    """What the coroutine gives, in an event loop and a thread of its own."""
    ended = queue.SimpleQueue()

    async def work():
        return await coroutine_function(request)

    def run():
        try:
            ended.put((asyncio.run(work()), None))
        except BaseException as error:  # noqa: BLE001 - raised again below
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        value, error = ended.get(timeout=PATIENCE)
    except queue.Empty:
        raise RuntimeError(f"the coroutine did not end within {PATIENCE:g} s") from None
    if error:
        raise error
    return value


def answer(solution, error):
    with unheard():
        return solution.boundary(raising(error))("request")


def answer_of_coroutine(solution, error):
    with unheard():
        return in_a_loop(solution.boundary(raising_coroutine(error)), "request")


def status_of(response):
    status = response.status
    return int(status) if isinstance(status, int) else f"no number: {status!r}"[:60]


def words_in(text):
    """Its words; `incident_7-a` gives `incident`, `7`, `a` and longer ones."""
    found = (
        re.findall(letters, text) for letters in (r"[\w-]+", r"[A-Za-z0-9-]+", r"[A-Za-z0-9]+")
    )
    return {word for words in found for word in words}


def words_of(response):
    """All words of the body, which has to be fit for JSON."""
    if not isinstance(response.body, dict):
        return {f"no dict: {response.body!r}"[:60]}
    return words_in(json.dumps(response.body))


def words_of_record(record):
    """The words of its message and of its extra fields."""
    extra = [value for name, value in vars(record).items() if name not in USUAL_FIELDS]
    return words_in(" ".join(map(str, [record.getMessage(), *extra])))


def records_of(heard):
    """How many records there are, below ERROR and from ERROR on."""
    high = sum(record.levelno >= logging.ERROR for record in heard.all)
    return {"below ERROR": len(heard.all) - high, "ERROR or above": high}


# Task 1

PASSES = "a response passes through"
KNOWN_STATUS = "each known class has its status"
DERIVED = "a derived class is answered like its base class"
CAUSE = "the cause of a known error is not shown"


@scenario(PASSES, task=1, next_step="Return what the handler returns.")
def passes(solution, rng):
    """A handler that answers with the request in the body, called twice."""
    given = []

    def handler(request):
        given.append(solution.Response(200, {"request": request}))
        return given[-1]

    guarded, seen = solution.boundary(handler), {}
    for request in (rng.randrange(1000), {"path": "/orders"}):
        response = guarded(request)
        same = [response is given[-1], given[-1].body["request"] == request]
        seen[f"request {request}"] = same
    return seen | {"calls of the handler": len(given)}


@scenario(
    KNOWN_STATUS, task=1, needs=(PASSES,), next_step="Catch the error and look its status up."
)
def known_status(solution, rng):
    """A handler that raises each of the four classes; status and body of the answer."""
    seen, calls = {}, []

    def handler(name):
        calls.append(name)
        raise getattr(solution, name)("a text")

    for name in rng.sample(KNOWN, 4):
        with unheard():
            response = solution.boundary(handler)(name)
        words_of(response)
        seen[name] = [status_of(response), isinstance(response.body, dict)]
    return dict(sorted(seen.items())) | {"calls of the handler": len(calls)}


@scenario(
    DERIVED,
    task=1,
    needs=(KNOWN_STATUS,),
    next_step="Search along type(error).__mro__, or use isinstance.",
)
def derived(solution, rng):
    """Errors of classes that are derived from the four, once and twice."""
    return {name: derived_from(solution, name, answer) for name in KNOWN}


def derived_from(solution, name, how):
    """The status of an error of a child and of a grandchild of the class."""
    child = type("Special" + name, (getattr(solution, name),), {})
    grandchild = type("Rare" + name, (child,), {})
    return [status_of(how(solution, kind("a text"))) for kind in (child, grandchild)]


@scenario(CAUSE, task=1, needs=(KNOWN_STATUS,), next_step="Show str(error) at most.")
def cause(solution, rng):
    """An Unavailable that was raised from an OSError; is the text of that in the body?"""
    secret = f"secret{rng.randrange(10_000, 99_999)}"
    error = solution.Unavailable("try again later")
    error.__cause__ = OSError(f"{secret} refused")
    return {"the text of the cause is in the body": secret in words_of(answer(solution, error))}


# Task 2

UNKNOWN = "an unknown error is answered with 500"
INSIDE = "the body shows nothing of an unknown error"
IDS = "each unknown error has an id of its own in the body"


def odd(rng, *bases):
    """An error of a class that no table has, with a text and a cause that nobody may see."""
    secret = f"secret{rng.randrange(10_000, 99_999)}"
    error = type(f"Odd{rng.randrange(100, 999)}", bases or (Exception,), {})(secret)
    error.__cause__ = OSError(f"{secret} refused")
    return error, secret


@scenario(UNKNOWN, task=2, needs=(KNOWN_STATUS,), next_step="Whatever is not in the table is 500.")
def unknown(solution, rng):
    """Errors of seven usual classes and of a class of its own, raised by a handler."""
    usual = (KeyError, TypeError, ValueError, RuntimeError, OSError, ConnectionError, TimeoutError)
    seen = {kind.__name__: status_of(answer(solution, kind("a text"))) for kind in usual}
    return seen | {"a class of its own": status_of(answer(solution, odd(rng)[0]))}


@scenario(INSIDE, task=2, needs=(UNKNOWN,), next_step="Do not use the error to make the answer.")
def inside(solution, rng):
    """Errors with a secret text and a secret cause. Which of it stands in the answer?"""
    return shown_by(solution, rng, answer)


def shown_by(solution, rng, how):
    """What answers to three kinds of unknown errors show of them."""
    seen = {}
    for base in (Exception, ValueError, OSError):
        error, secret = odd(rng, base)
        response = how(solution, error)
        text = json.dumps(response.body) + json.dumps(dict(response.headers))
        shown = {
            "its text or its cause": secret in text,
            "its class": type(error).__name__ in text,
            "a traceback": "Traceback" in text or bool(re.search(r"\bline \d", text)),
        }
        seen[f"shown of an error, a kind of {base.__name__}"] = [w for w in shown if shown[w]]
    return seen


@scenario(IDS, task=2, needs=(UNKNOWN,), next_step="Make a new id for each: uuid.uuid4().hex.")
def ids(solution, rng):
    """Twenty unknown errors, one after the other; how many different bodies."""
    guarded = solution.boundary(raising(KeyError("price")))
    with unheard():
        bodies = {json.dumps(guarded("request").body, sort_keys=True) for _ in range(20)}
    return {"different bodies": len(bodies)}


# Task 3

ONE_RECORD = "an unknown error is logged once, with the exception"
SAME_ID = "the id of the body is in the record"
QUIET = "a known error is logged at most once, below ERROR"
BROKEN_LOG = "a log that fails changes no answer"


@scenario(
    ONE_RECORD,
    task=3,
    needs=(UNKNOWN,),
    points=2,
    next_step="log.error(..., exc_info=error), in one place.",
)
def one_record(solution, rng):
    """One unknown error; the records and the exception in them. Then a good answer."""
    error, _ = odd(rng)
    with listening() as heard:
        answer(solution, error)
    seen = records_of(heard)
    carried = [record.exc_info[1] for record in heard.all if record.exc_info]
    seen["records with the exception"] = sum(each is error for each in carried)
    with listening() as heard:
        solution.boundary(lambda request: solution.Response(200, {}))("request")
    return seen | {"records of a good answer": len(heard.all)}


@scenario(
    SAME_ID,
    task=3,
    needs=(IDS, ONE_RECORD),
    next_step="Make the id once, and use it twice.",
)
def same_id(solution, rng):
    """Two unknown errors; the id is what differs between the bodies. Is it in the records?"""
    return shared_ids(solution, answer)


def shared_ids(solution, how):
    """Whether what differs between two bodies stands in the own record, and only there."""
    bodies, records = [], []
    for _ in range(2):
        with listening() as heard:
            bodies.append(words_of(how(solution, KeyError("price"))))
        records.append(words_of_record(heard.all[0]) if heard.all else set())
    own = [bodies[0] - bodies[1], bodies[1] - bodies[0]]
    return {
        "in its own record": [bool(own[0] & records[0]), bool(own[1] & records[1])],
        "in the other record": [bool(own[0] & records[1]), bool(own[1] & records[0])],
    }


@scenario(QUIET, task=3, needs=(KNOWN_STATUS,), next_step="Log known errors at INFO or not at all.")
def quiet(solution, rng):
    """One error of each known class; the records of each."""
    return quiet_by(solution, answer)


def quiet_by(solution, how):
    seen = {}
    for name in KNOWN:
        with listening() as heard:
            how(solution, getattr(solution, name)("a text"))
        counts = records_of(heard)
        seen[name] = ["at most 1" if counts["below ERROR"] <= 1 else counts["below ERROR"]]
        seen[name] += [counts["ERROR or above"]]
    return seen


@scenario(
    BROKEN_LOG,
    task=3,
    needs=(UNKNOWN,),
    next_step="Put the logging into a try of its own.",
)
def broken_log(solution, rng):
    """A known and an unknown error, while the log raises OSError or ValueError for each record."""
    seen = {}
    for kind in (OSError, ValueError):
        for error in (solution.NotFound("order 17"), KeyError("x")):
            label = f"{type(error).__name__}, while the log raises {kind.__name__}"
            with listening(broken=kind):
                try:
                    response = answer(solution, error)
                    seen[label] = [status_of(response), isinstance(response.body, dict)]
                except Exception as raised:  # noqa: BLE001 - what came out is the question
                    seen[label] = f"{type(raised).__name__} came out"
    return seen


# Task 4

THROUGH = "interruptions pass through"
COROUTINE = "a coroutine function stays one, and is guarded too"
COROUTINE_LOG = "an unknown error of a coroutine is logged once, with its id"
CANCELLED = "cancellation passes through a coroutine"


def came_out(solution, interruption):
    with listening() as heard:
        try:
            came = f"answered with {status_of(answer(solution, interruption))}"
        except BaseException as raised:  # noqa: BLE001 - which object it is is the question
            came = "the same object" if raised is interruption else type(raised).__name__
    return f"{came}, {'logged' if heard.all else 'not logged'}"


@scenario(
    THROUGH,
    task=4,
    needs=(UNKNOWN,),
    next_step="Catch Exception; these three are no Exceptions.",
)
def through(solution, rng):
    """Handlers that raise KeyboardInterrupt, SystemExit and CancelledError."""
    return {
        kind.__name__: came_out(solution, kind())
        for kind in (KeyboardInterrupt, SystemExit, asyncio.CancelledError)
    }


@scenario(
    COROUTINE,
    task=4,
    needs=(DERIVED, UNKNOWN),
    next_step="Write a second wrapper with async def and await, and share how errors are answered.",
)
def coroutine(solution, rng):
    """Coroutine functions that answer, and that raise known and unknown errors."""
    number, given = rng.randrange(1000), []

    async def handler(request):
        await asyncio.sleep(0)
        given.append(solution.Response(200, {"request": request, "number": number}))
        return given[-1]

    guarded = solution.boundary(handler)
    seen = {"is a coroutine function": inspect.iscoroutinefunction(guarded)}
    if not seen["is a coroutine function"]:
        return seen
    response = in_a_loop(guarded, 17)
    seen["the response of the handler"] = response is given[-1] and given[-1].body["request"] == 17
    seen["calls of the handler"] = len(given)
    for name in KNOWN:
        error = getattr(solution, name)("a text")
        seen[name] = status_of(answer_of_coroutine(solution, error))
        seen[f"derived from {name}"] = derived_from(solution, name, answer_of_coroutine)
    seen["KeyError"] = status_of(answer_of_coroutine(solution, KeyError("x")))
    return seen | shown_by(solution, rng, answer_of_coroutine)


@scenario(COROUTINE_LOG, task=4, needs=(COROUTINE, SAME_ID), next_step="Share what task 3 does.")
def coroutine_log(solution, rng):
    """Unknown and known errors of coroutines; their records. Then one while the log fails."""
    error, _ = odd(rng)
    with listening() as heard:
        answer_of_coroutine(solution, error)
    seen = records_of(heard)
    carried = [record.exc_info[1] for record in heard.all if record.exc_info]
    seen["records with the exception"] = sum(each is error for each in carried)
    seen |= shared_ids(solution, answer_of_coroutine) | quiet_by(solution, answer_of_coroutine)
    with listening(broken=RuntimeError):
        seen["while the log fails"] = status_of(answer_of_coroutine(solution, KeyError("price")))
    return seen


@scenario(CANCELLED, task=4, needs=(COROUTINE,), next_step="Catch Exception here too.")
def cancelled(solution, rng):
    """A coroutine that raises CancelledError, awaited inside a task that catches it."""
    cancellation, caught = asyncio.CancelledError(), []
    guarded = solution.boundary(raising_coroutine(cancellation))

    async def outer(request):
        try:
            response = await guarded(request)
        except asyncio.CancelledError as error:
            caught.append("the same object" if error is cancellation else "another one")
        else:
            caught.append(f"answered with {response.status}")

    with listening() as heard:
        in_a_loop(outer, "request")
    return {"came out": caught, "records": len(heard.all)}
