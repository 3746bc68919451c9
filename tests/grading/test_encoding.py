"""Values cross unchanged, and nothing else crosses."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.grading.encoding import MOST_BYTES, Malformed, decode, encode
from course_lib.practice.values import Foreign, foreign_in, same

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats()
    | st.text(st.characters())
    | st.binary()
)
HASHABLE = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(HASHABLE, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_a_plain_value_comes_back_the_same(value):
    back = decode(encode(value))

    assert repr(back) == repr(value) or same(value, back)
    assert type(back) is type(value)


@given(VALUES)
def test_equal_values_have_equal_bytes(value):
    assert encode(decode(encode(value))) == encode(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0, 5e-324, 2**4096 - 1, "\ud800"])
def test_values_at_the_edge_come_back(value):
    assert repr(decode(encode(value))) == repr(value)


def test_not_a_number_comes_back():
    found = decode(encode([math.nan]))

    assert isinstance(found, list)
    assert math.isnan(found[0])


def test_sets_have_one_encoding():
    assert encode({"a", "b", "c"}) == encode({"c", "b", "a"})


def test_what_is_not_plain_stays_foreign():
    found = foreign_in(decode(encode({"a": [Foreign("a lock")]})))

    assert found is not None
    assert found.text == "a lock"


@pytest.mark.parametrize("value", [object(), 1j, frozenset(), type("Int", (int,), {})(1)])
def test_nothing_but_plain_values_is_encoded(value):
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"1",
        b"1.5",
        b"NaN",
        b"[1]",
        b"{}",
        b'{"int":1}',
        b'{"int":"z"}',
        b'{"int":"0x1","float":"0x1p0"}',
        b'{"float":"one"}',
        b'{"bytes":"0"}',
        b'{"pickle":"x"}',
        b'{"set":[[]]}',
        b'{"set":"ab"}',
        b'{"dict":[[[],null]]}',
        b'{"dict":[[null]]}',
        b'{"dict":["abc"]}',
        b'{"tuple":{}}',
        b'{"foreign":[]}',
        b"[" * 100_000,
        b"[" * 40 + b"]" * 40,
        b'{"tuple":[' * 50 + b"]}" * 50,
        b'{"int":"0x' + b"f" * 2_000 + b'"}',
        b"[" + b"null," * 60_000 + b"null]",
        json.dumps("x" * MOST_BYTES).encode(),
        b'{"int":"' + b"1" * 4_000_000 + b'"}',
    ],
)
def test_anything_else_is_malformed(data):
    with pytest.raises(Malformed):
        decode(data)


@given(st.binary(max_size=200) | st.text('[]{}":,intlse0x', max_size=200).map(str.encode))
def test_any_bytes_are_a_value_or_malformed(data):
    try:
        value = decode(data)
    except Malformed:
        return
    encode(value)


@pytest.mark.parametrize("form", ['{{"set":[{}]}}', '{{"dict":[{}]}}'], ids=["a set", "a dict"])
def test_keys_that_all_have_one_hash_are_refused_at_once(form):
    numbers = [f'{{"int":"{hex(n * (2**61 - 1))}"}}' for n in range(1, 102)]
    items = [f"[{number},null]" for number in numbers] if "dict" in form else numbers

    assert len(decode(form.format(",".join(items[:-1])).encode())) == 100
    with pytest.raises(Malformed):
        decode(form.format(",".join(items)).encode())
