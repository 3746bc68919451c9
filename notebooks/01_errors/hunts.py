"""What shows the fault of each hunt of chapter 1.

`observe_<id>` runs the learner's code and gives back `(is it sound?, what was
seen)`. The same function is used before and after the code is mended.
"""

import pickle
import threading
from types import SimpleNamespace

from course_lib.clock import ManualClock
from course_lib.errors.bench import together


def _customer(email):
    return SimpleNamespace(email=email)


def observe_01_1_a(register):
    saved = []
    try:
        answer = repr(register(_customer("ada@shop.example"), saved.append))
    except AttributeError as error:
        return False, f"Valid data: it raises AttributeError, {error}. Now mend that line, too."
    seen = f"Valid data: it answers {answer}, and saves {saved or 'nothing'}."
    if answer != "True" or saved != ["ada@shop.example"]:
        return False, seen
    if register(_customer("ada"), saved.append) is not False:
        return False, seen + " But an address without @ no longer gives False."
    if _came_out(register, _customer("ada@shop.example"), lambda: None) != "TypeError":
        return False, seen + " But another mistake in our own code, in save, is still caught."
    return True, seen + " And a mistake in our own code comes out."


def _came_out(fn, *args):
    """What the caller gets, in words."""
    try:
        return f"the result {fn(*args)!r}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look at
        return type(error).__name__


def observe_01_1_b(load_price):
    away = OSError("the disk is away")

    def unreadable(name):
        raise away

    try:
        load_price(unreadable, "tea")
        return False, "The file cannot be read, and nothing is raised."
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look at
        came = error
    kept = came is away or came.__cause__ is away
    seen = f"The file cannot be read: {type(came).__name__} comes out"
    if not isinstance(came, OSError) or not kept:
        cause = "the OSError" if came.__cause__ is away else repr(came.__cause__)
        return False, f"{seen}, and its __cause__ is {cause}."
    try:
        load_price(lambda name: "4O0", "tea")
        return False, seen + ". But a bad price is accepted now."
    except Exception as error:  # noqa: BLE001 - as above
        if not isinstance(error, ValueError) and not isinstance(error.__cause__, ValueError):
            return False, seen + ". But a bad price loses its cause."
    if _came_out(load_price, lambda name: "320", "tea") != "the result 320":
        return False, seen + ". But a good price is lost now."
    return True, seen + ", and the caller's handler of OSError runs."


class _Pool:
    """Five connections to lend, told apart by number."""

    def __init__(self):
        self.free = [1, 2, 3, 4, 5]

    def take(self):
        if not self.free:
            raise LookupError("the pool is empty")
        return self.free.pop()

    def give_back(self, conn):
        self.free.append(conn)


def _lend(borrowed, pool, *, error=None):
    """One request; what the caller saw."""
    try:
        with borrowed(pool):
            if error:
                raise error
    except (TimeoutError, LookupError, KeyboardInterrupt) as caught:
        return "the error" if caught is error else str(caught)
    return "no error"


def observe_01_2_a(declined):
    first = declined(amount=30, reason="limit")
    try:
        twin = pickle.loads(pickle.dumps(first))
    except Exception as error:  # noqa: BLE001  whatever arrives instead is the observation
        return False, f"Sent through pickle, it arrives as {type(error).__name__}: {error}"
    seen = f"Sent through pickle, it arrives as {type(twin).__name__}"
    try:
        fields = (twin.amount, twin.reason)
    except AttributeError:
        return False, f"{seen}, but a field is missing."
    if type(twin) is not declined or fields != (30, "limit"):
        return False, f"{seen}, but its fields are {fields}."
    if str(twin) != str(first):
        return False, f"{seen}, but its text became: {twin}"
    return True, f"{seen}, with its fields and its text."


def observe_01_2_b(table_class):
    class Base(Exception):
        pass

    class Special(Base):
        pass

    table = table_class()
    table.register(Base, 422)
    status = table.status(Special())
    seen = f"422 is registered for a class. A class derived from it gets {status}."
    if status != 422:
        return False, seen
    table = table_class()
    table.register(Base, 422)
    table.register(Special, 409)
    if (table.status(Special()), table.status(Base())) != (409, 422):
        return False, seen + " But a status of its own for the derived class is not used now."
    if table.status(KeyError("x")) != 500:
        return False, seen + " But a KeyError no longer gets 500."
    return True, seen + " One with a status of its own keeps it, and a KeyError gets 500."


def observe_01_3_a(borrowed):
    pool = _Pool()
    for _ in range(5):
        _lend(borrowed, pool)
    if sorted(pool.free) != [1, 2, 3, 4, 5]:
        return False, f"After five good requests {len(pool.free)} connections are free."
    outcomes = [_lend(borrowed, pool, error=TimeoutError("no answer")) for _ in range(5)]
    free = len(pool.free)
    seen = f"After five requests that fail, {free} of 5 connections are free."
    if sorted(pool.free) != [1, 2, 3, 4, 5]:
        return False, seen
    if outcomes != ["the error"] * 5:
        return False, seen + " But the caller does not see the error any more."
    _lend(borrowed, pool, error=KeyboardInterrupt())
    if sorted(pool.free) != [1, 2, 3, 4, 5]:
        return False, seen + " But Ctrl-C in a request still costs a connection."
    return True, seen


class _Conn:
    """A connection; `broken` means that a rollback fails."""

    def __init__(self, *, broken=False):
        self.broken, self.done = broken, []

    def commit(self):
        self.done.append("commit")

    def rollback(self):
        self.done.append("rollback")
        if self.broken:
            raise ConnectionError("connection closed")

    def close(self):
        self.done.append("close")


