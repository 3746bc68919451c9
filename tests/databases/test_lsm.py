"""The log-structured tree against a dict, and its costs against arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.databases.lsm import LSM, BloomFilter

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=100)
keys = st.sampled_from([f"k{number}" for number in range(12)])
steps = st.lists(st.tuples(keys, st.one_of(st.none(), st.text(max_size=3))), max_size=60)


@repeatable
@given(steps=steps, memtable=st.integers(1, 5), fan_in=st.integers(2, 4), bloom=st.booleans())
def test_it_is_a_sorted_mapping(steps, memtable, fan_in, bloom):
    store, model = LSM(memtable, fan_in=fan_in, bloom=bloom), {}
    for key, value in steps:
        if value is None:
            store.delete(key)
            model.pop(key, None)
        else:
            store.put(key, value)
            model[key] = value

    assert list(store.items()) == sorted(model.items())
    assert [store.get(f"k{number}") for number in range(13)] == [
        model.get(f"k{number}") for number in range(13)
    ]


@repeatable
@given(steps=steps, fan_in=st.integers(2, 4))
def test_runs_are_few_and_their_levels_rise_with_age(steps, fan_in):
    store = LSM(2, fan_in=fan_in)
    for key, value in steps:
        store.put(key, value or "")

    levels = [run.level for run in store.runs]
    assert levels == sorted(levels)
    assert all(levels.count(level) < fan_in for level in levels)
    assert all(run.keys == sorted(set(run.keys)) for run in store.runs)


def filled(rows: int, **options) -> LSM:
    """Rows of 10 bytes with different keys, in an order that is not theirs."""
    store = LSM(10, **options)
    for number in range(rows):
        store.put(f"{number * 7919 % rows:05}", "value")
    return store


@pytest.mark.parametrize(("rows", "amplification"), [(10, 1), (40, 2), (160, 3), (640, 4)])
def test_every_level_writes_every_row_once_more(rows, amplification):
    store = filled(rows, fan_in=4)

    assert store.bytes_given == rows * 10
    assert store.write_amplification == amplification
    assert len(store.runs) == 1


def test_merging_more_runs_at_once_writes_less_and_leaves_more_to_read():
    few, many = filled(1_270, fan_in=2), filled(1_270, fan_in=8)

    assert few.write_amplification > 2 * many.write_amplification
    assert len(few.runs) < len(many.runs)


def test_a_bloom_filter_spares_nearly_every_run_that_lacks_the_key():
    store = filled(1_270, fan_in=8)
    runs = len(store.runs)

    without = store.runs_read
    for number in range(1_000):
        store.get(f"absent {number}")
    with_filter = store.runs_read - without
    store.bloom = False
    for number in range(1_000):
        store.get(f"absent {number}")

    assert with_filter < 0.03 * runs * 1_000
    assert store.runs_read - with_filter == runs * 1_000


def test_a_bloom_filter_never_says_no_by_mistake_and_seldom_yes():
    words = [f"word {number}" for number in range(2_000)]
    seen = BloomFilter(words)

    assert all(word in seen for word in words)
    assert sum(f"other {number}" in seen for number in range(2_000)) < 60
    assert "anything" not in BloomFilter([])


def test_a_newer_value_hides_the_older_ones_and_merging_drops_them():
    store = LSM(1, fan_in=3)
    store.put("k", "1")
    store.put("k", "2")
    before = (len(store.runs), store.get("k"))

    store.put("k", "3")

    assert before == (2, "2")
    assert [list(run) for run in store.runs] == [[("k", "3")]]


def test_a_deletion_is_a_row_until_everything_older_is_merged_with_it():
    store = LSM(1, fan_in=2)
    store.put("a", "1")
    store.put("b", "1")  # one run of level 1
    store.delete("a")
    marked = [list(run) for run in store.runs]

    store.put("c", "1")
    hidden = [list(run) for run in store.runs]  # levels 1 and 1 are due as well

    assert marked[0] == [("a", None)]
    assert hidden == [[("b", "1"), ("c", "1")]]
    assert store.get("a") is None


def test_a_store_whose_rows_are_all_deleted_has_no_runs():
    store = LSM(1, fan_in=2)
    store.put("a", "1")
    store.delete("a")

    assert (store.runs, list(store.items())) == ([], [])


def test_a_mark_stays_while_an_older_run_may_hold_the_key():
    store = LSM(1, fan_in=2)
    for key in "abcd":
        store.put(key, "1")  # one run of level 2
    store.delete("a")
    store.delete("b")  # merged into level 1, above the old rows

    assert list(store.runs[0]) == [("a", None), ("b", None)]
    assert [key for key, _ in store.items()] == ["c", "d"]


def test_what_is_in_memory_is_read_without_any_run():
    store = LSM(10)
    store.put("k", "1")
    store.flush()
    store.flush()
    store.put("k", "2")

    assert (store.get("k"), store.runs_read, len(store.runs)) == ("2", 0, 1)


@pytest.mark.parametrize("wrong", [{"memtable": 0}, {"fan_in": 1}])
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match="memtable must be 1 or more, and fan_in 2 or more"):
        LSM(**wrong)
