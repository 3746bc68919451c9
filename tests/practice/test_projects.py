"""A project: stripped by milestone, checked by milestone, proved at every milestone."""

import shutil
from pathlib import Path

import pytest

from course_lib.practice import check_file, hint, reset, solution
from course_lib.practice.answers import Edit, Variant
from course_lib.practice.build import build
from course_lib.practice.memory import recall
from course_lib.practice.mutation import mutate
from course_lib.practice.projects import read_files, regions, stripped
from course_lib.practice.proof import prove
from course_lib.practice.source import BadExercise
from course_lib.proof.exercises import exercises_are_fresh
from course_lib.workspace import refresh

ID = "projects.till"
SOURCE = "solutions/projects/till"
STARTER = "exercises/projects/till"
MINE = f"work/{STARTER}"
PROOFS = "tests/exercises/projects/till"


@pytest.fixture
def root(tmp_path):
    fixture = Path(__file__).parent / "fixtures" / "project"
    return Path(shutil.copytree(fixture, tmp_path / "course"))


@pytest.fixture
def mine(root):
    """The learner's copy, as `course.py lab` makes it."""
    refresh(root)
    return root / MINE


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def finish(root, mine, *, milestone):
    for name, text in stripped(read_files(root / SOURCE), done=milestone).items():
        (mine / name).write_text(text, encoding="utf-8")


def outcomes(report):
    return [milestone.outcome for milestone in report.milestones]


def test_the_regions_of_later_milestones_are_taken_out_and_name_their_milestone():
    source = "def f():\n    ### BEGIN SOLUTION M2: the last\n    return 1\n    ### END SOLUTION\n"

    assert stripped({"f.py": source}) == {
        "f.py": "def f():\n    # TODO M2: the last\n    raise NotImplementedError\n"
    }
    assert stripped({"f.py": source}, done=1) == stripped({"f.py": source})
    assert stripped({"f.py": source}, done=2) == {"f.py": "def f():\n    return 1\n"}


def test_in_sql_and_outside_functions_nothing_is_raised():
    sql = "-- ### BEGIN SOLUTION M1: a table\nCREATE TABLE t ();\n-- ### END SOLUTION\n"
    py = "### BEGIN SOLUTION M1: a name\nLIMIT = 3\n### END SOLUTION\n"

    assert stripped({"a.sql": sql, "a.py": py}) == {
        "a.sql": "-- TODO M1: a table\n",
        "a.py": "# TODO M1: a name\n",
    }


def test_a_region_in_a_class_raises_only_inside_its_functions():
    source = """class Till:
    LIMIT = 3

    ### BEGIN SOLUTION M1: helpers
    def _helper(self):
        return 1

    ### END SOLUTION

    def total(
        self,
    ):
        with self.lock:
            ### BEGIN SOLUTION M1: add up
            return 1
            ### END SOLUTION
"""

    assert stripped({"till.py": source}) == {
        "till.py": """class Till:
    LIMIT = 3

    # TODO M1: helpers

    def total(
        self,
    ):
        with self.lock:
            # TODO M1: add up
            raise NotImplementedError
"""
    }


@pytest.mark.parametrize(
    "text",
    [
        "### BEGIN SOLUTION\n### END SOLUTION",
        "### BEGIN SOLUTION M1: a",
        "### END SOLUTION",
        "### BEGIN SOLUTION M1: a\n### BEGIN SOLUTION M1: b\n### END SOLUTION",
    ],
)
def test_a_region_without_milestone_or_end_is_refused(text):
    with pytest.raises(BadExercise, match=r"^f\.py: .*SOLUTION"):
        stripped({"f.py": text})


def test_the_build_makes_what_learners_get_and_finds_a_difference(root):
    assert build(root=root, check=True) == []
    edit(root / STARTER / "book.py", "TODO M1", "TODO")

    found = exercises_are_fresh(root)

    assert f"{STARTER}/book.py: is not what its source makes" in found.complaints[0]
    assert build(root=root) == [f"{STARTER}/book.py"]
    assert build(root=root, check=True) == []


def test_a_file_without_a_source_is_found(root):
    (root / STARTER / "left_over.py").write_text("")

    assert f"{STARTER}/left_over.py: {SOURCE} has no such file." in str(
        exercises_are_fresh(root).problems
    )


