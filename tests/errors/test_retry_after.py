"""Retry-After in both forms, and everything that is neither."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors import retry_after_seconds

NOVEMBER_1994 = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110
repeatable = settings(derandomize=True, database=None, deadline=None)


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",  # RFC 850, obsolete, to be accepted
        "Sun Nov  6 08:49:37 1994",  # asctime, obsolete, to be accepted
    ],
)
def test_all_three_forms_of_a_date_are_read(date):
    assert retry_after_seconds(date, now=NOVEMBER_1994 - 90) == 90.0


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120.0), (" 120 ", 120.0), ("0", 0.0), (5, 5.0), (0.25, 0.25)]
)
def test_seconds_are_read(value, seconds):
    assert retry_after_seconds(value, now=0.0) == seconds


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows cannot change its zone")
def test_a_date_without_a_zone_is_not_local_time(monkeypatch):
    monkeypatch.setenv("TZ", "EST+5")
    time.tzset()
    try:
        wait = retry_after_seconds("Sun Nov  6 08:49:37 1994", now=NOVEMBER_1994 - 90)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert wait == 90.0


def test_a_past_date_means_now():
    assert retry_after_seconds("Sun, 06 Nov 1994 08:49:37 GMT", now=NOVEMBER_1994 + 60) == 0.0


@pytest.mark.parametrize("value", ["9" * 5000, 10**400])
def test_a_huge_number_does_not_overflow(value):
    assert retry_after_seconds(value, now=0.0) == 2.0**31


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "",
        "-5",
        "1.5",
        "1e3",
        "٣",
        "Mon",
        "Mon, 99 Foo 1994 00:00:00 GMT",
        "-5 1",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        None,
        True,
        -1,
        float("nan"),
        float("inf"),
        b"5",
        object(),
    ],
)
def test_what_cannot_be_read_gives_none(value):
    assert retry_after_seconds(value, now=0.0) is None


@repeatable
@given(st.text(max_size=40) | st.text("0123456789 :,-+GMTSunNov", max_size=40))
def test_no_text_makes_it_fail(text):
    seconds = retry_after_seconds(text, now=0.0)

    assert seconds is None or seconds >= 0


@repeatable
@given(st.integers(0, 4_000_000_000), st.integers(-5000, 5000))
def test_a_date_is_what_the_standard_library_writes(now, later):
    date = formatdate(max(0, now + later), usegmt=True)

    assert retry_after_seconds(date, now=now) == max(0, max(0, now + later) - now)
