"""Where a hundred new keys land."""

from __future__ import annotations

import pytest

from course_lib.databases.key_locality import KINDS, last_inserts


@pytest.mark.parametrize("kind", ["UUIDv7", "a counted number"])
def test_keys_that_grow_land_on_the_last_two_pages(kind):
    batch = last_inserts(kind, rows=2_050)

    assert batch.touched == 2
    assert batch.leaves[-2:] == (50, 50)
    assert len(batch.leaves) == 22


def test_random_keys_land_on_almost_every_page_of_a_small_index():
    batch = last_inserts("UUIDv4", rows=2_000)

    assert batch.touched > 0.9 * len(batch.leaves)
    assert max(batch.leaves) < 20


def test_the_larger_the_index_the_more_pages_a_hundred_random_keys_touch():
    touched = [last_inserts("UUIDv4", rows=rows).touched for rows in (0, 1_000, 4_000, 20_000)]

    assert touched == sorted(touched)
    assert touched[-1] > 75


@pytest.mark.parametrize("kind", KINDS)
def test_every_new_key_is_counted_once(kind):
    assert sum(last_inserts(kind, rows=500, inserted=70).leaves) == 70


def test_random_keys_leave_pages_less_full():
    pages = {kind: len(last_inserts(kind, rows=5_000).leaves) for kind in KINDS}

    assert pages["UUIDv4"] > 1.2 * pages["UUIDv7"]


@pytest.mark.parametrize("bad", [{"kind": "x"}, {"rows": -1}, {"inserted": 0}])
def test_senseless_arguments_are_refused(bad):
    with pytest.raises(ValueError, match="kind is one of"):
        last_inserts(**{"kind": "UUIDv4", "rows": 1, "inserted": 1, **bad})
