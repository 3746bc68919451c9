"""Files that are made to stop or to break the grader while it looks for the answer in them."""

import io
import json
import os
import subprocess
import tracemalloc
import zipfile

import pytest

from course_lib.grading import handed_in as handed_in_module
from course_lib.grading import notebook_cells
from course_lib.grading.choosing import Undecided, choose
from course_lib.grading.handed_in import File, HandedIn
from course_lib.grading.journal import key_of
from course_lib.index import load
from course_lib.practice.forked import in_forks
from course_lib.practice.learner import Unreadable

from .conftest import ANSWER, ID


def notebook(**cell):
    cell = {"cell_type": "code", "metadata": {}, "source": ANSWER} | cell
    return json.dumps({"cells": [cell], "nbformat": 4}).encode()


MANY = 200_000

SCRIPTS = {
    "an empty line, again and again": b"\n" * MANY + b"x = 1",
    "a space, again and again": b" " * MANY + b"x = 1",
    "lines that begin a definition": b"async def\n" * MANY,
    "tags that never end": b"# %% " + b"tags=[" * MANY + b"\n" + ANSWER.encode(),
    "tags within tags": b"# %% tags=" + b"[" * MANY + b"]\n" + ANSWER.encode(),
    "tags that are no texts": b"# %% tags=[x, {}]\n" + ANSWER.encode(),
    "tags that no journal can hold": b'# %% tags=[b"solution", 1j]\n' + ANSWER.encode(),
    "tags that are no literal": b"# %% tags=[{{}}]\n" + ANSWER.encode(),
    "ids that never end": b"# %% " + b' id="' * MANY + b"\n" + ANSWER.encode(),
    "calls that never end": b"check(\n" * MANY,
    "calls of exercises that nobody knows": b"".join(b"check('%d')\n" % n for n in range(MANY)),
    "quotes and backslashes": b"x = '" + b"\\'\"" * MANY + b"check('" + b"'" * MANY,
    "an encoding that takes hours": b"# coding: punycode\n# \xff\n"
    + b"a" * MANY
    + b"-"
    + b"b" * MANY,
    "an encoding that refuses all": b"# coding: undefined\n# \xff\n" + ANSWER.encode(),
    "an encoding that runs escapes": b"# coding: unicode_escape\n# \xff\\N{\n" + ANSWER.encode(),
    "bytes of all kinds": bytes(range(256)) * 100,
}
NOTEBOOKS = {
    "brackets without end": b"[" * MANY,
    "a number of 50,000 digits": b'{"cells": [], "x": ' + b"9" * 50_000 + b"}",
    "no object": b'"cells"',
    "cells that are a number": b'{"cells": 5}',
    "metadata of another kind": notebook(metadata=[1]),
    "nbgrader of another kind": notebook(metadata={"nbgrader": "x", "tags": 5}),
    "an id that is an object": notebook(id={"x": [1]}),
    "source that is an object": notebook(source={"x": 1}),
    "half of a surrogate pair": notebook(source=f"x = '\ud800'\n{ANSWER}"),
    "two million cells": b'{"cells": [' + b"{}," * 2_000_000 + b"{}]}",
}
FILES = {name: File("answer.py", data) for name, data in SCRIPTS.items()}
FILES |= {name: File("answer.ipynb", data) for name, data in NOTEBOOKS.items()}


@pytest.mark.parametrize("exercise", ["", ID], ids=["any exercise", "this exercise"])
@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_it_is_chosen_or_has_a_sentence(file, exercise, root):
    index = load((root / "course.toml").read_text(encoding="utf-8"))

    def chosen():
        try:
            handed_in = HandedIn("ana", (file,))
            found = choose(handed_in, index, root, exercise=exercise, names=("Counter",))
        except Undecided as error:
            return str(error)
        key_of(found.cells, assignment="", seed="")
        return found.exercise

    [found] = in_forks([chosen], seconds=20)

    assert found == ID or found.endswith((".", "--exercise."))