def test_the_lab_brings_all_but_the_checks_and_keeps_what_was_changed(root, mine):
    assert sorted(path.name for path in mine.iterdir()) == [
        "TASK.md",
        "__init__.py",
        "book.py",
        "schema.sql",
    ]
    (mine / "book.py").write_text("mine")
    edit(root / STARTER / "book.py", "The book of sales", "The book of all sales")

    changes = refresh(root)

    assert (mine / "book.py").read_text() == "mine"
    assert changes.beside == {f"{STARTER}/book.py": f"{STARTER}/book.new.py"}


def test_a_fresh_project_is_not_started_in_every_milestone(root, mine):
    report, code = check_file(ID, root=root)

    assert (outcomes(report), report.points, code) == (["not started"] * 2, 0, 1)
    assert report.text.splitlines() == [
        "projects.till: 0 of 2 milestones right, 0 of 5 points",
        "",
        "projects.till, M1: not started",
        "Scenario: adds up what was sold",
        "What was done: Some sales of a few cents each.",
        "Your code: line 21 of book.py: raise NotImplementedError",
        "Next: Write what is marked TODO M1, save, and check again.",
        "",
        "projects.till, M2: not started",
    ]


def test_a_half_done_project_passes_its_first_milestone_exactly(root, mine):
    finish(root, mine, milestone=1)

    report, code = check_file(ID, root=root)

    assert (outcomes(report), report.points, code) == (["right", "not started"], 3, 1)
    assert "projects.till, M1: right, 3 of 3 points" in report.text
    assert "TODO M2" in report.text


def test_a_finished_project_is_right_and_recorded(root, mine):
    finish(root, mine, milestone=2)

    report, code = check_file(ID, root=root)

    assert (outcomes(report), report.points, code) == (["right", "right"], 5, 0)
    assert recall("check", ID) == ["right"]
    assert recall("milestone", f"{ID} M2") == ["right"]
    assert not list(mine.rglob("__pycache__"))


def test_a_later_milestone_may_be_done_first(root, mine):
    finish(root, mine, milestone=2)
    edit(mine / "book.py", "coalesce(sum(cents), 0)", "sum(cents)")

    report, _ = check_file(ID, root=root)

    assert outcomes(report) == ["wrong", "right"]
    assert "Got: None" in report.text


def test_a_milestone_that_ends_its_process_costs_no_other(root, mine):
    finish(root, mine, milestone=2)
    edit(mine / "book.py", 'last = "', 'import os; os._exit(3); last = "')

    report, _ = check_file(ID, root=root)

    assert outcomes(report) == ["right", "crashed"]
    assert "projects.till, M2: ended without an answer" in report.text


def test_a_line_that_fails_in_any_module_is_named(root, mine):
    finish(root, mine, milestone=2)
    edit(mine / "book.py", 'last = "', '[][0]; last = "')

    report, _ = check_file(ID, root=root)

    assert "IndexError: list index out of range" in report.text
    line = (mine / "book.py").read_text().partition("[][0]")[0].count("\n") + 1
    assert f"line {line} of book.py: [][0]; last" in report.text


def test_a_package_that_cannot_be_imported_is_named(root, mine):
    (mine / "book.py").write_text("from .nowhere import x\n")

    report, _ = check_file(ID, root=root)

    assert outcomes(report) == ["crashed", "crashed"]
    assert report.text.startswith("projects.till: 0 of 2 milestones right, 0 of 5 points")
    assert "M1: your package does not run" in report.text
    assert "line 1 of book.py: from .nowhere import x" in report.text


def test_a_package_may_import_itself_by_its_name(root, mine):
    finish(root, mine, milestone=2)
    edit(mine / "__init__.py", "from .book", "from till.book")

    assert check_file(ID, root=root)[1] == 0


def test_a_folder_that_is_no_package_is_one_sentence(root, tmp_path):
    report, code = check_file(ID, tmp_path, root=root)

    assert report.text == f"{tmp_path.name} is no package; name the project's folder."
    assert code == 1


def test_a_notebook_checks_what_is_saved(root, mine):
    from course_lib.practice import check

    finish(root, mine, milestone=1)
    report = check(ID, root=root)

    assert outcomes(report) == ["right", "not started"]
    assert report._repr_html_().count("<output>") == 3


def test_hints_are_one_for_each_milestone_and_one_for_the_whole(root):
    cards = [hint(ID, root=root) for _ in range(3)]

    assert cards[0].headline == "projects.till: hint 1 of 3"
    assert [len(card.rows) for card in cards] == [1, 2, 3]


def test_the_solution_is_a_folder_to_look_at(root):
    assert SOURCE in solution(ID, show=True, root=root).text


