"""Users in a real table: what can be asked, what is refused, what nobody sees any more."""

from __future__ import annotations

import base64
import dataclasses
import json
import random
import sqlite3

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.clock import ManualClock
from course_lib.databases.cursors import Cursor, read_cursor
from course_lib.databases.dialects import dialect_of
from course_lib.databases.repository import (
    MOST_PER_PAGE,
    Taken,
    User,
    UserRepository,
    create_tables,
)

START = 1_767_225_600.0  # what `now()` of a ManualClock begins with


class Users:
    """A repository on an open transaction."""

    def __init__(self, conn):
        self.conn = conn
        self.clock = ManualClock()
        self.repository = UserRepository(conn, clock=self.clock)

    def add(self, *names):
        return [self.add_one(name) for name in names]

    def add_one(self, name):
        return self.repository.create(name, email=f"{name}@example.com", password_hash="secret")

    def names(self, **question):
        return [user.username for user in self.repository.search(**question).users]

    def pages(self, **question):
        """The names of all pages, one list each; at most a hundred."""
        found, cursor = [], None
        for _ in range(100):
            page = self.repository.search(cursor=cursor, **question)
            found.append([user.username for user in page.users])
            cursor = page.next_cursor
            if cursor is None:
                return found
        raise AssertionError("the pages never end")


def as_dict(cursor, row):
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


@pytest.fixture
def users(database):
    with database.connect() as conn:
        create_tables(conn)
        yield Users(conn)


@pytest.fixture
def on_sqlite(sqlite_database):
    with sqlite_database.connect() as conn:
        create_tables(conn)
        yield Users(conn)


class TestCreateAndGet:
    def test_a_new_user_can_be_read_by_the_id_that_came_back(self, users):
        user_id = users.add_one("anna")

        assert users.repository.get(user_id) == User(user_id, "anna", "anna@example.com", START)

    def test_ids_are_those_of_the_own_row(self, users):
        ids = users.add("anna", "ben", "cleo")

        assert [users.repository.get(i).username for i in ids] == ["anna", "ben", "cleo"]

    def test_an_id_that_is_not_there_gives_none(self, users):
        assert users.repository.get(7) is None

    def test_no_user_object_has_a_password_hash(self, users):
        user = users.repository.get(users.add_one("anna"))

        assert {field.name for field in dataclasses.fields(user)} == {
            "id",
            "username",
            "email",
            "created_at",
        }
        assert "secret" not in repr(user)

    def test_the_hash_is_read_by_its_own_method(self, users):
        (user_id,) = users.add("anna")

        assert users.repository.password_hash("Anna") == "secret"
        assert users.repository.password_hash("ben") is None
        users.repository.delete(user_id)
        assert users.repository.password_hash("anna") is None

    @pytest.mark.parametrize("name", ["anna", "ANNA"])
    def test_a_name_that_is_taken_is_told(self, users, name):
        users.add("anna")

        with pytest.raises(Taken, match="is taken, choose another one"):
            users.repository.create(name, email="new@example.com", password_hash="x")

    def test_an_email_that_is_taken_is_told(self, users):
        users.add("anna")

        with pytest.raises(Taken):
            users.repository.create("ben", email="ANNA@example.com", password_hash="x")

    def test_another_broken_rule_is_not_called_taken(self, users):
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.NotNullViolation)):
            users.repository.create(None, email="a@example.com", password_hash="x")

    def test_columns_in_another_order_change_nothing(self, on_sqlite):
        conn = on_sqlite.conn
        conn.execute("DROP TABLE users")
        conn.execute(
            "CREATE TABLE users (deleted_at REAL, password_hash TEXT, email TEXT,"
            " created_at REAL, username TEXT, id INTEGER PRIMARY KEY)"
        )
        user_id = on_sqlite.add_one("anna")

        assert on_sqlite.repository.get(user_id).username == "anna"
        assert on_sqlite.repository.get(user_id).email == "anna@example.com"

    def test_the_rows_of_the_application_do_not_matter(self, users):
        sqlite = dialect_of(users.conn).name == "sqlite"
        users.conn.row_factory = as_dict if sqlite else psycopg.rows.dict_row

        user_id = users.add_one("anna")

        assert users.repository.get(user_id).username == "anna"
        assert users.repository.password_hash("anna") == "secret"

    def test_nothing_is_committed(self, sqlite_database):
        with sqlite_database.connect() as conn:
            create_tables(conn)
            conn.commit()
            Users(conn).add("anna")

        assert sqlite_database.ask("SELECT * FROM users") == []


