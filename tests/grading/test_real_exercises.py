"""The course's own exercises in the sandbox: right is right there, and wrong is wrong."""

import pytest

from course_lib.grading.assignments import open_assignment
from course_lib.grading.known_mistakes import known_mistakes, recognised
from course_lib.grading.notebook_cells import read_handed_in
from course_lib.index import ROOT, course

BREAKER = "01.5-circuit-breaker"


NOTEBOOKS = [exercise for exercise in course().exercises if not exercise.is_project]


@pytest.mark.parametrize("exercise", course().exercises, ids=lambda exercise: exercise.id)
def test_every_exercise_of_the_course_can_be_graded(exercise):
    assert open_assignment(exercise.id, ROOT).id == exercise.id


@pytest.mark.parametrize("exercise", NOTEBOOKS, ids=lambda exercise: exercise.id)
def test_the_reference_passes_and_the_starter_is_not_started(exercise, marker_of):
    data = (ROOT / exercise.notebook).read_bytes()

    marked = marker_of(exercise.id).mark(read_handed_in("exercise.ipynb", data))

    assert (marked.points, marked.report.outcome) == (0, "not started")


@pytest.mark.parametrize("name", ["immutable_core", "state_objects"])
def test_other_right_answers_get_full_marks(name, marker_of):
    path = ROOT / "tests/exercises/01_errors/5_circuit_breaker/also_right" / f"{name}.py"

    marked = marker_of(BREAKER).mark(read_handed_in(path.name, path.read_bytes()))

    assert (marked.points, marked.of_points) == (45, 45)


@pytest.mark.parametrize("name", ["calls_while_open", "cancellation_counts", "timer_not_refreshed"])
def test_a_known_mistake_is_recognised(name, marker_of):
    folder = ROOT / "tests/exercises/01_errors/5_circuit_breaker/mutants"
    data = (folder / f"{name}.py").read_bytes()

    marked = marker_of(BREAKER).mark(read_handed_in("mine.py", data))

    assert marked.points < 45
    known = known_mistakes(folder)
    assert name.replace("_", " ") in known[recognised(marked, known)]
