"""Each stage of the shop keeps its promise, and a learner's copy is never touched."""

import shutil
import subprocess
import sys

import pytest

from course_lib import commands, shop_stages
from course_lib.index import ROOT

STAGES = sorted((ROOT / "shop" / "stages").glob("[0-9]*"))


@pytest.fixture
def root(tmp_path):
    """A course with two stages."""
    for name, title in (("01_errors", "Errors"), ("02_files", "Files")):
        stage = tmp_path / "shop" / "stages" / name
        (stage / "corner_shop" / "__pycache__").mkdir(parents=True)
        (stage / "README.md").write_text(f"# {title}: a promise\n\nMore words.\n")
        (stage / "corner_shop" / "orders.py").write_text("PRICE = 450\n")
        (stage / "corner_shop" / "__pycache__" / "orders.pyc").write_bytes(b"old")
    return tmp_path


def files(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_a_start_copies_the_stage_and_nothing_else(root):
    said = shop_stages.start("01", root=root)

    assert said == "The shop is in work/shop/01_errors; begin with its README.md."
    assert files(root / "work") == [
        "shop/01_errors/README.md",
        "shop/01_errors/corner_shop/orders.py",
    ]


def test_a_number_may_be_written_without_its_zero(root):
    shop_stages.start("2", root=root)

    assert (root / "work/shop/02_files/README.md").is_file()


def test_a_copy_that_is_there_is_not_touched(root):
    shop_stages.start("01", root=root)
    mine = root / "work/shop/01_errors/corner_shop/orders.py"
    mine.write_text("PRICE = 500\n")

    with pytest.raises(FileExistsError, match="is there already; rename it"):
        shop_stages.start("01", root=root)

    assert mine.read_text() == "PRICE = 500\n"


def test_an_empty_folder_or_a_broken_link_counts_as_a_copy(root):
    (root / "work/shop/01_errors").mkdir(parents=True)
    (root / "work/shop/02_files").symlink_to(root / "nowhere")

    for number in ("01", "02"):
        with pytest.raises(FileExistsError):
            shop_stages.start(number, root=root)

    assert not (root / "nowhere").exists()


def test_a_start_that_fails_half_way_leaves_nothing_and_says_why(root, monkeypatch):
    def full(source, target, **named):
        shutil.os.makedirs(target)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shop_stages.shutil, "copytree", full)

    with pytest.raises(OSError, match=r"01_errors cannot be written \(No space left") as caught:
        shop_stages.start("01", root=root)

    assert "\n" not in str(caught.value)
    assert list((root / "work/shop").iterdir()) == []


def test_a_file_in_the_way_is_one_sentence(root):
    (root / "work").write_text("")

    with pytest.raises(OSError, match="move what is in the way"):
        shop_stages.start("01", root=root)


def test_an_unknown_stage_names_those_that_are_there(root):
    with pytest.raises(ValueError, match='no stage "07"; it has 01, 02'):
        shop_stages.start("07", root=root)


def test_the_list_tells_what_is_started(root):
    shop_stages.start("02", root=root)

    assert shop_stages.listing(root).splitlines() == [
        "01  Errors: a promise (not started)",
        "02  Files: a promise (work/shop/02_files)",
    ]


def test_a_check_without_a_copy_says_how_to_get_one(root):
    with pytest.raises(ValueError, match=r"course\.py shop start 01"):
        shop_stages.check("01", root=root)


@pytest.mark.parametrize(("promise", "code"), [("True", 0), ("False", 1)])
def test_a_check_runs_the_tests_of_the_copy(root, capfd, promise, code):
    shop_stages.start("01", root=root)
    test = root / "work/shop/01_errors/test_acceptance.py"
    test.write_text(f"def test_promise():\n    assert {promise}\n")

    assert shop_stages.check("01", root=root) == code

    assert "1 passed" in capfd.readouterr().out or code


def test_the_command_line_lists_starts_and_complains(root, monkeypatch, capsys):
    for name in ("listing", "start"):
        fn = getattr(shop_stages, name)
        monkeypatch.setattr(shop_stages, name, lambda *words, fn=fn: fn(*words, root=root))

    codes = [commands.main(["shop", *words]) for words in ([], ["start", "1"], ["start", "1"])]

    said = capsys.readouterr()
    assert codes == [0, 0, 2]
    assert "01  Errors: a promise (not started)" in said.out
    assert (
        said.err == "work/shop/01_errors is there already; rename it if you want to begin again.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sell"], "argument action: invalid choice: 'sell'"),
        (["start"], "Say which stage, as in `python3 course.py shop start 01`."),
        (["start", "77"], 'The shop has no stage "77"; it has 01'),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(capsys, words, sentence):
    assert commands.main(["shop", *words]) == 2

    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_keeps_its_promise_where_learners_run_it(stage, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(stage, copy, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-P", "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), str(copy)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr
