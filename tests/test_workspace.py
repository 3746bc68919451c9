"""work/ gets what is new, and never loses what a learner wrote."""

import json
import os

import pytest

from course_lib import workspace
from course_lib.workspace import refresh

LESSON = "notebooks/01_errors/5_breakers.ipynb"
EXERCISE = "exercises/01_errors/5_breaker/exercise.ipynb"


def notebook(*sources, outputs=(), metadata=None, count=None):
    """The text of a notebook; the first cell is code and shows `outputs`."""
    cells = [{"cell_type": "markdown", "id": f"m{n}", "source": s} for n, s in enumerate(sources)]
    code = {
        "cell_type": "code",
        "id": "c",
        "source": "1 + 1",
        "outputs": list(outputs),
        "execution_count": count,
    }
    return json.dumps({"cells": [code, *cells], "metadata": metadata or {}, "nbformat": 4})


RUN = {"outputs": [{"output_type": "stream", "name": "stdout", "text": "2"}], "count": 1}


@pytest.fixture
def root(tmp_path):
    """A course with one lesson and one exercise."""
    write(tmp_path / LESSON, notebook("lesson, version 1"))
    write(tmp_path / EXERCISE, notebook("exercise, version 1"))
    write(tmp_path / "exercises/01_errors/5_breaker/checks.py", "")
    write(tmp_path / "notebooks/01_errors/.ipynb_checkpoints/5.ipynb", notebook("old"))
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(work):
    return sorted(
        path.relative_to(work).as_posix()
        for path in work.rglob("*")
        if path.is_file() and ".course" not in path.parts
    )


def test_a_first_start_copies_lessons_and_exercises_and_nothing_else(root):
    changes = refresh(root)

    assert sorted(changes.added) == [EXERCISE, LESSON]
    assert files(root / "work") == [EXERCISE, LESSON]
    assert (root / "work" / LESSON).read_bytes() == (root / LESSON).read_bytes()
    assert str(changes) == ""


def test_a_second_start_changes_nothing(root):
    refresh(root)
    before = os.stat(root / "work" / LESSON).st_mtime_ns

    assert refresh(root) == workspace.Changes()
    assert os.stat(root / "work" / LESSON).st_mtime_ns == before


def test_an_unchanged_copy_is_brought_up_to_date(root):
    refresh(root)
    write(root / LESSON, notebook("lesson, version 2"))

    changes = refresh(root)

    assert changes.updated == [LESSON]
    assert "version 2" in (root / "work" / LESSON).read_text()


def test_an_edited_copy_is_kept_when_the_course_did_not_change(root):
    refresh(root)
    write(root / "work" / EXERCISE, notebook("my answer"))

    assert refresh(root) == workspace.Changes()
    assert "my answer" in (root / "work" / EXERCISE).read_text()


@pytest.mark.parametrize("name", [LESSON, EXERCISE])
def test_an_edited_copy_is_kept_and_the_new_version_put_beside(root, name):
    refresh(root)
    write(root / "work" / name, notebook("my answer"))
    write(root / name, notebook("version 2"))

    changes = refresh(root)

    beside = name.replace(".ipynb", ".new.ipynb")
    assert changes.beside == {name: beside}
    assert "my answer" in (root / "work" / name).read_text()
    assert "version 2" in (root / "work" / beside).read_text()
    assert str(changes) == (
        f"You changed {name}: it stays as it is, and the new version is {beside}."
    )


def test_a_new_version_is_put_beside_only_once(root):
    refresh(root)
    write(root / "work" / LESSON, notebook("my notes"))
    write(root / LESSON, notebook("version 2"))
    refresh(root)
    (root / "work" / LESSON.replace(".ipynb", ".new.ipynb")).unlink()

    assert refresh(root) == workspace.Changes()


def test_an_edited_new_file_is_never_overwritten(root):
    refresh(root)
    write(root / "work" / LESSON, notebook("my notes"))
    write(root / LESSON, notebook("version 2"))
    refresh(root)
    beside = LESSON.replace(".ipynb", ".new.ipynb")
    write(root / "work" / beside, notebook("my notes on version 2"))
    write(root / LESSON, notebook("version 3"))

    changes = refresh(root)

    second = LESSON.replace(".ipynb", ".new-2.ipynb")
    assert changes.beside == {LESSON: second}
    assert "my notes on version 2" in (root / "work" / beside).read_text()
    assert "version 3" in (root / "work" / second).read_text()


def test_an_unedited_new_file_gives_way_to_a_newer_one(root):
    refresh(root)
    write(root / "work" / LESSON, notebook("my notes"))
    for version in ("version 2", "version 3"):
        write(root / LESSON, notebook(version))
        refresh(root)

    beside = LESSON.replace(".ipynb", ".new.ipynb")
    assert files(root / "work") == [EXERCISE, LESSON, beside]
    assert "version 3" in (root / "work" / beside).read_text()


def test_a_learner_who_takes_the_change_back_gets_the_new_version(root):
    refresh(root)
    original = (root / "work" / LESSON).read_text()
    write(root / "work" / LESSON, notebook("my notes"))
    write(root / LESSON, notebook("version 2"))
    refresh(root)
    write(root / "work" / LESSON, original)

    assert refresh(root).updated == [LESSON]


def test_a_deleted_copy_comes_back(root):
    refresh(root)
    (root / "work" / LESSON).unlink()

    changes = refresh(root)

    assert changes.restored == [LESSON]
    assert (root / "work" / LESSON).exists()


# What counts as a change


def test_a_lesson_that_was_only_run_counts_as_unchanged(root):
    refresh(root)
    write(root / "work" / LESSON, notebook("lesson, version 1", **RUN, metadata={"a": 1}))
    assert refresh(root) == workspace.Changes()
    assert '"count": 1' not in (root / LESSON).read_text()

    write(root / LESSON, notebook("version 2"))

    assert refresh(root).updated == [LESSON]


