"""Cells get readable names, and keep them."""

from course_lib.proof.cell_ids import name_cells


def cell(source, id="", kind="code", **metadata):
    return {"id": id, "cell_type": kind, "source": source, "metadata": metadata}


def ids(*cells):
    name_cells(list(cells))
    return [one["id"] for one in cells]


def test_a_readable_id_stays():
    assert ids(cell("1 + 1", id="first-sum")) == ["first-sum"]


def test_the_id_of_a_percent_script_wins():
    scripted = cell("1 + 1", id="0a1b2c3d")
    scripted["metadata"]["id"] = "first-sum"

    assert ids(scripted) == ["first-sum"]


def test_a_random_id_becomes_the_heading_above_and_a_number():
    cells = [
        cell("## Stop asking!", id="0a1b2c3d", kind="markdown"),
        cell("1 + 1", id="1a2b3c4d"),
        cell("# no heading, a comment", id="2a3b4c5d"),
    ]

    assert ids(*cells) == ["stop-asking", "stop-asking-2", "stop-asking-3"]


def test_two_cells_never_share_an_id():
    assert ids(cell("1", id="sum"), cell("2", id="sum")) == ["sum", "sum-2"]


def test_naming_twice_changes_nothing():
    cells = [cell("## A", id="00aa11bb", kind="markdown"), cell("1", id="11bb22cc")]
    first = ids(*cells)

    assert ids(*cells) == first
