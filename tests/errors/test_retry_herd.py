"""The herd and the amplifier, against sums that can be done on paper."""

from __future__ import annotations

import pytest

from course_lib.errors.herd import BACKOFFS, amplifier, herd


def test_in_step_they_all_arrive_in_the_same_tenth_of_a_second():
    run = herd(clients=250, wait="fixed", capacity=100)

    assert run.slots == ((1.0, 250, 100), (2.0, 150, 100), (3.0, 50, 50))
    assert run.peak == (1.0, 250)
    assert run.recovered_at == 3.1
    assert run.calls == 250 + 250 + 150 + 50
    assert run.calls_per_client == 2.8


def test_waves_are_the_calls_of_each_second():
    run = herd(clients=250, wait="fixed", capacity=100)

    assert run.waves == {1: 250, 2: 150, 3: 50}


def test_exponential_without_jitter_keeps_the_crowd_and_waits_longer():
    run = herd(clients=250, wait="exponential", cap=8.0, capacity=100)

    assert [slot[0] for slot in run.slots] == [1.0, 3.0, 7.0]
    assert run.peak == (1.0, 250)


def test_the_cap_cuts_the_wait():
    run = herd(clients=400, wait="exponential", cap=2.0, capacity=100)

    assert [slot[0] for slot in run.slots] == [1.0, 3.0, 5.0, 7.0]


def test_full_jitter_spreads_the_first_window_evenly():
    clients = 10_000

    run = herd(clients=clients, wait="full jitter", capacity=clients)

    # Each client falls in each of ten slots with probability 1/10: mean 1000, deviation 30.
    assert len(run.slots) == 10
    assert all(abs(calls - 1000) < 4 * 30 for _, calls, _ in run.slots)
    assert run.calls == 2 * clients


def test_equal_jitter_leaves_the_first_half_of_the_window_empty():
    clients = 10_000

    run = herd(clients=clients, wait="equal jitter", capacity=clients)

    assert [slot[0] for slot in run.slots] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert all(abs(calls - 2000) < 4 * 40 for _, calls, _ in run.slots)


@pytest.mark.parametrize("wait", BACKOFFS)
@pytest.mark.parametrize("budget", [False, True])
def test_every_client_is_served_gave_up_or_still_waits(wait, budget):
    run = herd(clients=300, wait=wait, budget=budget)

    assert run.served == sum(served for _, _, served in run.slots)
    assert all(served <= min(calls, 80) for _, calls, served in run.slots)
    assert run.calls == 300 + sum(calls for _, calls, _ in run.slots)
    assert (run.served + run.gave_up == 300) == (run.recovered_at is not None)


@pytest.mark.parametrize("wait", BACKOFFS)
def test_a_budget_of_a_tenth_adds_at_most_a_tenth(wait):
    run = herd(clients=400, wait=wait, budget=True)

    assert run.calls == 440
    assert run.calls_per_client == 1.1


def test_the_same_seed_gives_the_same_herd():
    assert herd(wait="full jitter", seed=3) == herd(wait="full jitter", seed=3)
    assert herd(wait="full jitter", seed=3) != herd(wait="full jitter", seed=4)


def test_a_backoff_of_ones_own_can_be_tried():
    run = herd(clients=250, wait=lambda k, previous: 2.0 + k, capacity=100)

    assert [slot[0] for slot in run.slots] == [2.0, 5.0, 9.0]
    assert repr(run) == (
        "Herd(250 clients, 700 calls, peak 250 per 100 ms, recovered at 9.1 s, 0 gave up)"
    )


def test_a_herd_that_never_gets_through_has_no_end():
    assert herd(clients=1000, wait="exponential").recovered_at is None


@pytest.mark.parametrize("tries", [1, 2, 3, 4])
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_tries_multiply_through_layers(tries, layers):
    calls = amplifier(tries, layers)

    assert calls == tuple(tries**layer for layer in range(layers + 1))


def test_one_layer_that_retries_adds_its_tries_only():
    assert amplifier(3, 3, everywhere=False) == (1, 1, 1, 3)