def test_an_exercise_with_results_counts_as_changed(root):
    refresh(root)
    write(root / "work" / EXERCISE, notebook("exercise, version 1", **RUN))
    write(root / EXERCISE, notebook("version 2"))

    assert list(refresh(root).beside) == [EXERCISE]
    assert "stdout" in (root / "work" / EXERCISE).read_text()


def test_an_exercise_that_was_only_opened_and_saved_counts_as_unchanged(root):
    refresh(root)
    write(root / "work" / EXERCISE, notebook("exercise, version 1", metadata={"saved": "yes"}))
    write(root / EXERCISE, notebook("version 2"))

    assert refresh(root).updated == [EXERCISE]


def test_a_source_stored_as_lines_is_the_same_text(root):
    refresh(root)
    content = json.loads((root / LESSON).read_text())
    content["cells"][1]["source"] = ["lesson, ", "version 1"]
    write(root / "work" / LESSON, json.dumps(content))
    write(root / LESSON, notebook("version 2"))

    assert refresh(root).updated == [LESSON]


def test_newer_stored_outputs_reach_an_unchanged_lesson(root):
    refresh(root)
    write(root / LESSON, notebook("lesson, version 1", **RUN))

    assert refresh(root).updated == [LESSON]
    assert "stdout" in (root / "work" / LESSON).read_text()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', '{"cells": [{}]}'])
def test_a_copy_that_is_no_notebook_any_more_is_kept(root, content):
    refresh(root)
    write(root / "work" / LESSON, content)
    write(root / LESSON, notebook("version 2"))

    assert list(refresh(root).beside) == [LESSON]
    assert (root / "work" / LESSON).read_text() == content


# What goes wrong


@pytest.mark.parametrize("notes", ["", "{", "[]", '{"copies": {"a": {}}}', '{"copies": 1}'])
def test_damaged_notes_never_cost_the_learner_anything(root, notes):
    refresh(root)
    write(root / "work" / EXERCISE, notebook("my answer"))
    write(root / "work/.course/delivered.json", notes)

    changes = refresh(root)

    assert "my answer" in (root / "work" / EXERCISE).read_text()
    assert list(changes.beside) == [EXERCISE]
    assert changes.updated == []


def test_a_refresh_cut_off_before_its_notes_were_written_is_repeated_safely(root, monkeypatch):
    refresh(root)
    write(root / LESSON, notebook("version 2"))
    write(root / "work" / EXERCISE, notebook("my answer"))
    write(root / EXERCISE, notebook("version 2"))
    notes = (root / "work/.course/delivered.json").read_text()
    refresh(root)
    write(root / "work/.course/delivered.json", notes)

    refresh(root)

    assert files(root / "work") == [EXERCISE, EXERCISE.replace(".ipynb", ".new.ipynb"), LESSON]
    assert "my answer" in (root / "work" / EXERCISE).read_text()
    assert refresh(root) == workspace.Changes()


def test_a_write_that_fails_leaves_the_old_copy_whole(root, monkeypatch):
    refresh(root)
    before = (root / "work" / LESSON).read_text()
    write(root / LESSON, notebook("version 2"))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workspace.os, "fsync", full)

    with pytest.raises(OSError, match="free some disk space"):
        refresh(root)

    assert (root / "work" / LESSON).read_text() == before
    assert [p.name for p in (root / "work/.course").iterdir()] == ["delivered.json"]


def test_a_copy_is_exchanged_whole_and_never_written_in_place(root, monkeypatch):
    refresh(root)
    before = (root / "work" / LESSON).read_text()
    write(root / LESSON, notebook("version 2"))

    def refuse(source, target):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(workspace.os, "replace", refuse)

    with pytest.raises(OSError, match="make it writable"):
        refresh(root)

    assert (root / "work" / LESSON).read_text() == before


def test_a_notebook_the_course_dropped_is_kept_and_named_once(root):
    refresh(root)
    (root / LESSON).unlink()

    assert refresh(root).retired == [LESSON]
    assert (root / "work" / LESSON).exists()
    assert refresh(root) == workspace.Changes()


def test_a_work_that_is_a_file_is_one_sentence(root):
    write(root / "work", "a letter")

    with pytest.raises(
        OSError, match=r"work.* cannot be used .*; move what is in the way"
    ) as caught:
        refresh(root)

    assert "\n" not in str(caught.value)
    assert (root / "work").read_text() == "a letter"


def test_a_folder_where_a_notebook_belongs_is_one_sentence(root):
    (root / "work" / LESSON).mkdir(parents=True)

    with pytest.raises(OSError, match="move what is in the way"):
        refresh(root)


@pytest.mark.parametrize("link", ["notebooks", LESSON, ".course"])
def test_a_symbolic_link_inside_work_is_refused_and_its_target_untouched(root, tmp_path, link):
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "work" / link).parent.mkdir(parents=True, exist_ok=True)
    (root / "work" / link).symlink_to(outside)

    with pytest.raises(OSError, match="is a symbolic link"):
        refresh(root)

    assert list(outside.iterdir()) == []


def test_work_itself_may_be_a_symbolic_link(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "work").symlink_to(tmp_path / "elsewhere")

    refresh(root)

    assert files(tmp_path / "elsewhere") == [EXERCISE, LESSON]


def test_a_read_only_copy_is_brought_up_to_date_too(root):
    refresh(root)
    (root / "work" / LESSON).chmod(0o444)
    write(root / LESSON, notebook("version 2"))

    assert refresh(root).updated == [LESSON]
