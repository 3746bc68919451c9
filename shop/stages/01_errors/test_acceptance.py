"""The promise of stage 1: no lost order, no bare 500, no payment taken twice.

The payment service follows a script of 200 faults, on a clock that nobody waits for.
"""

import logging
import random

import pytest
from corner_shop.api import Shop, look_at, place_order, settle_waiting
from corner_shop.orders import State
from corner_shop.payment import Answer, Payment

from course_lib.clock import ManualClock

ORDER = {"items": {"tea": 2, "bread": 1}}  # 1220 cents
CALLS = 200
FAULTS = ["error", "lost", "slow", "busy", "cut", "refused", "odd"]


class PaymentStub:
    """Does what the script says, one word for each call; after its end all is well."""

    def __init__(self, clock):
        self.clock, self.script, self.calls = clock, [], 0
        self.taken, self.refused = {}, set()  # by key
        self.odd_answers = self.asked_after_a_no = 0

    def __call__(self, charge, timeout):
        self.calls += 1
        self.asked_after_a_no += charge.key in self.refused
        fault = self.script.pop(0) if self.script else "ok"
        if fault == "cut":
            raise ConnectionError("connection refused")
        if fault in ("error", "busy", "odd"):
            self.odd_answers += fault == "odd"
            wait = {"retry-after": "1"} if fault == "busy" else {}
            return Answer({"error": 503, "busy": 429, "odd": 400}[fault], headers=wait)
        if fault == "refused" and charge.key not in self.taken:
            self.refused.add(charge.key)
        if charge.key in self.refused:
            return Answer(402, "no_funds")
        self.taken.setdefault(charge.key, charge)  # a known key takes nothing more
        self.clock.advance({"slow": 1.5, "lost": timeout}.get(fault, 0.1))
        if fault == "lost":
            raise TimeoutError("the money is taken, the answer is lost")
        return Answer(201)


def fault_script(seed):
    """200 words: a mixture of its own for each seed, and two outages."""
    rng = random.Random(seed)
    weights = [rng.random() for _ in FAULTS]
    healthy = sum(weights) * rng.choice([0.5, 2, 10])
    script = rng.choices(["ok", *FAULTS], [healthy, *weights], k=CALLS)
    for _ in range(2):
        start, length = rng.randrange(CALLS), rng.randrange(10, 50)
        script[start : start + length] = [rng.choice(["cut", "lost", "error"])] * length
    return script[:CALLS]


def new_shop(seed=0):
    clock = ManualClock()
    stub = PaymentStub(clock)
    return Shop(Payment(stub, clock=clock, rng=random.Random(seed))), stub, clock


def errors(caplog):
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("seed", range(30))
def test_no_script_of_faults_loses_an_order(seed, caplog):
    caplog.set_level(logging.ERROR, "corner_shop")
    shop, stub, clock = new_shop(seed)
    script, asked, incidents = fault_script(seed), 0, []

    for number in range(1, CALLS + 1):  # the fault is the weather: a retry meets the next one
        stub.script = script[number - 1 :]
        reply, asked = place_order(shop, ORDER), asked + 1
        clock.advance(1.0)

        seen = look_at(shop, number)
        assert seen.status == 200, f"order {number} is lost"
        assert (reply.status, seen.body["state"]) in {
            (201, "paid"),
            (202, "waiting for payment"),
            (402, "refused"),
            (500, "waiting for payment"),
        }
        assert reply.status != 500 or reply.body["incident"]
        assert stub.calls <= 1.1 * asked, "too many retries"
        incidents += [reply.body["incident"]] if reply.status == 500 else []

    logged = [record.incident for record in errors(caplog)]
    assert logged == incidents, "the log has a bug that no customer was told of"

    for weather in (script[:50], []):  # first in bad weather, then in good
        stub.script = list(weather)
        asked += len(shop.orders.waiting())
        clock.advance(60.0)
        still_waiting = settle_waiting(shop)
    assert still_waiting == 0
    assert stub.calls <= 1.1 * asked, "too many retries"
    assert stub.asked_after_a_no == 0, "a refused payment was asked for again"
    assert len(errors(caplog)) == stub.odd_answers, "not every bug has one record in the log"

    orders = [shop.orders.get(number) for number in range(1, CALLS + 1)]
    paid = [order.number for order in orders if order.state is State.PAID]
    refused = [order for order in orders if order.state is State.REFUSED]
    charged = sorted(charge.order for charge in stub.taken.values())
    assert len(charged) == len(set(charged)), "somebody paid twice"
    assert charged == paid
    assert {charge.cents for charge in stub.taken.values()} == {1220}
    assert len(paid) + len(refused) == CALLS
    assert all(order.reason == "there is not enough money" for order in refused)


def test_a_payment_service_that_is_down_is_asked_only_now_and_then():
    shop, stub, clock = new_shop()
    stub.script = ["error"] * CALLS

    for _ in range(CALLS):
        assert place_order(shop, ORDER).status == 202
        clock.advance(1.0)

    # 10 calls open the circuit; then one probe in each 30 seconds of the 190 that are left
    assert stub.calls == 10 + 6


def test_after_ten_payments_that_work_a_lost_answer_is_mended_by_a_retry():
    shop, stub, _ = new_shop()
    stub.script = ["ok"] * 10 + ["lost", "ok"]

    assert [place_order(shop, ORDER).status for _ in range(11)] == [201] * 11

    assert (stub.calls, len(stub.taken)) == (12, 11)


def test_customers_without_money_do_not_open_the_circuit():
    shop, stub, _ = new_shop()
    stub.script = ["refused"] * 20

    assert [place_order(shop, ORDER).status for _ in range(21)] == [402] * 20 + [201]


def test_an_order_survives_a_kill_in_the_middle_of_its_payment():
    def killed(charge, timeout):
        raise KeyboardInterrupt

    shop = Shop(Payment(killed, clock=ManualClock()))

    with pytest.raises(KeyboardInterrupt):
        place_order(shop, ORDER)

    assert look_at(shop, 1).body == {"order": 1, "state": "waiting for payment", "cents": 1220}


@pytest.mark.parametrize(
    "body", [None, {}, {"items": {}}, {"items": {"gold": 1}}, {"items": {"tea": True}}]
)
def test_a_wrong_order_is_neither_stored_nor_paid(body):
    shop, stub, _ = new_shop()

    assert place_order(shop, body).status == 422

    assert (look_at(shop, 1).status, stub.calls) == (404, 0)
