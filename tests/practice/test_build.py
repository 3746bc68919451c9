"""Exercise notebooks are made from their source, the same bytes every time."""

import json

import nbformat
import pytest

from course_lib.index import UnknownId
from course_lib.practice.build import build, build_exercise
from course_lib.practice.source import BadExercise, read_cells

ID = "01.1-counter"
SOURCE = "solutions/01_shop/1_counter.py"
NOTEBOOK = "exercises/01_shop/1_counter/exercise.ipynb"


@pytest.fixture
def notebook(root):
    return json.loads(build_exercise(ID, root=root))


def cell(notebook, id):
    return next(cell for cell in notebook["cells"] if cell["id"] == id)


def test_the_solution_is_gone_and_the_stub_names_its_task(notebook):
    source = "".join(cell(notebook, "counter")["source"])

    assert "        # TODO: task 1: refuse more than there are\n" in source
    assert source.count("raise NotImplementedError") == 2
    assert "SOLUTION" not in source
    assert "self.chairs -= n" not in source
    assert "Take `n` chairs and return how many are left." in source


def test_every_cell_keeps_its_authors_id(notebook):
    ids = [cell["id"] for cell in notebook["cells"]]

    assert ids == ["title", "setup", "task-1", "counter", "check", "playground"]


def test_nbgrader_knows_the_cells(notebook):
    solution = cell(notebook, "counter")["metadata"]
    check = cell(notebook, "check")["metadata"]

    assert solution["nbgrader"] | {"checksum": ""} == {
        "cell_type": "code",
        "checksum": "",
        "grade": False,
        "grade_id": "counter",
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    assert solution["deletable"] is False
    assert check["nbgrader"]["locked"] is True
    assert check["editable"] is False
    assert "nbgrader" not in cell(notebook, "playground")["metadata"]


def test_the_checksums_are_nbgraders_own(root):
    from nbgrader.utils import compute_checksum

    notebook = nbformat.reads(build_exercise(ID, root=root), as_version=4)

    for found in notebook.cells:
        if "nbgrader" in found.metadata:
            assert found.metadata.nbgrader.checksum == compute_checksum(found)


def test_the_notebook_is_valid_without_outputs_and_versions(root, notebook):
    nbformat.validate(nbformat.reads(build_exercise(ID, root=root), as_version=4))

    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for found in notebook["cells"]:
        assert found.get("outputs", []) == []
        assert found.get("execution_count") is None


def test_twice_the_same_bytes(root):
    text = build_exercise(ID, root=root)

    assert text == build_exercise(ID, root=root)
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")


def test_build_writes_what_differs_and_then_nothing(root):
    (root / NOTEBOOK).unlink(missing_ok=True)

    assert build(root=root) == [NOTEBOOK]
    assert build(root=root) == []
    assert b"\r" not in (root / NOTEBOOK).read_bytes()


@pytest.mark.parametrize("content", [b"{}", b"\xff", None])
def test_build_check_names_a_stale_notebook_and_leaves_it_alone(root, content):
    path = root / NOTEBOOK
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)

    assert build([ID], check=True, root=root) == [NOTEBOOK]
    assert (path.read_bytes() if path.exists() else None) == content


def test_a_changed_source_makes_the_notebook_stale(root):
    build(root=root)
    edit(root, "How many chairs are left.", "How many chairs there are.")

    assert build(check=True, root=root) == [NOTEBOOK]


def test_an_unknown_id_is_refused(root):
    with pytest.raises(UnknownId):
        build(["01.9-table"], root=root)


def edit(root, old, new):
    path = root / SOURCE
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('# %% [markdown] id="task-1"', "# %% [markdown]", "cell 3 has no id"),
        ("# %% [markdown] id", "a line\n# %% [markdown] id", "cell 1 has no id"),
        ('id="playground"', 'id="check"', '2 cells have the id "check"'),
        ('id="playground" tags=["play"]', 'id="playground"', "needs one tag of setup"),
        ('tags=["play"]', 'tags=["play", "setup"]', "needs one tag of setup"),
        ('tags=["solution"]', 'tags=["setup"]', "holds a solution"),
        ('tags=["play"]', 'tags=["solution"]', "is a solution without a"),
        ('check("01.1-counter")', 'check("01.1-table")', "does not call check"),
        ("        ### END SOLUTION\n\n\n# %%", "\n# %%", "no end solution"),
    ],
)
def test_a_source_that_cannot_be_built_is_one_sentence(root, old, new, sentence):
    edit(root, old, new)

    with pytest.raises(BadExercise, match=sentence) as caught:
        build_exercise(ID, root=root)

    assert "\n" not in str(caught.value)


def test_a_todo_that_the_author_wrote_is_kept_alone(root):
    edit(root, "### BEGIN SOLUTION task 2: add them", "# TODO: task 2\n        ### BEGIN SOLUTION")

    source = "".join(cell(json.loads(build_exercise(ID, root=root)), "counter")["source"])

    assert "# TODO: task 2\n        raise NotImplementedError" in source
    assert source.count("# TODO") == 2


def test_jupytext_and_our_reader_see_the_same_cells(root, notebook):
    cells = read_cells((root / SOURCE).read_text(encoding="utf-8"))

    assert [(c.id, c.markdown) for c in cells] == [
        (c["id"], c["cell_type"] == "markdown") for c in notebook["cells"]
    ]
    assert [list(c.tags) for c in cells] == [
        c["metadata"].get("tags", []) for c in notebook["cells"]
    ]
    for ours, theirs in zip(cells, notebook["cells"], strict=True):
        if not ours.markdown and "SOLUTION" not in ours.text:
            assert ours.text.strip() == "".join(theirs["source"]).strip()
