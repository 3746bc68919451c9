"""What shows the fault of each hunt of chapter 1.

`observe_<id>` runs the learner's code and gives back `(is it sound?, what was
seen)`. The same function is used before and after the code is mended.
"""

import threading

from course_lib.clock import ManualClock
from course_lib.errors.bench import together


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
    for _ in range(7):
        for _ in range(1000):
            _call(breaker)
        _call(breaker, _fail)
        clock.sleep(86_400)
    seen = _call(breaker)
    days = (
        "Seven days with 1,000 good calls and one failure each. On the eighth day the next call is"
    )
    if seen != "answered":
        return False, f"{days} {seen}."
    for _ in range(200):
        _call(breaker, _fail)
    if _call(breaker) != "refused":
        return False, f"{days} answered. But 200 failures in a row no longer open it."
    return True, f"{days} answered, and 200 failures in a row still open it."


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
    clock.sleep(21)
    waited = 31
    while _call(breaker) == "refused" and waited < 8000:
        clock.sleep(60)
        waited += 60
    seen = (
        f"At second 10 the wall clock is set back one hour. The first call passes after {waited} s."
    )
    return waited == 31, seen
