"""Waits before a retry: their windows, and how they fill them."""

from __future__ import annotations

import random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors import (
    decorrelated_jitter,
    equal_jitter,
    exponential,
    fixed,
    full_jitter,
)

repeatable = settings(derandomize=True, database=None, deadline=None)
seconds = st.floats(0.001, 100.0)


def test_the_window_doubles_and_stops_at_the_cap():
    wait = exponential(base=0.5, cap=3.0)

    assert [wait(k, 0.0) for k in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_after_ten_thousand_retries_it_is_still_the_cap():
    assert exponential(base=1e-9, cap=5.0)(10_000, 5.0) == 5.0


def test_a_fixed_wait_is_always_the_same():
    assert [fixed(1.5)(k, 0.0) for k in (0, 7)] == [1.5, 1.5]


@repeatable
@given(base=seconds, factor=st.floats(1.0, 100.0), k=st.integers(0, 30), seed=st.integers())
def test_jitter_stays_inside_its_window(base, factor, k, seed):
    cap, rng = base * factor, random.Random(seed)
    window = min(cap, base * 2**k)

    assert 0 <= full_jitter(base, cap, rng=rng)(k, 0.0) <= window
    assert window / 2 <= equal_jitter(base, cap, rng=rng)(k, 0.0) <= window


@repeatable
@given(base=seconds, factor=st.floats(1.0, 100.0), previous=seconds, seed=st.integers())
def test_decorrelated_jitter_goes_from_base_to_three_times_the_last_wait(
    base, factor, previous, seed
):
    cap = base * factor
    wait = decorrelated_jitter(base, cap, rng=random.Random(seed))(3, previous)

    assert base <= wait <= min(cap, 3 * max(base, previous))


@pytest.mark.parametrize(
    ("kind", "average"), [(full_jitter, 0.4), (equal_jitter, 0.6), (decorrelated_jitter, 0.4)]
)
def test_the_average_is_that_of_an_even_draw(kind, average):
    wait = kind(0.2, 5.0, rng=random.Random(1))  # windows: 0..0.8, 0.4..0.8, 0.2..0.6

    waits = [wait(2, 0.2) for _ in range(20_000)]

    assert mean(waits) == pytest.approx(average, abs=0.01)


def test_the_same_seed_draws_the_same_waits():
    first, second = (full_jitter(rng=random.Random(7)) for _ in range(2))

    assert [first(k, 0.0) for k in range(5)] == [second(k, 0.0) for k in range(5)]


@pytest.mark.parametrize("kind", [exponential, full_jitter, equal_jitter, decorrelated_jitter])
@pytest.mark.parametrize(
    ("base", "cap", "words"),
    [
        (0, 5, "base must be more than 0"),
        (-1, 5, "base"),
        (0.2, float("inf"), "cap must be more"),
        (2.0, 1.0, "cap must be at least the base of 2 s, got 1"),
    ],
)
def test_a_wrong_window_is_refused(kind, base, cap, words):
    with pytest.raises(ValueError, match=words):
        kind(base, cap)
