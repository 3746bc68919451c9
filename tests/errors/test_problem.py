"""Errors a caller can act on, and the body that tells a client."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from course_lib.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Problem,
    ShopError,
    Unavailable,
    to_problem,
)

ERRORS = [
    InvalidInput("email", "needs an @"),
    NotFound("order", 17),
    Conflict("product", "TEA-1"),
    Unavailable("stock database", retry_after=2.5),
]


def any_problem(**changes) -> Problem:
    usual = {"status": 404, "type": "about:blank", "title": "t", "detail": "d", "code": "c"}
    return Problem(**{**usual, **changes})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ERRORS[0], 422, "invalid_input"),
        (ERRORS[1], 404, "not_found"),
        (ERRORS[2], 409, "conflict"),
        (ERRORS[3], 503, "unavailable"),
    ],
)
def test_each_class_has_its_status_and_code(error, status, code):
    problem = to_problem(error)
    assert (problem.status, problem.code) == (status, code)
    assert problem.type.endswith("/" + code)


def test_codes_are_unique():
    assert len({error.code for error in ERRORS}) == len(ERRORS)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
@pytest.mark.parametrize("copied", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_copy_has_the_same_text_and_fields(error, copied):
    twin = copied(error)
    assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))


class TooMany(ShopError):
    """A subclass whose arguments are all keywords, and whose text is made from them."""

    status, code, title = 422, "too_many", "Too many"

    def __init__(self, *, asked: int, left: int) -> None:
        super().__init__(f"{asked} asked, {left} left")
        self.asked, self.left = asked, left


def test_a_subclass_with_keyword_arguments_survives_pickle_with_its_notes():
    error = TooMany(asked=5, left=2)
    error.add_note("in the basket of ada")
    twin = pickle.loads(pickle.dumps(error))
    assert (twin.asked, twin.left, str(twin)) == (5, 2, "5 asked, 2 left")
    assert twin.__notes__ == ["in the basket of ada"]


def test_the_name_of_a_service_is_for_the_log_and_not_for_the_client():
    error = Unavailable("stock database", retry_after=5)
    assert "stock database" in str(error)
    assert "stock" not in json.dumps(to_problem(error).as_dict())


def test_the_text_of_an_unknown_error_reaches_nobody():
    body = to_problem(KeyError("password of ada")).as_dict()
    assert body == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "code": "internal_error",
    }


def test_a_shop_error_of_no_kind_is_a_bug():
    assert to_problem(ShopError("select * from users")).as_dict() == (
        to_problem(KeyError("x")).as_dict()
    )


def test_a_cause_and_notes_do_not_reach_the_client():
    error = Unavailable("stock database")
    error.__cause__ = OSError("disk /dev/sda1")
    error.add_note("connection 7")
    body = json.dumps(to_problem(error).as_dict())
    assert "sda1" not in body
    assert "connection" not in body


def test_the_wait_is_a_header_in_whole_seconds_rounded_up():
    headers = to_problem(Unavailable("payment", retry_after=2.1)).headers()
    assert headers == {"content-type": "application/problem+json", "retry-after": "3"}


def test_a_wait_of_zero_seconds_is_still_said():
    assert to_problem(Unavailable("payment", retry_after=0)).headers()["retry-after"] == "0"


def test_without_a_wait_there_is_no_such_header():
    assert "retry-after" not in to_problem(NotFound("order", 1)).headers()


def test_empty_members_are_left_out():
    assert "incident" not in any_problem().as_dict()
    assert any_problem(incident="7").as_dict()["incident"] == "7"


@pytest.mark.parametrize("status", [200, 399, 600, "500", True])
def test_a_status_that_is_no_error_is_refused(status):
    with pytest.raises(ValueError, match="status must be"):
        any_problem(status=status)


@pytest.mark.parametrize("wait", [-1, float("nan"), float("inf")])
def test_a_wait_that_is_none_is_refused(wait):
    with pytest.raises(ValueError, match="retry_after must be 0 or more seconds"):
        any_problem(retry_after=wait)
    with pytest.raises(ValueError, match="retry_after must be 0 or more seconds"):
        Unavailable("payment", retry_after=wait)
