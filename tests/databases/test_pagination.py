"""Both ways to the next page: the same rows at rest, other rows and other costs in motion."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.databases.pagination import keyset_page, offset_page, page_costs

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=60)


@repeatable
@given(rows=st.lists(st.integers(0, 99), unique=True).map(sorted), size=st.integers(1, 7))
def test_at_rest_both_walk_through_all_rows(rows, size):
    by_offset, by_keyset, after, number = [], [], None, 0
    while page := keyset_page(rows, after, size).rows:
        number += 1
        by_keyset += page
        by_offset += offset_page(rows, number, size).rows
        after = page[-1]

    assert by_keyset == by_offset == rows
    assert offset_page(rows, number + 1, size).rows == ()


def test_an_insert_pushes_a_row_onto_the_next_offset_page_and_no_keyset_page():
    rows = [10, 20, 30, 40]
    first = offset_page(rows, 1, 2).rows

    later = [5, *rows]

    assert first == (10, 20)
    assert offset_page(later, 2, 2).rows == (20, 30)  # 20 again
    assert keyset_page(later, first[-1], 2).rows == (30, 40)


def test_a_deletion_hides_a_row_from_the_next_offset_page():
    later = [20, 30, 40]  # 10 is gone, after page (10, 20)

    assert offset_page(later, 2, 2).rows == (40,)  # 30 is never shown
    assert keyset_page(later, 20, 2).rows == (30, 40)


def test_the_cost_of_an_offset_page_grows_with_its_number():
    costs = [page_costs(number, 20, 10_000) for number in (1, 10, 500)]

    assert [page.offset_entries for page in costs] == [20, 200, 10_000]
    assert [page.keyset_entries for page in costs] == [20, 20, 20]
    assert [page.keyset_pages for page in costs] == [2, 2, 2]
    assert [page.offset_pages for page in costs] == [2, 3, 101]  # 100 leaves and the root


def test_a_page_behind_the_end_is_empty_and_offset_has_read_everything():
    page = page_costs(600, 20, 10_000)

    assert (page.offset_entries, page.keyset_entries) == (10_000, 0)
    assert offset_page(range(100), 9, 20).read == 100


@pytest.mark.parametrize(("number", "size"), [(0, 20), (1, 0), (-1, 5)])
def test_pages_count_from_one(number, size):
    with pytest.raises(ValueError, match="count from 1"):
        page_costs(number, size)
    with pytest.raises(ValueError, match="count from 1"):
        offset_page([1], number, size)
