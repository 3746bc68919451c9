"""Scenarios on a real PostgreSQL: one server for all children, and nothing left behind."""

import os
import subprocess
import sys

import pytest

from course_lib.index import ROOT
from course_lib.practice import check_file, services
from course_lib.practice.checking import check_namespace
from course_lib.practice.forked import Ended, in_forks
from course_lib.practice.opened import open_exercise
from course_lib.practice.proof import prove
from course_lib.practice.source import BadExercise

ID = "01.1-counter"
CHECKS = "exercises/01_shop/1_counter/checks.py"
SOURCE = "solutions/01_shop/1_counter.py"
NOTEBOOK = "exercises/01_shop/1_counter/exercise.ipynb"

ON_A_SERVER = '''

SERVICES = ("postgres",)


@scenario("counts on a server too", task=2, limit=5)
def on_a_server(solution, rng):
    """A counter of 9 chairs, and a database of its own."""
    from course_lib.labs import postgres

    with postgres().database() as database, database.connect() as connection:
        (chairs,) = connection.execute("SELECT %s::int", (rng.randint(5, 9),)).fetchone()
    return solution.Counter(chairs).take(1)
'''


@pytest.fixture
def with_service(root):
    """The miniature course; its first scenarios need nothing, the last a server."""
    path = root / CHECKS
    text = path.read_text(encoding="utf-8").replace("task=1", "task=1, services=()")
    text = text.replace("task=2", "task=2, services=()")
    path.write_text(text + ON_A_SERVER, encoding="utf-8")
    return root


@pytest.fixture
def without_postgres(monkeypatch):
    monkeypatch.setitem(services._STARTS, "postgres", lambda: "PostgreSQL is missing: install it.")


def databases():
    import psycopg

    from course_lib.labs import postgres
    from course_lib.labs.postgres_database import OURS

    with psycopg.connect(postgres().url, autocommit=True) as admin:
        found = admin.execute(
            "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = %s "
            "AND datname NOT LIKE '%%_template%%'",
            (OURS,),
        )
        return {name for (name,) in found}


def reference(root):
    return open_exercise(ID, root).reference


def test_a_story_on_a_server_is_told_to_both_sides(with_service):
    report = check_namespace(ID, reference(with_service), root=with_service)

    assert report.right, report.text


def test_the_proof_uses_one_server_in_all_forks_and_leaves_nothing(with_service):
    before = databases()

    result = prove(ID, root=with_service, seeds=4, jobs=2)

    assert result.ok, str(result)
    assert databases() == before


def test_what_a_killed_child_leaves_is_dropped_and_nothing_else(with_service):
    from course_lib.labs import postgres

    def dies():
        postgres().database("left_behind")
        os._exit(3)

    checks = open_exercise(ID, with_service).checks
    services.missing(checks)
    kept = postgres().database("kept")
    children = []

    results = list(in_forks([dies], seconds=30, ended=children.append))
    between = databases()
    services.sweep(checks, children)

    assert results == [Ended("ended with exit code 3")]
    assert f"left_behind_{children[0]}" in between
    assert databases() == between - {f"left_behind_{children[0]}"}
    kept.drop()


def test_the_check_from_a_terminal_lends_its_server_to_its_child(with_service):
    answer = with_service / "answer.py"
    answer.write_text(reference_code(with_service), encoding="utf-8")
    before = databases()

    report, code = check_file(ID, answer, root=with_service)

    assert (report.outcome, code) == ("right", 0), report.text
    assert databases() == before


def reference_code(root):
    from course_lib.practice.source import reference_text

    return reference_text((root / SOURCE).read_text(encoding="utf-8"))


def test_without_the_server_the_other_scenarios_are_told_and_the_mend_is_said(
    with_service, without_postgres
):
    report = check_namespace(ID, reference(with_service), root=with_service)

    assert report.outcome == "right"
    assert "Every scenario that could be told passed." in report.text
    assert "1 scenario could not be told: PostgreSQL is missing: install it." in report.text
    assert report.points == report.of_points - 1


def test_without_the_server_and_without_another_form_it_cannot_be_checked(
    with_service, without_postgres
):
    path = with_service / CHECKS
    path.write_text(path.read_text().replace(", services=()", ""), encoding="utf-8")

    report = check_namespace(ID, reference(with_service), root=with_service)

    assert report.text == (
        "01.1-counter: cannot be checked here\npostgres: PostgreSQL is missing: install it."
    )


def test_a_proof_never_leaves_a_scenario_out(with_service, without_postgres):
    assert prove(ID, root=with_service).problems == (
        "Its scenarios need postgres: PostgreSQL is missing: install it.",
    )


def test_a_service_that_does_not_exist_is_named(with_service):
    path = with_service / CHECKS
    path.write_text(path.read_text().replace('"postgres",', '"oracle",'), encoding="utf-8")

    with pytest.raises(BadExercise, match='There is no service "oracle"; there are postgres, shop'):
        services.missing(open_exercise(ID, with_service).checks)


def test_checks_without_services_load_no_driver():
    code = "import sys; from course_lib.practice import check; sys.exit('psycopg' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0