@pytest.mark.parametrize("mark", ["# In[1]:\n", "# In [ ]\n", "# %%\n", "@app.cell\n"])
def test_a_script_of_too_many_cells_is_refused_before_it_is_parted(mark, monkeypatch):
    monkeypatch.setattr(notebook_cells, "_script", lambda text: pytest.fail("it was parted"))

    with pytest.raises(Unreadable, match=r"a\.py has 2,001 cells, more than 2,000; shorten it"):
        notebook_cells.read_handed_in("a.py", mark.encode() * 2_001)


def test_a_zip_within_a_zip_is_not_unzipped(tmp_path, monkeypatch):
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("more.py", "x = 1")
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("answer.py", ANSWER)
        archive.writestr("inner.zip", inner.getvalue())
    (tmp_path / "ana.zip").write_bytes(outer.getvalue())
    unzipped = []
    real = handed_in_module._extracted

    def extracted(archive, info):
        unzipped.append(info.filename)
        return real(archive, info)

    monkeypatch.setattr(handed_in_module, "_extracted", extracted)

    with handed_in_module.handed_in(tmp_path) as [submission]:
        found = submission.read()

    assert [file.path for file in found.files] == unzipped == ["answer.py"]


def zipped(*names, **options):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", **options) as archive:
        for name in names:
            archive.writestr(name, ANSWER)
    return data.getvalue()


def files_of(place):
    """The paths found, or the sentence why there are none."""
    with handed_in_module.handed_in(place) as [submission]:
        found = submission.read()
    return found.problem or [file.path for file in found.files]


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_a_zip_with_any_wrong_byte_is_read_or_has_a_sentence(method, tmp_path):
    whole = zipped("answer.py", "é.py", compression=method)
    places = range(0, len(whole), 3 if method == zipfile.ZIP_STORED else 1)
    path = tmp_path / "ana.zip"
    for place in places:
        for byte in (0, 255):
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])

            assert files_of(tmp_path)


GROWN = {
    zipfile.ZIP_DEFLATED: "answer.py has more than 16 MiB when unzipped.",
    zipfile.ZIP_BZIP2: "answer.py is packed with bzip2; make an ordinary zip.",
    zipfile.ZIP_LZMA: "answer.py has more than 16 MiB when unzipped.",
}


@pytest.mark.parametrize("method", GROWN)
def test_a_small_zip_that_grows_does_not_fill_the_memory(method, tmp_path):
    with zipfile.ZipFile(tmp_path / "ana.zip", "w", method) as archive:
        archive.writestr("answer.py", bytes(2**28))

    tracemalloc.start()
    try:
        found = files_of(tmp_path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found == GROWN[method]
    assert most < 2**27


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_of_any_kind_is_read(method, tmp_path):
    (tmp_path / "ana.zip").write_bytes(zipped("answer.py", "b/a.py", compression=method))

    with handed_in_module.handed_in(tmp_path) as [submission]:
        found = submission.read()

    assert [file.data.decode() for file in found.files] == [ANSWER, ANSWER]


@pytest.mark.parametrize("name", [".", "\0.py", "../..", "/", "a/" * 30_000 + "x.py"])
def test_a_name_in_a_zip_that_leads_nowhere_is_left_out(name, tmp_path):
    data = zipped("Q" * len(name), "answer.py").replace(b"Q" * len(name), name.encode())
    (tmp_path / "ana.zip").write_bytes(data)

    assert files_of(tmp_path) == ["answer.py"]


def test_folders_without_end_are_not_followed(tmp_path):
    (tmp_path / "ana").mkdir()
    (tmp_path / "ana/answer.py").write_text(ANSWER, encoding="utf-8")
    above = os.open(tmp_path / "ana", os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("a", dir_fd=above)
        below = os.open("a", os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(above)

    try:
        assert files_of(tmp_path) == ["answer.py"]
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "ana"], check=True)  # pytest stops half-way
