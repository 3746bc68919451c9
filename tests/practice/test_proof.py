"""The proof passes on a sound exercise and names every kind of hole."""

import pytest

from course_lib.practice.build import build
from course_lib.practice.proof import prove

ID = "01.1-counter"


def problems(root, seeds=3):
    return prove(ID, root=root, seeds=seeds).problems


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_sound_exercise_is_proved_and_says_what_was_covered(root):
    result = prove(ID, root=root)

    assert result.ok, str(result)
    assert str(result) == (
        "01.1-counter: proved (3 scenarios, 20 seeds, 2 other right answers, 3 mutants)"
    )


def test_a_starter_that_is_called_wrong_is_found(root):
    checks = root / "exercises/01_shop/1_counter/checks.py"
    edit(
        checks,
        "    return counter.take(rng.randint(1, 9))",
        "    try:\n        return counter.take(1)\n    except Exception:\n        return 0",
    )

    assert problems(root)[0].startswith('The starter must be "not started"; it is "wrong": ')


def test_a_starter_that_stops_when_run_is_found(root):
    source = root / "solutions/01_shop/1_counter.py"
    edit(
        source,
        "    chairs: int = 10\n",
        "    ### BEGIN SOLUTION\n    chairs: int = 10\n    ### END SOLUTION\n",
    )
    build(root=root)

    assert problems(root)[0].startswith("The starter stops when it is run: NotImplementedError")


def test_an_other_right_answer_that_is_refused_is_found(root, proofs):
    edit(proofs / "also_right/plain_class.py", "return left", "return float(left)")

    (problem,) = problems(root)

    assert problem.startswith("also_right/plain_class.py must be right; with seed 1:")


def test_another_seed_can_find_what_the_public_one_does_not(root, proofs):
    edit(proofs / "also_right/plain_class.py", "return left", "return left if n != 1 else 0")

    (problem,) = problems(root, seeds=60)

    assert "also_right/plain_class.py must be right; with seed" in problem
    assert "with seed 1:" not in problem


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('# fails "refills"', '# fails "takes chairs"', 'must fail at "takes chairs"; it fails at'),
        ('"Got: 5"', '"Got: 7"', 'must be told "Got: 7"; it is told'),
        ("# fails", "# breaks", "must begin with: # fails"),
        ("self.chairs = n", "self.chairs += n", "is right in every scenario"),
        ("class TooFew", "import nothing_like_it\nclass TooFew", "stops when it is run: ModuleNot"),
        ("self.chairs = n", "while True: pass", 'must be told "Got: 5"; it is told'),
    ],
)
def test_a_mutant_that_breaks_its_promise_is_found(root, proofs, old, new, sentence):
    edit(
        root / "exercises/01_shop/1_counter/checks.py",
        '"refills", task=2',
        '"refills", task=2, limit=0.2',
    )
    edit(proofs / "mutants/refill_sets.py", old, new)

    (problem,) = problems(root)

    assert problem.startswith(f"mutants/refill_sets.py {sentence}")


def test_a_mutant_that_only_fails_with_the_public_seed_is_found(root, proofs):
    mutant = proofs / "mutants/refill_sets.py"
    edit(mutant, "self.chairs = n", "self.chairs += n")
    edit(mutant, "return self.chairs\n\n", "return self.chairs if n != 4 else 0\n\n")
    edit(mutant, '"refills" with "Got: 5"', '"takes chairs" with "Got: 0"')

    (problem,) = problems(root)

    assert "mutants/refill_sets.py is right with seed " in problem


def test_a_mutant_that_ends_its_process_is_named_and_the_rest_is_proved(root, proofs):
    mutant = proofs / "mutants/refill_sets.py"
    edit(mutant, "self.chairs = n", "import os; os._exit(3)")
    edit(proofs / "also_right/plain_class.py", "return left", "return float(left)")

    first, second = problems(root)

    assert first.startswith("also_right/plain_class.py must be right; with seed 1:")
    assert second == "mutants/refill_sets.py: the process that judged it ended with exit code 3."


def test_a_right_answer_that_ends_its_process_is_found(root, proofs):
    edit(proofs / "also_right/plain_class.py", "return left", "import os; os._exit(3)")

    assert problems(root) == (
        "The process that judged right answers from seed 1 ended with exit code 3.",
        "The process that judged right answers from seed 3 ended with exit code 3.",
    )


def test_the_same_is_found_with_several_jobs(root, proofs):
    edit(proofs / "also_right/plain_class.py", "return left", "return left if n != 1 else 0")
    edit(proofs / "mutants/refill_sets.py", '"Got: 5"', '"Got: 7"')
    edit(proofs / "mutants/off_by_one.py", "# fails", "# breaks")

    alone = prove(ID, root=root, seeds=20, jobs=1)

    assert len(alone.problems) == 3
    assert prove(ID, root=root, seeds=20, jobs=3) == alone


def test_a_notebook_that_is_missing_is_found(root):
    (root / "exercises/01_shop/1_counter/exercise.ipynb").unlink()

    (problem,) = problems(root)

    assert problem.endswith("exercise.ipynb cannot be read; run `python3 course.py build`.")


def test_too_few_answers_and_mutants_are_found(root, proofs):
    (proofs / "also_right/plain_class.py").unlink()
    (proofs / "mutants/refill_sets.py").unlink()

    assert problems(root) == (
        "There are 1 files in also_right; write at least 2.",
        "There are 2 files in mutants; write at least 3.",
    )


def test_a_hint_that_gives_a_line_of_the_solution_away_is_found(root):
    checks = root / "exercises/01_shop/1_counter/checks.py"
    edit(checks, "Look before you take", "Write self.chairs -= n")

    assert problems(root) == ("Hint 2 contains a line of the solution: self.chairs -= n",)


def test_a_hint_that_is_not_written_is_found(root):
    edit(root / "exercises/01_shop/1_counter/checks.py", "Look before you take", "TODO")

    assert problems(root) == ("Hint 2 is still a TODO; write it.",)


def test_an_exercise_that_cannot_be_opened_is_one_problem(root):
    (root / "exercises/01_shop/1_counter/checks.py").unlink()

    (problem,) = problems(root)

    assert problem.endswith("checks.py cannot be read: No such file or directory.")


EDITS = """\
fails = "refills"
with = "Got: 5"

[[edit]]
file = "1_counter.py"
old = "self.chairs += n"
new = "self.chairs = n"
"""


def as_edits(proofs, text):
    (proofs / "mutants/refill_sets.py").unlink()
    (proofs / "mutants/refill_sets.toml").write_text(text, encoding="utf-8")


def test_a_wrong_answer_may_be_edits_of_the_reference(root, proofs):
    as_edits(proofs, EDITS)

    result = prove(ID, root=root, seeds=3)

    assert result.ok, str(result)
    assert result.mutants == 3


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("self.chairs += n", "self.seats += n", "changes text that 1_counter.py has 0 times"),
        ('new = "self.chairs = n"', 'new = "self.chairs += n"', "is right in every scenario"),
        ("Got: 5", "Got: 7", 'must be told "Got: 7"'),
        ("fails", "breaks", 'must have fails = "SCENARIO"'),
        ("[[edit]]", "[[edit", "cannot be read"),
    ],
)
def test_edits_that_do_not_fit_are_told(root, proofs, old, new, sentence):
    as_edits(proofs, EDITS.replace(old, new))

    [problem] = problems(root)

    assert problem.startswith(f"mutants/refill_sets.toml {sentence}")
