"""The B-tree against a sorted dict, and its page counts against arithmetic."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sortedcontainers import SortedDict

from course_lib.databases.btree import BTree

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=60)
orders = st.integers(2, 6)
keys = st.lists(st.integers(0, 60), max_size=80)


def filled(order: int, keys: list[int]) -> BTree:
    tree = BTree(order)
    for number, key in enumerate(keys):
        tree.insert(key, number)
    return tree


def leaves(tree: BTree) -> list[tuple[int, ...]]:
    return [keys for _, keys in tree.levels()[-1]]


@repeatable
@given(order=orders, keys=keys, low=st.integers(-1, 61), high=st.integers(-1, 61))
def test_it_is_a_sorted_mapping(order, keys, low, high):
    tree, model = filled(order, keys), SortedDict()
    for number, key in enumerate(keys):
        model[key] = number

    assert list(tree.range()) == list(model.items())
    assert [key for key, _ in tree.range(low, high)] == list(
        model.irange(low, high, inclusive=(True, False))
    )
    assert [tree.get(key, "absent") for key in range(62)] == [
        model.get(key, "absent") for key in range(62)
    ]
    assert len(tree) == len(model)


@repeatable
@given(order=orders, keys=keys)
def test_no_page_holds_more_than_its_order_and_only_the_edge_less_than_half(order, keys):
    tree = filled(order, keys)

    pages = [keys for level in tree.levels() for _, keys in level]
    assert all(len(keys) <= order for keys in pages)
    assert all(len(keys) >= (order + 1) // 2 for keys in leaves(tree)[:-1])
    assert list(itertools.chain(*leaves(tree))) == sorted(set(keys))
    assert len(pages) == tree.page_count


@repeatable
@given(order=orders, keys=keys)
def test_a_lookup_reads_one_page_per_level(order, keys):
    tree = filled(order, keys)

    for key in range(62):
        tree.pages.clear()
        tree.get(key)

        assert tree.pages.total() == tree.height == len(tree.levels())


@repeatable
@given(order=orders, keys=keys)
def test_every_split_makes_one_page_and_every_new_root_one_more(order, keys):
    tree = filled(order, keys)

    assert tree.page_count == 1 + tree.splits + (tree.height - 1)


def test_a_million_keys_in_pages_of_a_hundred_are_three_or_four_levels_high():
    tree = BTree(100)
    for key in range(100_000):
        tree.insert(key * 7_919 % 100_000)

    assert tree.height == 3
    assert len(tree) == 100_000


def test_a_range_reads_the_path_and_then_one_leaf_after_the_other():
    tree = filled(4, list(range(100)))  # appended: leaves of exactly four keys
    tree.pages.clear()

    found = [key for key, _ in tree.range(40, 52)]

    assert found == list(range(40, 52))
    # 40..43, 44..47, 48..51, and 52.. to see that the range has ended
    assert tree.pages.total() == tree.height + 3


def test_growing_keys_fill_their_leaves_and_random_ones_do_not():
    growing = filled(10, list(range(1_000)))
    scattered = filled(10, [key * 617 % 1_000 for key in range(1_000)])

    assert len(leaves(growing)) == 100
    assert len(leaves(scattered)) > 120


def test_an_insert_counts_the_pages_it_changes():
    tree = filled(2, [1, 2])
    tree.written.clear()

    tree.insert(3)  # splits the only leaf under a new root

    assert tree.written == Counter({1: 2, 2: 1, 3: 1})


def test_several_trees_can_share_one_counter():
    pages = Counter[int]()
    BTree(4, pages=pages).get(1)
    BTree(4, pages=pages).get(1)

    assert pages.total() == 2


def test_a_page_needs_room_for_two_keys():
    with pytest.raises(ValueError, match="order must be 2 or more, got 1"):
        BTree(1)


def test_none_is_no_key():
    with pytest.raises(TypeError, match="None cannot be a key"):
        BTree(4).insert(None)


def test_a_key_of_another_kind_is_refused_and_changes_nothing():
    tree = filled(4, [1, 2, 3])

    with pytest.raises(TypeError):
        tree.insert("one")

    assert [key for key, _ in tree.range()] == [1, 2, 3]
    assert len(tree) == 3