class TestUpdate:
    def test_only_the_named_columns_of_this_user_change(self, users):
        anna, ben = users.add("anna", "ben")

        assert users.repository.update(anna, email="new@example.com") is True

        assert users.repository.get(anna) == User(anna, "anna", "new@example.com", START)
        assert users.repository.get(ben).email == "ben@example.com"

    def test_two_columns_at_once(self, users):
        (anna,) = users.add("anna")

        users.repository.update(anna, email="x@example.com", username="xenia")

        assert users.repository.get(anna) == User(anna, "xenia", "x@example.com", START)

    def test_a_user_that_is_not_there_is_told(self, users):
        assert users.repository.update(7, email="new@example.com") is False

    @pytest.mark.parametrize("column", ["password_hash", "id", "deleted_at", "emial", "email = ''"])
    def test_another_column_is_refused_and_nothing_changes(self, users, column):
        (anna,) = users.add("anna")

        with pytest.raises(ValueError, match="update takes username, email, got"):
            users.repository.update(anna, username="new", **{column: "x"})

        assert users.repository.get(anna).username == "anna"

    def test_no_change_is_refused(self, users):
        with pytest.raises(ValueError, match="got nothing"):
            users.repository.update(users.add_one("anna"))

    def test_a_name_that_is_taken_is_told(self, users):
        anna, _ = users.add("anna", "ben")

        with pytest.raises(Taken):
            users.repository.update(anna, username="Ben")


class TestDelete:
    def test_a_deleted_user_is_nowhere(self, users):
        (anna,) = users.add("anna")

        assert users.repository.delete(anna) is True

        assert users.repository.get(anna) is None
        assert users.names() == []
        assert users.names(username="anna") == []
        assert users.repository.update(anna, email="x@example.com") is False

    def test_the_second_time_there_is_nothing_to_delete(self, users):
        (anna,) = users.add("anna")

        assert users.repository.delete(anna) is True
        assert users.repository.delete(anna) is False
        assert users.repository.delete(7) is False

    def test_the_name_is_free_again_as_often_as_one_likes(self, users):
        for _ in range(3):
            users.repository.delete(users.add_one("anna"))

        assert users.names(username="anna") == []
        users.add("anna")
        assert users.names(username="anna") == ["anna"]

    def test_the_row_and_its_date_stay(self, users):
        (anna,) = users.add("anna")
        users.clock.advance(60.0)
        users.repository.delete(anna)

        rows = users.conn.execute("SELECT username, deleted_at FROM users").fetchall()
        assert rows == [("anna", START + 60.0)]


class TestCriteria:
    @pytest.mark.parametrize(
        ("part", "expected"),
        [
            ("_li", ["_li"]),
            ("%", ["100%"]),
            ("!", ["hey!"]),
            ("LI", ["_li", "alice"]),
            ("", ["100%", "_li", "alice", "hey!"]),
            ("'; DROP TABLE users; --", []),
            ("\\", []),
        ],
    )
    def test_a_part_of_the_name_is_taken_literally(self, users, part, expected):
        users.add("alice", "_li", "100%", "hey!")

        assert sorted(users.names(contains=part)) == expected

    def test_all_criteria_must_be_met(self, users):
        users.add("anna", "annika", "ben")

        assert users.names(contains="ann", email="ANNA@example.com") == ["anna"]
        assert users.names(contains="ben", email="anna@example.com") == []

    @pytest.mark.parametrize("typo", ["user_name", "deleted_at", "1 = 1 OR username"])
    def test_an_unknown_criterion_is_refused_and_not_ignored(self, users, typo):
        users.add("anna", "ben")

        with pytest.raises(ValueError, match="criteria are username, email, contains, got"):
            users.repository.search(**{typo: "anna"})

    @pytest.mark.parametrize(
        ("limit", "expected"), [(-1, 1), (0, 1), (1, 1), (3, 3), (10**9, MOST_PER_PAGE)]
    )
    def test_the_limit_is_kept_in_bounds(self, on_sqlite, limit, expected):
        on_sqlite.add(*(f"user{number}" for number in range(MOST_PER_PAGE + 5)))

        assert len(on_sqlite.names(limit=limit)) == expected

    @pytest.mark.parametrize("sort", ["password_hash", "id", "--username", "", "username, id"])
    def test_an_unknown_order_is_refused(self, users, sort):
        with pytest.raises(ValueError, match="sort must be one of username, email, created_at"):
            users.repository.search(sort=sort)


