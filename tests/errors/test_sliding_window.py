"""Count and time windows against a list of all outcomes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors.sliding_window import CountWindow, Tally, TimeWindow

OK, FAILED, SLOW = Tally(1), Tally(1, failures=1), Tally(1, slow=1)
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=80)
steps = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from([OK, FAILED, SLOW, FAILED + SLOW - OK])),
    min_size=5,
    max_size=40,
)


@repeatable
@given(size=st.integers(1, 8), steps=steps)
def test_a_count_window_is_the_sum_of_the_last_outcomes(size, steps):
    window = CountWindow(size)

    for count, (_, outcome) in enumerate(steps, start=1):
        tally = window.record(outcome, at=0.0)

        last = [outcome for _, outcome in steps[:count]][-size:]
        assert tally == window.tally(at=0.0) == sum(last, Tally())


@repeatable
@given(width=st.integers(1, 7), buckets=st.integers(1, 6), start=st.integers(0, 50), steps=steps)
def test_a_time_window_is_the_sum_of_its_buckets(width, buckets, start, steps):
    """All times in tenths of a second; floats only where the window sees them."""
    window = TimeWindow(width * buckets / 10, buckets=buckets)
    now, everything = start, []

    for wait, outcome in steps:
        now += wait
        everything.append((now, outcome))
        tally = window.record(outcome, at=now / 10)

        oldest_bucket = now // width - buckets + 1
        kept = [outcome for at, outcome in everything if at // width >= oldest_bucket]
        assert tally == window.tally(at=now / 10) == sum(kept, Tally())


@repeatable
@given(start=st.floats(0, 1e6), age=st.floats(0, 12))
def test_an_outcome_leaves_at_most_one_bucket_early_and_never_late(start, age):
    window = TimeWindow(10.0, buckets=10)
    window.record(FAILED, at=start)

    kept = window.tally(at=start + age).calls == 1

    if age < 8.999_999:
        assert kept
    if age > 10.000_001:
        assert not kept


def test_the_memory_of_a_time_window_does_not_grow_with_the_rate():
    window = TimeWindow(10.0, buckets=10)

    for call in range(100_000):
        window.record(FAILED, at=call * 0.001)  # 1,000 calls a second for 100 s

    assert len(window._by_bucket) == 10
    assert window.tally(at=99.999) == Tally(10_000, 10_000)


def test_the_memory_of_a_count_window_is_its_size():
    window = CountWindow(5)

    for _ in range(1_000):
        window.record(OK, at=0.0)

    assert len(window._outcomes) == 5


def test_float_dust_does_not_move_an_outcome_to_another_bucket():
    window = TimeWindow(0.3, buckets=3)

    window.record(FAILED, at=0.1 + 0.2)  # 0.30000000000000004, while 0.3 // 0.1 is 2.0

    assert window.tally(at=0.59).calls == 1
    assert window.tally(at=0.6).calls == 0


def test_a_fresh_window_has_the_same_size_and_no_outcomes():
    for window in (CountWindow(3), TimeWindow(3.0, buckets=3)):
        window.record(FAILED, at=0.0)

        assert window.fresh().tally(at=0.0) == Tally()
        assert repr(window.fresh()) == repr(window)
    assert TimeWindow(3.0, buckets=7).fresh().buckets == 7


def test_rates_of_nothing_are_zero():
    assert (Tally().failure_rate, Tally().slow_call_rate) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: CountWindow(0), "size must be a whole number of at least 1, got 0"),
        (lambda: TimeWindow(-1.0), "seconds must be more than 0 seconds and finite, got -1.0"),
        (
            lambda: TimeWindow(float("nan")),
            "seconds must be more than 0 seconds and finite, got nan",
        ),
        (lambda: TimeWindow(1.0, buckets=True), "buckets must be a whole number of at least 1"),
    ],
)
def test_a_wrong_size_is_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
