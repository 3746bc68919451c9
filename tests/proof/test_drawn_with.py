from pathlib import Path

import pytest

from course_lib.proof import drawn_with, lessons
from course_lib.proof.gates import Gate
from course_lib.proof.lessons import LessonResult, lessons_still_show_what_they_say


def test_pictures_are_compared_to_the_byte_only_where_they_were_drawn(tmp_path: Path) -> None:
    file = tmp_path / "pictures.toml"

    assert not drawn_with.pictures_are_comparable(file)  # nobody has stored any

    drawn_with.record(file)
    assert drawn_with.pictures_are_comparable(file)

    file.write_text(file.read_text().replace("matplotlib 3", "matplotlib 2"))
    assert not drawn_with.pictures_are_comparable(file)


def test_the_record_names_each_library_that_draws() -> None:
    assert [one.split()[0] for one in drawn_with.drawn_with().split(", ")] == [
        "matplotlib",
        "numpy",
        "pillow",
        "contourpy",
    ]


@pytest.mark.parametrize(
    ("here", "unit"), [(True, "compared cells"), (False, "compared cells, pictures as text")]
)
def test_the_line_of_the_gate_says_whether_pictures_were_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: bool, unit: str
) -> None:
    monkeypatch.setattr(lessons, "pictures_are_comparable", lambda: here)
    monkeypatch.setattr(lessons, "run_lessons", lambda *_, **__: LessonResult(3, 2, ()))

    found: Gate = lessons_still_show_what_they_say(tmp_path)

    assert (found.covered, found.unit) == (2, unit)
