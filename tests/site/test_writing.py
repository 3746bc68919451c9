import pytest

from course_lib.site import SiteError
from course_lib.site.writing import write


def test_the_next_build_removes_only_what_the_last_one_wrote(tmp_path):
    out = tmp_path / "site"
    write({"index.html": "1", "old/page.html": "1"}, out)
    (out / "mine.txt").write_text("keep", encoding="utf-8")

    write({"index.html": "2"}, out)

    kept = sorted(p.name for p in out.rglob("*") if p.is_file())
    assert kept == ["files.txt", "index.html", "mine.txt"]
    assert (out / "index.html").read_text(encoding="utf-8") == "2"


@pytest.mark.parametrize("listed", [None, "shopping: tea\n", b"\xff\xfe"])
def test_a_folder_with_other_files_is_refused(tmp_path, listed):
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    if listed is not None:
        data = listed if isinstance(listed, bytes) else listed.encode()
        (tmp_path / "files.txt").write_bytes(data)

    with pytest.raises(SiteError, match=r"holds other files; name an empty or new folder"):
        write({"index.html": "ours"}, tmp_path)

    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "mine"


def test_a_list_that_points_outside_removes_nothing_there(tmp_path):
    out, outside = tmp_path / "site", tmp_path / "letter.txt"
    outside.write_text("keep", encoding="utf-8")
    write({"index.html": "1"}, out)
    with (out / "files.txt").open("a", encoding="utf-8") as listed:
        listed.write("../letter.txt\n")

    write({"index.html": "1"}, out)

    assert outside.exists()
