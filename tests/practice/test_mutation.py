"""Small changes to the reference that the scenarios must notice."""

import multiprocessing

import pytest

from course_lib.practice import mutation
from course_lib.practice.mutation import mutate, mutations
from course_lib.practice.opened import Opened

ID = "01.1-counter"
pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="needs fork"
)


def source(*lines):
    return "\n".join(['# %% id="a" tags=["solution"]', *lines])


def names(*lines):
    return [found.name.partition(" in ")[0] for found in mutations(source(*lines))]


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x < y", ["Lt -> LtE", "removed"]),
        ("a == b != c", ["Eq -> NotEq", "NotEq -> Eq", "removed"]),
        ("x = 3", ["3 -> 4", "removed"]),
        ("x = True", ["True -> False", "removed"]),
        ("x = a and b", ["And -> Or", "removed"]),
        ("x += y", ["Add -> Sub", "removed"]),
        ("if a: raise b", ["condition negated", "removed"]),
        ("if a is b: raise b", ["Is -> IsNot", "removed"]),
        ("del a[b]", ["removed"]),
        ("x: Literal[3]", []),
        ('"""Only text."""', []),
        ("x: str = f'{a + 1}'", []),
        ("def __repr__(self): return 1", []),
    ],
)
def test_what_is_changed_in_one_line(code, expected):
    assert sorted(names(code)) == sorted(expected)


def test_only_solution_cells_are_changed():
    text = (
        '# %% id="s" tags=["setup"]\nx = 1\n'
        + source("y = 2")
        + '\n# %% id="p" tags=["play"]\nz = 3'
    )

    assert [found.line for found in mutations(text)] == [4, 4]


def test_names_do_not_depend_on_lines_above_or_comments():
    before = [found.name for found in mutations(source("x = 1"))]
    after = [found.name for found in mutations(source("", "", "x = 1  # one"))]

    assert before == after == ["removed in `x = 1`", "1 -> 2 in `x = 1`"]


def test_the_same_line_twice_has_two_names():
    found = [m.name for m in mutations(source("x += y", "x += y")) if "Add" in m.name]

    assert found == ["Add -> Sub in `x += y`", "Add -> Sub in `x += y`, time 2"]


def test_the_scenarios_catch_every_mutation_that_is_not_listed(root):
    result = mutate(ID, root=root)

    assert result.ok, str(result)
    assert (result.caught, result.total, len(result.listed)) == (9, 10, 1)


def test_a_survivor_that_is_not_listed_fails(root, proofs):
    (proofs / "survivors.toml").unlink()

    result = mutate(ID, root=root)

    assert not result.ok
    assert result.survivors == ("10 -> 11 in `chairs: int = 10`",)


def test_a_hole_in_the_scenarios_shows(root):
    edit(root / "exercises/01_shop/1_counter/checks.py", '"then": counter.take(3)', '"then": 0')

    assert "Gt -> GtE in `if n > self.chairs:`" in mutate(ID, root=root).survivors


def test_too_many_survivors_fail_even_if_all_are_listed(root, proofs):
    edit(root / "exercises/01_shop/1_counter/checks.py", '"then": counter.take(3)', '"then": 0')
    with (proofs / "survivors.toml").open("a", encoding="utf-8") as file:
        file.write(
            "\n[[survivor]]\nmutation = 'Gt -> GtE in `if n > self.chairs:`'\nreason = 'None.'\n"
        )

    result = mutate(ID, root=root)

    assert result.survivors == ()
    assert not result.ok


def test_a_listed_mutation_that_is_caught_is_stale(root, proofs):
    with (proofs / "survivors.toml").open("a", encoding="utf-8") as file:
        file.write("\n[[survivor]]\nmutation = 'gone'\nreason = 'It was here.'\n")

    result = mutate(ID, root=root)

    assert result.stale == ("gone",)
    assert not result.ok


@pytest.mark.parametrize("text", ["[[survivor", "[[survivor]]\nmutation='x'", "survivor = [1]"])
def test_a_list_of_survivors_that_cannot_be_read_is_refused(root, proofs, text):
    (proofs / "survivors.toml").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"survivors\.toml"):
        mutate(ID, root=root)


def test_a_survivor_needs_a_reason(root, proofs):
    edit(proofs / "survivors.toml", "The text leaves", " ")
    edit(proofs / "survivors.toml", "  the number of chairs in a new counter free.", " ")

    with pytest.raises(ValueError, match="has no reason"):
        mutate(ID, root=root)


def test_a_mutation_that_hangs_counts_as_caught(root, monkeypatch):
    monkeypatch.setattr(mutation, "LIMIT", 0.3)
    monkeypatch.setattr(mutation, "_survives", lambda *_: multiprocessing.Event().wait())
    edit(root / "solutions/01_shop/1_counter.py", "chairs: int = 10", "chairs: int")

    assert mutate(ID, root=root).caught == 9


def test_the_reference_is_timed_anew_when_a_proof_has_told_it(root, monkeypatch):
    told, tell = [], Opened._tell_reference
    monkeypatch.setattr(
        Opened, "_tell_reference", lambda *given: told.append(given[1].meaning) or tell(*given)
    )
    mutate(ID, root=root)
    first = told.copy()

    mutate(ID, root=root)

    assert first
    assert told == first * 2