def test_a_reset_keeps_the_learners_project_beside(root, mine):
    (mine / "book.py").write_text("mine")

    card = reset(ID, root=root)

    assert (root / f"{MINE}.1.mine" / "book.py").read_text() == "mine"
    assert "TODO M1" in (mine / "book.py").read_text()
    assert not (mine / "checks.py").exists()
    assert "till.1.mine" in card.text


def test_a_sound_project_is_proved(root):
    result = prove(ID, root=root, jobs=2)

    assert result.ok, str(result)
    assert (result.scenarios, result.also_right, result.mutants) == (4, 2, 3)


def problems(root):
    return prove(ID, root=root, seeds=2).problems


def test_a_milestone_that_needs_a_later_one_is_found(root):
    edit(root / SOURCE / "schema.sql", "SOLUTION M1", "SOLUTION M2")

    found = problems(root)

    assert found[0].startswith('With milestones up to M1 done, M1 must be "right"; it is "crashed"')


def test_a_later_milestone_that_comes_for_free_is_found(root):
    edit(root / SOURCE / "book.py", "SOLUTION M2", "SOLUTION M1")

    assert problems(root)[0].startswith(
        'With milestones up to M1 done, M2 must be "not started"; it is "right"'
    )


def test_a_starter_that_cannot_be_imported_is_found(root):
    edit(
        root / SOURCE / "book.py",
        "class NothingSold(Exception):\n",
        "### BEGIN SOLUTION M1: an error\nclass NothingSold(Exception):\n",
    )
    edit(
        root / SOURCE / "book.py",
        "such sale to take back.",
        'such sale to take back."""\n### END SOLUTION\n"""',
    )

    assert "In the starter, it stops when it is imported: ImportError" in problems(root)[0]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("max(number)", "most(number)", "changes text that book.py has 0 times; change once."),
        ("fails =", "breaks =", 'must have fails = "SCENARIO"'),
        ("Expected: 1", "Expected: 9", 'must be told "Expected: 9"; it is told'),
        ("takes the last", "begins with", 'must fail at "begins with sale of a name back"; it'),
        ("min(number)", "max(number) ", "is right in every scenario"),
        ("[[edit]]", "[edit", "cannot be read ("),
    ],
)
def test_a_mutant_of_a_project_that_breaks_its_promise_is_found(root, old, new, sentence):
    edit(root / PROOFS / "mutants/refunds_the_first.toml", old, new)

    (problem,) = problems(root)

    assert problem.startswith(f"mutants/refunds_the_first.toml {sentence}")


def test_a_right_answer_that_is_refused_is_found(root):
    edit(root / PROOFS / "also_right/list_of_sales.toml", "reversed(", "(")

    (problem,) = problems(root)

    assert problem.startswith("also_right/list_of_sales.toml must be right; with seed 1:")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            '    "One table; each method is one statement.",\n',
            "",
            "HINTS has 2 hints; write exactly 3",
        ),
        ("task=2)\ndef refunds", "task=3)\ndef refunds", "write exactly 4"),
        ("task=2)", "task=3)", "number them from 1"),
        (
            "task=2)\ndef refuses",
            'task=2, needs=("begins with nothing",))\ndef refuses',
            "another milestone",
        ),
    ],
)
def test_checks_that_do_not_fit_together_are_found(root, old, new, sentence):
    edit(root / STARTER / "checks.py", old, new)

    assert sentence in problems(root)[0]


def test_edits_must_fit_exactly_once():
    variant = Variant((Edit("a", "x", "y"),))

    assert variant.of({"a": "1x2"}) == {"a": "1y2"}
    with pytest.raises(BadExercise, match="has 2 times"):
        variant.of({"a": "xx"})


def test_only_what_stands_in_regions_is_changed():
    text = "a = 1\n### BEGIN SOLUTION M1: b\nb = 2\n### END SOLUTION\nc = 3"

    assert regions(text) == ["", "", "b = 2", "", ""]


def test_small_changes_of_the_reference_are_noticed(root):
    result = mutate(ID, root=root, jobs=2)

    assert result.ok, str(result)
    assert result.total == 7


def test_a_scenario_that_notices_nothing_lets_a_change_of_a_project_survive(root):
    edit(root / STARTER / "checks.py", '{"refused": True, "total": till.total()}', "True")
    edit(root / STARTER / "checks.py", '{"refused": False, "total": till.total()}', "True")

    assert mutate(ID, root=root).survivors == ("book.py: removed in `raise NothingSold(name)`",)
