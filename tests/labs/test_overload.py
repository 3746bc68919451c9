import threading

import pytest

from course_lib.labs.overload import shop_under_load


class Refused(Exception):
    retry_after = 1.0


def test_with_the_defaults_no_worker_is_free_at_second_8():
    # Orders at 5.0, 5.1 ... 5.9 each hold a worker for two attempts of 2 s.
    run = shop_under_load()

    assert [run.free_workers(at=at) for at in (4.96, 5.0, 5.5, 5.9, 8.0)] == [10, 9, 4, 0, 0]


def test_the_arithmetic_of_the_defaults():
    # 50 orders are served before second 5. Then ten orders at a time are held
    # for 4 s: those taken in seconds 5, 9 and 13 fail, those of 17 are in hand.
    run = shop_under_load()

    assert (run.arrived, run.served, run.failed, run.in_hand) == (200, 50, 30, 10)
    assert run.waiting == 200 - 50 - 30 - 10
    assert run.calls_to_payment == 50 + 4 * 10 * 2
    assert run.calls_while_hanging == 80


def test_a_healthy_shop_serves_every_order():
    run = shop_under_load(payment_hangs_at=None, seconds=10)

    assert (run.arrived, run.served, run.calls_to_payment) == (100, 100, 100)
    assert run.calls_while_hanging == 0


def test_the_rows_by_second_add_up_to_the_totals():
    run = shop_under_load(browse_share=0.3, payment_recovers_at=9.0)
    rows = run.by_second()

    assert [row.second for row in rows] == list(range(20))
    assert sum(row.served for row in rows) == run.served
    assert sum(row.failed for row in rows) == run.failed
    assert sum(row.refused for row in rows) == run.refused
    assert sum(row.payment_calls for row in rows) == run.calls_to_payment


def test_a_row_by_second_has_the_free_workers_at_its_start():
    rows = shop_under_load().by_second()

    assert tuple(rows[4]) == (4, 9, 10, 0, 0, 10)
    assert tuple(rows[9]) == (9, 0, 0, 10, 0, 10)


def test_every_request_is_in_exactly_one_place():
    run = shop_under_load(browse_share=0.4, compartments={"payment": 4})

    assert run.served + run.failed + run.refused + run.in_hand + run.waiting == run.arrived


def test_the_same_settings_give_the_same_run():
    assert shop_under_load(browse_share=0.5, seed=3) == shop_under_load(browse_share=0.5, seed=3)


def test_another_seed_lets_other_requests_browse():
    first, second = (shop_under_load(browse_share=0.5, seed=seed) for seed in (1, 2))

    assert [v.kind for v in first.visits[:20]] != [v.kind for v in second.visits[:20]]


def test_the_catalogue_dies_with_payment_when_they_share_the_workers():
    run = shop_under_load(browse_share=0.5)

    assert run.browse_served < 0.6 * run.arrived * 0.5


def test_a_compartment_for_payment_keeps_the_catalogue_alive():
    shared = shop_under_load(browse_share=0.5)
    apart = shop_under_load(browse_share=0.5, compartments={"payment": 4})

    assert apart.waiting == 0
    assert apart.browse_served > 1.5 * shared.browse_served
    assert min(row.free for row in apart.by_second()) >= 5


def test_a_full_compartment_refuses_at_once():
    run = shop_under_load(compartments={"payment": 4})
    refused = [visit for visit in run.visits if visit.outcome == "refused"]

    assert refused
    assert all(visit.taken == visit.done for visit in refused)
    assert run.free_workers(at=8.0) == 6


def test_payment_works_again_after_it_recovers():
    run = shop_under_load(payment_recovers_at=9.0)

    assert run.by_second()[-1].served == 10
    assert run.waiting == 0


def test_a_call_under_way_when_payment_hangs_is_lost():
    run = shop_under_load(payment_takes=0.5, payment_hangs_at=0.7, orders_per_second=5, seconds=1)

    # Calls begin at 0.0, 0.2, 0.4, 0.6, 0.8; those at 0.4 and 0.6 are under way at 0.7.
    assert run.served == 2


def test_slower_than_the_timeout_is_a_failure():
    run = shop_under_load(payment_takes=3.0, payment_hangs_at=None, orders_per_second=1, seconds=10)

    assert (run.served, run.failed) == (0, 6)


def test_the_guard_is_made_once_and_gets_the_call_and_the_clock():
    times_made = []

    def harmless(call, clock):
        times_made.append(clock.monotonic())
        return call

    guarded = shop_under_load(harmless)

    assert times_made == [0.0]
    assert guarded == shop_under_load()


def test_a_guard_that_refuses_keeps_the_workers_free_and_is_not_tried_again():
    asked = []

    def refuse_after_second_7(call, clock):
        def guarded():
            asked.append(clock.monotonic())
            if clock.monotonic() >= 7:
                raise Refused
            return call()

        return guarded

    run = shop_under_load(refuse_after_second_7)

    # Ten orders of second 5 hang; their second attempt, after 7, is refused.
    assert run.free_workers(at=8.0) == 10
    assert run.calls_while_hanging == 10
    assert (run.failed, run.refused, run.waiting) == (0, 150, 0)
    assert len(asked) == 50 + 10 + 150


def test_a_failure_is_tried_as_often_as_attempts_say():
    def always_failing(call, clock):
        def guarded():
            raise ConnectionError("no route")

        return guarded

    run = shop_under_load(always_failing, seconds=1)

    assert (run.failed, run.calls_to_payment) == (10, 0)


def test_a_mistake_in_the_guard_is_raised_and_does_not_pass_for_a_failed_order():
    def mistaken(call, clock):
        return lambda: call(1)

    with pytest.raises(TypeError):
        shop_under_load(mistaken)


def test_a_guard_that_returns_nothing_is_refused_with_one_sentence():
    with pytest.raises(TypeError, match="must return the callable to use instead"):
        shop_under_load(lambda call, clock: None)


def test_a_guard_that_holds_a_lock_during_the_call_is_told_so():
    def one_at_a_time(call, clock):
        lock = threading.Lock()

        def guarded():
            with lock:
                return call()

        return guarded

    with pytest.raises(RuntimeError, match="a lock that a sleeping thread holds"):
        shop_under_load(one_at_a_time, orders_per_second=100)


def test_a_guard_that_catches_everything_does_not_change_the_result():
    def stubborn(call, clock):
        def guarded():
            try:
                return call()
            except BaseException:  # noqa: BLE001  too broad, on purpose
                return call()

        return guarded

    first, second = shop_under_load(stubborn), shop_under_load(stubborn)

    assert first == second
    assert all(moment < 20 for moment in first.payment_calls)


def test_it_says_that_it_is_a_simulation():
    assert repr(shop_under_load()) == (
        "simulation of 20 s, 10 workers, 200 requests: 50 served, 30 failed, 0 refused, "
        "110 waiting, 10 in hand; payment called 130 times, 80 of them while it hung"
    )


def test_a_moment_outside_the_run_is_refused():
    with pytest.raises(ValueError, match="covers 0 to 20 s"):
        shop_under_load().free_workers(at=20.0)


@pytest.mark.parametrize(
    "settings",
    [
        {"workers": 0},
        {"attempts": 0},
        {"seconds": 0},
        {"orders_per_second": float("inf")},
        {"orders_per_second": 1_000_000},
        {"browse_share": 1.5},
        {"compartments": {"catalogue": 4}},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError):
        shop_under_load(**settings)
