import hashlib
import json
from collections import Counter
from dataclasses import FrozenInstanceError, asdict
from decimal import Decimal

import pytest

from course_lib.labs.shop_data import Order, OrderLine, shop


def test_the_same_seed_makes_the_same_shop():
    assert shop(seed=3) == shop(seed=3)


def test_another_seed_makes_another_shop():
    assert shop(seed=1).orders != shop(seed=2).orders


def test_seed_1_makes_this_very_shop_on_every_python_version():
    everything = json.dumps(asdict(shop(seed=1)), default=str)

    assert hashlib.sha256(everything.encode()).hexdigest()[:16] == "421721141c00396f"


def test_the_sizes_are_the_ones_asked_for():
    made = shop(products=3, customers=2, orders=4)

    assert [len(made.products), len(made.customers), len(made.orders)] == [3, 2, 4]


def test_more_products_do_not_change_the_customers_or_the_first_products():
    small, large = shop(products=5, orders=0), shop(products=500, orders=0)

    assert small.customers == large.customers
    assert small.products == large.products[:5]


def test_ids_count_from_1():
    made = shop()

    for things in (made.products, made.customers, made.orders):
        assert [thing.id for thing in things] == list(range(1, len(things) + 1))


def test_product_names_are_unique_even_in_a_large_shop():
    names = Counter(product.name for product in shop(products=300, orders=0).products)

    assert max(names.values()) == 1


def test_prices_are_whole_cents_above_0():
    for product in shop(products=300, orders=0).products:
        assert product.price > 0
        assert product.price == product.price.quantize(Decimal("0.01"))


def test_orders_name_customers_and_products_that_exist_at_their_price():
    made = shop()
    prices = {product.id: product.price for product in made.products}
    people = {customer.id for customer in made.customers}

    for order in made.orders:
        assert order.customer_id in people
        assert 1 <= len(order.lines) <= 4
        for line in order.lines:
            assert line.unit_price == prices[line.product_id]
            assert 1 <= line.quantity <= 3


def test_orders_are_in_the_order_they_were_placed_with_an_aware_date():
    moments = [order.placed_at for order in shop().orders]

    assert moments == sorted(moments)
    assert moments[0].tzinfo is not None


def test_the_total_of_an_order_is_quantity_times_price_summed():
    moment = shop().orders[0].placed_at
    lines = (OrderLine(1, 2, Decimal("1.50")), OrderLine(2, 1, Decimal("0.10")))

    assert Order(1, 1, moment, lines).total == Decimal("3.10")


def test_some_names_are_not_ascii_so_that_encodings_matter():
    assert not all(customer.name.isascii() for customer in shop().customers)


def test_a_product_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        shop().products[0].stock = 0


@pytest.mark.parametrize(
    "sizes", [{"products": -1}, {"products": 0, "orders": 1}, {"customers": 0, "orders": 1}]
)
def test_sizes_that_make_no_shop_are_refused(sizes):
    with pytest.raises(ValueError, match=r"or more|need at least one"):
        shop(**sizes)
