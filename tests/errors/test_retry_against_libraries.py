"""Our retry beside tenacity and stamina, on generated scripts.

All three play the same calls on the same clock. Without jitter the waits must be
equal; with jitter each library must stay in the bounds of ours. Where their rules
differ, a test below says how.
"""

from __future__ import annotations

import random
import types

import pytest
import stamina
import tenacity
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.clock import ManualClock
from course_lib.errors import Retry, exponential, full_jitter

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=150)
# f: fails, s: succeeds, n: raises what is not listed
scripts = st.text("fffsn", min_size=12, max_size=12)
waiting = st.fixed_dictionaries(
    {"base": st.sampled_from([0.25, 0.5, 1.0]), "cap": st.sampled_from([1.0, 3.0, 8.0])}
)


class Shop:
    """Plays a script; each call takes some seconds. Writes down calls and waits."""

    def __init__(self, script, seconds=0.0):
        self.clock, self.script, self.seconds = ManualClock(), script, seconds
        self.calls = 0

    def __call__(self):
        self.clock.advance(self.seconds)
        letter = self.script[self.calls]
        self.calls += 1
        if letter != "s":
            raise ConnectionError("down") if letter == "f" else KeyError("order")
        return "answer"

    def outcome(self, run):
        """What the caller got, how many calls it took, and the waits."""
        try:
            result = run(self)
        except (ConnectionError, KeyError) as error:
            result = type(error).__name__
        return result, self.calls, [round(wait, 6) for wait in self.clock.waits]


def put_on(clock, patch):
    """Let tenacity, and so stamina, measure and sleep on this clock."""
    time = types.SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    patch.setattr("tenacity.time", time)
    patch.setattr("tenacity.nap.time", time)


def with_ours(shop, *, attempts, base, cap, deadline=None):
    retry = Retry(attempts, deadline=deadline, backoff=exponential(base, cap), clock=shop.clock)
    return shop.outcome(retry.call)


def with_tenacity(shop, *, attempts, wait, stop=None):
    limit = tenacity.stop_after_attempt(attempts)
    retrying = tenacity.Retrying(
        stop=tenacity.stop_any(limit, stop) if stop else limit,
        wait=wait,
        retry=tenacity.retry_if_exception_type(ConnectionError),
        sleep=shop.clock.sleep,
        reraise=True,
    )
    return shop.outcome(retrying)


def with_stamina(shop, patch, *, attempts, base, cap, jitter=0.0, timeout=None):
    put_on(shop.clock, patch)
    caller = stamina.RetryingCaller(
        attempts=attempts, timeout=timeout, wait_initial=base, wait_max=cap, wait_jitter=jitter
    )
    return shop.outcome(lambda fn: caller(ConnectionError, fn))


@repeatable
@given(script=scripts, attempts=st.integers(1, 10), waiting=waiting)
def test_without_jitter_all_three_make_the_same_calls_and_waits(script, attempts, waiting):
    base, cap = waiting["base"], waiting["cap"]
    wait = tenacity.wait_exponential(multiplier=base, max=cap)

    ours = with_ours(Shop(script), attempts=attempts, **waiting)

    assert with_tenacity(Shop(script), attempts=attempts, wait=wait) == ours
    with pytest.MonkeyPatch.context() as patch:
        assert with_stamina(Shop(script), patch, attempts=attempts, **waiting) == ours


@repeatable
@given(
    script=scripts,
    waiting=waiting,
    quarters=st.integers(1, 40),
    seconds=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_tenacity_stops_before_the_deadline_as_we_do(script, waiting, quarters, seconds):
    deadline = quarters / 4
    wait = tenacity.wait_exponential(multiplier=waiting["base"], max=waiting["cap"])
    theirs = Shop(script, seconds)

    with pytest.MonkeyPatch.context() as patch:
        put_on(theirs.clock, patch)
        expected = with_tenacity(
            theirs, attempts=10, wait=wait, stop=tenacity.stop_before_delay(deadline)
        )

    assert with_ours(Shop(script, seconds), attempts=10, deadline=deadline, **waiting) == expected


@repeatable
@given(attempts=st.integers(2, 10), waiting=waiting, seed=st.integers())
def test_full_jitter_has_the_bounds_of_tenacitys_random_exponential(attempts, waiting, seed):
    base, cap = waiting["base"], waiting["cap"]
    bounds = [min(cap, base * 2**k) for k in range(attempts - 1)]
    wait = tenacity.wait_random_exponential(multiplier=base, max=cap)
    shop = Shop("f" * 12)
    retry = Retry(
        attempts,
        deadline=None,
        backoff=full_jitter(base, cap, rng=random.Random(seed)),
        clock=shop.clock,
    )

    _, ours_calls, ours = shop.outcome(retry.call)
    _, their_calls, theirs = with_tenacity(Shop("f" * 12), attempts=attempts, wait=wait)

    assert ours_calls == their_calls == attempts
    for waits in (ours, theirs):
        assert all(0 <= wait <= bound + 1e-6 for wait, bound in zip(waits, bounds, strict=True))


def test_stamina_has_no_jitter_left_at_the_longest_wait(monkeypatch):
    shop = Shop("f" * 12)

    _, _, waits = with_stamina(shop, monkeypatch, attempts=8, base=1.0, cap=4.0, jitter=1.0)

    assert waits[2:] == [4.0] * 5  # its jitter is added, and then cut off at the cap
    assert 1.0 <= waits[0] <= 2.0


def test_stamina_sleeps_past_its_timeout_ours_never(monkeypatch):
    theirs, ours = Shop("f" * 12), Shop("f" * 12)

    with_stamina(theirs, monkeypatch, attempts=10, base=1.0, cap=8.0, timeout=5.0)
    with_ours(ours, attempts=10, base=1.0, cap=8.0, deadline=5.0)

    assert theirs.clock.waits == [1.0, 2.0, 4.0]  # 7 s for a timeout of 5 s
    assert ours.clock.waits == [1.0, 2.0]


def test_tenacity_retries_programming_errors_and_wraps_the_last_by_default():
    calls = []

    def typo():
        calls.append(1)
        raise TypeError("typo")

    retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(3))

    with pytest.raises(tenacity.RetryError):
        retrying(typo)
    with pytest.raises(TypeError):
        Retry(attempts=3, retry_on=Exception).call(typo)

    assert len(calls) == 3 + 1


def test_neither_keeps_the_earlier_errors_ours_notes_them(monkeypatch):
    def notes(run):
        with pytest.raises(ConnectionError) as caught:
            run(Shop("fff"))
        return getattr(caught.value, "__notes__", [])

    put_on(ManualClock(), monkeypatch)
    theirs = stamina.RetryingCaller(attempts=3)
    retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(3), reraise=True)

    assert notes(lambda fn: theirs(ConnectionError, fn)) == []
    assert notes(retrying) == []
    assert len(notes(Retry(3, clock=ManualClock()).call)) == 2