class TestPages:
    def test_the_newest_come_first_and_ties_go_by_id(self, users):
        users.add("anna", "ben")  # in the same second
        users.clock.advance(1.0)
        users.add("cleo")

        assert users.names() == ["cleo", "ben", "anna"]
        assert users.names(sort="created_at") == ["anna", "ben", "cleo"]

    @pytest.mark.parametrize("sort", ["created_at", "-created_at", "username", "-email"])
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
    def test_all_pages_together_are_the_list(self, users, sort, limit):
        users.add("gus", "anna", "ben")
        users.clock.advance(0.1)
        users.add("fay", "cleo", "eve", "dan")

        pages = users.pages(sort=sort, limit=limit)

        assert [name for page in pages for name in page] == users.names(sort=sort, limit=100)
        assert all(len(page) == limit for page in pages[:-1])
        assert pages[-1]

    def test_a_user_who_comes_in_between_repeats_and_hides_nobody(self, users):
        users.add("anna", "ben", "cleo", "dan")
        first = users.repository.search(limit=2)
        users.add("eve")  # newest: the old offset would now show ben again

        second = users.repository.search(limit=2, cursor=first.next_cursor)

        names = [user.username for page in (first, second) for user in page.users]
        assert names == ["dan", "cleo", "ben", "anna"]

    def test_a_user_who_goes_in_between_hides_nobody(self, users):
        ids = users.add("anna", "ben", "cleo", "dan")
        first = users.repository.search(limit=2)
        users.repository.delete(ids[3])

        second = users.repository.search(limit=2, cursor=first.next_cursor)

        assert [user.username for user in second.users] == ["ben", "anna"]

    def test_the_last_page_has_no_cursor_even_when_it_is_full(self, users):
        users.add("anna", "ben")

        assert users.repository.search(limit=2).next_cursor is None
        assert users.repository.search(limit=1).next_cursor is not None

    def test_criteria_hold_on_every_page(self, users):
        users.add("anna", "ben", "annika", "cleo", "hannah")

        assert users.pages(contains="ann", limit=1, sort="username") == [
            ["anna"],
            ["annika"],
            ["hannah"],
        ]

    def test_a_random_list_pages_like_its_sorted_self(self, on_sqlite):
        rng = random.Random(7)
        for number in range(50):
            on_sqlite.clock.advance(rng.choice([0.0, 0.0, 0.25]))
            on_sqlite.add(f"user{rng.randrange(1000)}-{number}")

        for sort in ("username", "-username", "created_at", "-created_at"):
            pages = on_sqlite.pages(sort=sort, limit=7)
            listed = on_sqlite.names(sort=sort, limit=100)
            assert [name for page in pages for name in page] == listed


class TestCursor:
    def test_a_cursor_of_another_order_is_refused(self, users):
        users.add("anna", "ben")
        cursor = users.repository.search(limit=1, sort="username").next_cursor

        with pytest.raises(ValueError, match="does not belong to this list"):
            users.repository.search(limit=1, sort="-username", cursor=cursor)

    @pytest.mark.parametrize(
        "content",
        [
            ["username", 7, 1],
            ["username", "anna", "1"],
            ["username", "anna", True],
            ["username", "anna", 0],
            ["username", "anna", 2**63],
            ["username", "anna"],
            ["username", "anna", 1, 1],
            ["username", "an\0na", 1],
            ["username", "an\ud800na", 1],
            ["username", None, 1],
            {"sort": "username"},
            7,
        ],
    )
    def test_a_forged_cursor_is_refused_before_it_reaches_the_database(self, content):
        text = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

        with pytest.raises(ValueError, match="does not belong to this list"):
            read_cursor(text, sort="username", kind=str)

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1", "true", '"7.0"'])
    def test_a_number_that_is_none_is_refused(self, number):
        text = base64.urlsafe_b64encode(f'["created_at", {number}, 1]'.encode()).decode()

        with pytest.raises(ValueError, match="does not belong to this list"):
            read_cursor(text, sort="created_at", kind=float)

    @pytest.mark.parametrize("text", ["", "x", "%%%", "é", "W10", "=" * 5, "[" * 100_000])
    def test_a_text_that_is_no_cursor_is_refused(self, text):
        with pytest.raises(ValueError, match="does not belong to this list"):
            read_cursor(text, sort="username", kind=str)

    def test_a_sign_that_does_not_belong_there_is_refused(self):
        text = Cursor("username", "anna", 7).text()

        with pytest.raises(ValueError, match="does not belong to this list"):
            read_cursor(text[:4] + "!!!!" + text[4:], sort="username", kind=str)

    def test_deeply_nested_json_is_refused(self):
        text = base64.urlsafe_b64encode(b"[" * 100_000).decode()

        with pytest.raises(ValueError, match="does not belong to this list"):
            read_cursor(text, sort="username", kind=str)

    @given(
        value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        row=st.integers(1, 2**63 - 1),
    )
    def test_every_name_comes_back_as_it_was(self, value, row):
        cursor = Cursor("username", value, row)

        assert read_cursor(cursor.text(), sort="username", kind=str) == cursor

    @given(value=st.floats(allow_nan=False, allow_infinity=False), row=st.integers(1, 99))
    def test_every_moment_comes_back_as_it_was(self, value, row):
        cursor = Cursor("created_at", value, row)

        assert read_cursor(cursor.text(), sort="created_at", kind=float) == cursor

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(text=st.text(max_size=40))
    def test_no_text_of_a_client_is_a_database_error(self, on_sqlite, text):
        with pytest.raises(ValueError, match="does not belong to this list"):
            on_sqlite.repository.search(cursor=text)