def _left_with(scope, conn, error=None):
    """What the caller of a scope around this error catches, or None."""
    try:
        with scope(conn):
            if error:
                raise error
    except BaseException as caught:  # noqa: BLE001 - whatever comes out is what we look at
        return caught
    return None


def observe_01_3_b(scope):
    full = OSError("disk full")
    caught = _left_with(scope, _Conn(broken=True), full)
    seen = (
        f"The disk is full, and then the connection breaks. The report says: {caught or 'nothing'}."
    )
    if caught is not full:
        return False, seen
    for error, expected in (
        (None, "commit"),
        (ValueError(), "rollback"),
        (SystemExit(), "rollback"),
    ):
        conn = _Conn()
        came_out = _left_with(scope, conn, error)
        if conn.done != [expected] or came_out is not error:
            what = type(error).__name__ if error else "a block that ends well"
            return False, seen + f" But {what} is not handled as before."
    return True, seen


def _down(failures):
    """A service that fails so often, then answers; and how often it was called."""
    calls = []

    def service():
        calls.append(1)
        if len(calls) <= failures:
            raise ConnectionError("no answer")
        return "answer"

    return service, calls


def observe_01_4_a(patient):
    clock = ManualClock()
    service, calls = _down(failures=100)
    try:
        outcome = f"gives back {patient(service, clock)!r}"
    except ConnectionError:
        outcome = "raises the ConnectionError"
    seen = (
        f"The service fails every time. After {len(calls)} calls and waits of {clock.waits} s"
        f" the loop {outcome}."
    )
    if "raises" not in outcome or len(clock.waits) >= len(calls):
        return False, seen
    service, _ = _down(failures=2)
    if patient(service, ManualClock()) != "answer":
        return False, seen + " But an answer after two failures is lost now."
    return True, seen


def observe_01_4_b(stubborn):
    calls = []

    def interrupted():
        calls.append(1)
        raise KeyboardInterrupt

    try:
        stubborn(interrupted, ManualClock())
    except KeyboardInterrupt:
        pass
    times = "once" if len(calls) == 1 else f"{len(calls)} times"
    seen = f"The user has to press Ctrl-C {times} before the program stops."
    if len(calls) != 1:
        return False, seen
    service, _ = _down(failures=4)
    try:
        answer = stubborn(service, ManualClock())
    except ConnectionError:
        answer = None
    if answer != "answer":
        return False, seen + " But an answer after four failures is lost now."
    return True, seen


def observe_01_4_c(seconds_to_wait):
    clock = ManualClock()
    date = "Thu, 01 Jan 2026 00:01:30 GMT"
    try:
        wait = f"{seconds_to_wait({'Retry-After': date}, clock):g} s"
    except ValueError:
        wait = "a ValueError"
    seen = f"It is 00:00:00, and the header says {date}. The wait is {wait}."
    if wait != "90 s":
        return False, seen
    if seconds_to_wait({"Retry-After": "120"}, clock) != 120 or seconds_to_wait({}, clock) != 1:
        return False, seen + " But a number of seconds, or no header, is not understood any more."
    return True, seen


def _fail():
    raise TimeoutError("payment did not answer")


def _call(breaker, fn=lambda: None):
    """One call; what the caller saw."""
    try:
        breaker.call(fn)
    except TimeoutError:
        return "failed"
    except Exception:  # noqa: BLE001 - a refusal, whatever its type
        return "refused"
    return "answered"


def observe_01_5_a(breaker_class):
    clock = ManualClock()
    breaker = breaker_class(clock)
    week = "One failure a day among a thousand good calls."
    for day in range(1, 9):
        if "refused" in [_call(breaker) for _ in range(1000)]:
            return False, f"{week} On day {day} it refuses calls, though all is well."
        _call(breaker, _fail)
        clock.sleep(86_400)
    for _ in range(200):
        _call(breaker, _fail)
    if _call(breaker) != "refused":
        return False, f"{week} It stays closed. But 200 failures in a row no longer open it."
    return True, f"{week} After eight days it is closed, and 200 failures in a row open it."


class _SlowClock(ManualClock):
    """Reading this clock lets the other threads run first."""

    def __init__(self, callers):
        super().__init__()
        self._callers = threading.Barrier(callers)
        self.crowded = False

    def monotonic(self):
        if self.crowded:
            try:
                self._callers.wait(1.0)
            except threading.BrokenBarrierError:
                pass
        return super().monotonic()


def observe_01_5_b(breaker_class):
    clock = _SlowClock(50)
    breaker = breaker_class(clock)
    clock.advance(60.0)
    clock.crowded = True
    reached = together(50, breaker)
    clock.crowded = False
    seen = f"Fifty threads arrive at once. {reached} of them reach the service."
    if reached != 1:
        return False, seen
    if _call(breaker) == "refused":
        return False, seen + " But afterwards the place of the probe is never free again."
    return True, seen


def observe_01_5_c(breaker_class):
    clock = ManualClock()
    breaker = breaker_class(clock)
    clock.sleep(10)
    clock.set_wall_clock_back(3600)
    if _call(breaker) != "refused":
        return False, "It lets a call through after 10 of 30 seconds."
    waited = 10
    while _call(breaker) == "refused" and waited < 8000:
        clock.sleep(1)
        waited += 1
    back = "At second 10 the wall clock is set back one hour."
    return waited == 30, f"{back} The first call passes after {waited:,} s."
