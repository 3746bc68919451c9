"""A whole class: every row filled, every gradebook readable, nothing lost in a crash."""

import csv
import html.parser
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from course_lib.grading import command, gradebooks, grading_a_class
from course_lib.grading.marking import Marked
from course_lib.grading.rows import GradedRow, Learner
from course_lib.index import ROOT
from course_lib.practice.feedback import Report, Row

from .attack_corpus import ATTACKS
from .conftest import ANSWER, ID

WRONG = ANSWER.replace("n > self.chairs", "n >= self.chairs")
HANGS = ANSWER.replace("self.chairs += n", "while True: pass")
DIES = ANSWER.replace("self.chairs += n", "import os; os._exit(0)")

pytestmark = pytest.mark.usefixtures("namespaces")


@pytest.fixture(scope="module")
def namespaces(warm):
    """Skips where a machine allows none."""


def handed_in_by_seven(place):
    place.mkdir()
    for name, text in {
        "ana.py": ANSWER,
        "bo.py": WRONG,
        "cem.py": HANGS,
        "dia.py": DIES,
        "eli.ipynb": "{ no notebook",
        "fay.pdf": "%PDF",
        "=gus().py": "x = (",
    }.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


@pytest.fixture
def place(tmp_path):
    return handed_in_by_seven(tmp_path / "class")


@pytest.fixture(scope="module")
def out(root, warm, tmp_path_factory):
    """The marks of these seven, to look at; two made the same mistake."""
    place = handed_in_by_seven(tmp_path_factory.mktemp("graded") / "class")
    (place / "bo2.py").write_text(WRONG + "\n# mine\n", encoding="utf-8")
    code, out = grade(root, place)
    assert code == 0
    return out


@pytest.fixture
def seed(tmp_path):
    path = tmp_path / "seed"
    path.write_text("0123456789abcdef0123", encoding="utf-8")
    return path


def grade(root, place, *more, **settings):
    words = [str(place), "--exercise", ID, "--jobs", "2", *map(str, more)]
    code = command.main(words, root=root, **settings)
    return code, place.with_name(place.name + "-marks")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def contents(out):
    return {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_every_row_has_a_mark_or_a_sentence_why_not(root, place, capsys):
    code, out = grade(root, place)

    rows = {row[0]: (row[3], row[4], row[5]) for row in rows_of(out / "marks.csv")[1:]}
    assert code == 0
    assert rows == {
        "ana": ("4", "4", "01.1-counter: right, 4 of 4 points"),
        "bo": ("3", "4", "01.1-counter: crashed, task 1"),
        "cem": ("3", "4", "01.1-counter: ran too long, task 2"),
        "dia": ("3", "4", "01.1-counter: crashed, task 2"),
        "eli": (
            "",
            "",
            "eli.ipynb is not a whole notebook; save it as .ipynb, or hand in a .py file.",
        ),
        "fay.pdf": ("", "", ".pdf is no notebook and no .py file; hand in the notebook itself."),
        "'=gus()": ("0", "4", "01.1-counter: Python cannot read your file"),
    }
    assert "5 of 7 have a mark" in capsys.readouterr().out


def test_names_of_files_reach_no_spreadsheet_as_formulas_and_no_terminal_as_commands(
    root, tmp_path, capsys
):
    place = tmp_path / "class"
    place.mkdir()
    names = ("ana;=1+1", 'bo; "=1+1', "＝1", " =2", "\x1b]0;new title\x07")
    for name in (*names, "x\nbo: right", "\u202eright"):
        (place / f"{name}.pdf").write_text("", encoding="utf-8")

    _, out = grade(root, place)

    names = sorted(row[0].removesuffix(".pdf") for row in rows_of(out / "marks.csv")[1:])
    expected = ["ana;'=1+1", "bo;' \"=1+1", "'＝1", "' =2", "]0;new title", "xbo: right", "right"]
    assert names == sorted(expected)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert all(line.isprintable() for line in lines)


def test_what_nobody_foresaw_in_one_submission_does_not_stop_the_class(root, place, monkeypatch):
    real = grading_a_class.choose

    def choose(handed_in, *others, **named):
        if handed_in.name == "bo.py":
            raise ArithmeticError
        return real(handed_in, *others, **named)

    monkeypatch.setattr(grading_a_class, "choose", choose)

    _, out = grade(root, place)

    rows = {row[0]: (row[3], row[5]) for row in rows_of(out / "marks.csv")[1:]}
    assert rows["bo"] == ("", "It cannot be read (ArithmeticError); look at it yourself.")
    assert rows["ana"][0] == "4"


def test_half_a_letter_in_one_submission_does_not_stop_the_class(root, tmp_path):
    place = tmp_path / "class"
    place.mkdir()
    halves = [text for name, text in ATTACKS.items() if "half a letter" in name]
    for number, text in enumerate(halves):
        (place / f"{number}.py").write_text(f"{WRONG}\n{text}", encoding="utf-8")
    cell = {"cell_type": "code", "id": "\udc80a\0b", "metadata": {}, "source": f"{ANSWER}\nx = ("}
    (place / "cell.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="ascii")
    (place / "zoe.py").write_text(ANSWER, encoding="utf-8")

    code, out = grade(root, place)

    rows = {row[0]: (row[3], row[5]) for row in rows_of(out / "marks.csv")[1:]}
    assert (code, len(halves)) == (0, 3)
    assert rows["zoe"][0] == "4"
    assert rows["cell"] == ("0", f"{ID}: Python cannot read cell ?a?b")
    assert rows["1"] == ("0", f"{ID}: Python cannot read ?")
    written = b"".join(contents(out).values()).decode("utf-8")
    assert "Rename Counte? to Counter" in written


def test_a_result_with_half_a_letter_from_an_earlier_run_is_written(root, place, monkeypatch):
    marked = Marked(ID, 0, 4, (), Report(f"{ID}: \ud800", (Row("Next", "\udc80"),)))
    monkeypatch.setattr("course_lib.grading.journal.Journal.get", lambda self, key: marked)

    code, out = grade(root, place)

    assert code == 0
    assert "<dd>?</dd>" in (out / "feedback" / "002-ana.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_made_is_one_learners_problem(root, place, monkeypatch):
    real = grading_a_class.pages.feedback_page

    def feedback_page(row, *others, **named):
        if row.marked and row.learner.name == "bo":
            raise ArithmeticError
        return real(row, *others, **named)

    monkeypatch.setattr(grading_a_class.pages, "feedback_page", feedback_page)

    _, out = grade(root, place)

    rows = {row[0]: (row[3], row[5]) for row in rows_of(out / "marks.csv")[1:]}
    assert rows["bo"] == ("", "Its page cannot be made (ArithmeticError); look at it yourself.")
    assert rows["ana"][0] == "4"


def test_marks_stand_beside_their_scenarios(out):
    head, *rows = rows_of(out / "marks.csv")
    bo = next(row for row in rows if row[0] == "bo")
    marks = dict(zip(head[7:], bo[7:], strict=True))
    assert marks == {"takes chairs": "2", "refuses more than there are": "0", "refills": "1"}


def test_the_gradebooks_have_the_columns_that_were_published(root, place, tmp_path, capsys):
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "file,name,id,email,sis_user_id,sis_login_id,section\n"
        'bo.py,"Li, Bo",17,bo@example.org,u17,bo,A\nnobody,Zed,18,,,,\n',
        encoding="utf-8",
    )
    _, out = grade(root, place, "--roster", roster)

    canvas = rows_of(out / f"canvas-{ID}.csv")
    assert canvas[:4] == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", ID],
        ["    Points Possible", "", "", "", "", "4"],
        ["Li, Bo", "17", "u17", "bo", "A", "3"],
        ["Zed", "18", "", "", "", ""],
    ]
    moodle = rows_of(out / f"moodle-{ID}.csv")
    assert moodle[:2] == [
        ["Full name", "Email address", "ID number", ID, "Feedback comments"],
        ["Li, Bo", "bo@example.org", "17", "3", "01.1-counter: crashed, task 1"],
    ]
    assert moodle[2:] == [["Zed", "", "18", "", "Nothing was handed in."]]
    assert len(canvas) == 4
    assert "Not in the roster, so not in the mark books of your school: =gus().py, ana.py" in (
        capsys.readouterr().out
    )
    gradescope = json.loads((out / "gradescope" / "001-Li__Bo.json").read_text(encoding="utf-8"))
    assert gradescope["score"] == sum(test["score"] for test in gradescope["tests"]) == 3
    assert [test["max_score"] for test in gradescope["tests"]] == [2, 1, 1]
    assert {test["status"] for test in gradescope["tests"]} == {"passed", "failed"}


def test_who_has_no_mark_has_a_sentence_for_gradescope_too():
    row = GradedRow(Learner("Ana"), "ana.pdf", "001-Ana", problem="Nothing was handed in.")

    assert json.loads(gradebooks.gradescope(row))["output"] == "Nothing was handed in."


def test_a_gradebook_of_one_exercise_has_no_words_on_another():
    marked = Marked("01.2-other", 1, 1, (), Report("01.2-other: right", ()))
    rows = [GradedRow(Learner("Ana"), "ana.py", "001-Ana", marked)]
    exercise = SimpleNamespace(id=ID, checks=SimpleNamespace(points=4))

    [_, ana] = csv.reader(gradebooks.moodle(rows, exercise).splitlines())

    assert ana == ["Ana", "", "", "", ""]


@pytest.mark.parametrize("jobs", ["0", "two", "257"])
def test_jobs_that_are_no_number_are_said_so(root, place, jobs):
    with pytest.raises(ValueError, match="argument --jobs: give a number from 1 to 256"):
        command.main([str(place), "--jobs", jobs], root=root)


def test_the_summary_names_who_handed_in_several_answers(root, tmp_path, capsys):
    folder = tmp_path / "class" / "ana"
    folder.mkdir(parents=True)
    (folder / "first.py").write_text(WRONG, encoding="utf-8")
    (folder / "second.py").write_text(ANSWER, encoding="utf-8")

    _, out = grade(root, tmp_path / "class")

    said = capsys.readouterr().out
    assert "ana: ana/first.py was marked; it is one of 2 answers." in said
    assert rows_of(out / "marks.csv")[1][5].endswith("; one of 2 answers")


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_pages_have_one_heading_a_language_and_no_script(out):
    pages = [*(out / "feedback").glob("*.html"), out / "class.html"]
    assert len(pages) == 9
    for page in pages:
        tags = Tags(page.read_text(encoding="utf-8")).found
        names = [name for name, _ in tags]
        assert names.count("h1") == names.count("main") == names.count("title") == 1
        assert ("html", {"lang": "en"}) in tags
        assert not {"script", "img", "link", "iframe"} & {*names}
        assert all(attrs.get("scope") for name, attrs in tags if name == "th")
        assert names.count("caption") == names.count("table")


def test_a_learners_page_shows_the_report_of_their_own_check(out):
    [page] = (out / "feedback").glob("*bo.html")
    text = page.read_text(encoding="utf-8")
    assert "<dt>Scenario</dt><dd>refuses more than there are</dd>" in text
    assert "Marks: 3 of 4 points" in text


def test_the_class_report_names_common_scenarios_and_known_mistakes(out):
    text = (out / "class.html").read_text(encoding="utf-8")
    assert "3 passed, 2 did not, 1 left out; task 1" in text
    assert "off by one or takes first" in text


def test_the_same_class_and_seed_give_the_same_bytes(root, place, seed, tmp_path):
    shows_a_set = "raise ValueError({'a', 'b', 'c', 'd', 'e', 'f'}, object())"
    (place / "hal.py").write_text(ANSWER.replace("self.chairs += n", shows_a_set), encoding="utf-8")
    words = [str(place), "--exercise", ID, "--seed-file", str(seed)]
    command.main([*words, "--jobs", "1", "--out", str(tmp_path / "one")], root=root)
    command.main([*words, "--jobs", "2", "--out", str(tmp_path / "two")], root=root)

    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    lines = [found.pop(Path("marked.jsonl")).splitlines() for found in (one, two)]
    assert one == two
    assert sorted(lines[0]) == sorted(lines[1])


def test_what_was_marked_is_not_marked_again(root, place, monkeypatch):
    _, out = grade(root, place)
    before = contents(out)
    asked = []

    def nobody(tasks, *_settings, **_named):
        asked.extend(tasks)
        return []

    monkeypatch.setattr("course_lib.grading.grading_a_class.marked_by", nobody)

    grade(root, place)

    assert asked == []
    assert contents(out) == before


def test_what_has_changed_is_marked_again(root, place, seed):
    _, out = grade(root, place)
    (place / "bo.py").write_text(ANSWER + "\n# mended\n", encoding="utf-8")
    (place / "ana.py").rename(place / "anastasia.py")

    grade(root, place)

    assert {row[0]: row[3] for row in rows_of(out / "marks.csv")}["bo"] == "4"
    assert len((out / "marked.jsonl").read_text(encoding="ascii").splitlines()) == 6


def test_pages_that_no_row_names_any_more_are_removed_and_nothing_else(root, place):
    _, out = grade(root, place)
    (out / "feedback" / "2024-notes.html").write_text("mine", encoding="utf-8")
    (place / "aaron.py").write_text(ANSWER, encoding="utf-8")
    (place / "bo.py").unlink()

    grade(root, place)

    pages = {row[6].partition("/")[2] for row in rows_of(out / "marks.csv")[1:] if row[6]}
    there = {path.name for path in (out / "feedback").iterdir()}
    assert pages <= there
    assert len(there) == 7 + 1
    assert "2024-notes.html" in there
    assert len([*(out / "gradescope").iterdir()]) == 7


def test_another_seed_marks_everything_again(root, place, seed):
    _, out = grade(root, place)

    grade(root, place, "--seed-file", seed)

    assert len((out / "marked.jsonl").read_text(encoding="ascii").splitlines()) == 10


@pytest.fixture
def grader(root, tmp_path):
    """A grader in a process of its own, with two of six submissions marked by now."""
    place = tmp_path / "class"
    place.mkdir()
    for number in range(6):
        (place / f"{number}.py").write_text(f"{HANGS}# {number}\n", encoding="utf-8")
    program = "import sys; from pathlib import Path; from course_lib.grading import command\n"
    program += "if __name__ == '__main__':\n"
    program += "    sys.exit(command.main(sys.argv[2:], root=Path(sys.argv[1])))"
    script = tmp_path / "grade.py"
    script.write_text(program, encoding="utf-8")
    words = [sys.executable, str(script), str(root), str(place), "--exercise", ID, "--jobs", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "class-marks" / "marked.jsonl"
    try:
        wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 2)
        yield process, place, journal
    finally:
        process.kill()
        process.communicate()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_kill_loses_nothing_and_leaves_no_process(root, grader):
    process, place, journal = grader
    tree = processes_below(process.pid)

    process.kill()
    process.wait()

    assert len(tree) >= 2
    wait_for(lambda: not any(is_alive(pid) for pid in tree))
    lines = journal.read_bytes().splitlines()
    with journal.open("ab") as file:
        file.write(b"half a li")  # as when it dies while it writes
    code, out = grade(root, place)
    after = journal.read_bytes().splitlines()
    assert code == 0
    assert after[: len(lines)] == lines
    assert len(after) == 6 + 1
    assert [row[3] for row in rows_of(out / "marks.csv")[1:]] == ["3"] * 6


def test_ctrl_c_stops_at_once_and_says_how_to_go_on(root, grader):
    process, place, journal = grader
    tree = processes_below(process.pid)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Stopped; the same command goes on from here." in said
    assert "Traceback" not in said
    wait_for(lambda: not any(is_alive(pid) for pid in tree))
    lines = journal.read_bytes().splitlines()
    grade(root, place)
    assert journal.read_bytes().splitlines()[: len(lines)] == lines


def processes_below(pid):
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def is_alive(pid):
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_worker_that_is_killed_loses_no_submission(root, place, monkeypatch):
    killed = []

    def kill_one(done, total):
        if done == 1 and not killed:
            import psutil

            children = psutil.Process().children()
            killed.extend(c for c in children if "spawn_main" in " ".join(c.cmdline()))
            killed[0].kill()

    monkeypatch.setattr(command, "_Progress", lambda: kill_one)

    code, out = grade(root, place)

    assert (code, len(killed) >= 1) == (0, True)
    assert [row[3] for row in rows_of(out / "marks.csv")[1:]].count("") == 2


def test_workers_that_cannot_start_are_not_started_without_end(root, place):
    program = "import sys; from pathlib import Path; from course_lib.grading import command\n"
    program += "command.main(sys.argv[2:], root=Path(sys.argv[1]))"  # no file to start anew
    words = [sys.executable, "-", root, place, "--exercise", ID]

    done = subprocess.run(
        [*map(str, words)],
        input=program,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "ValueError: The worker processes do not start" in done.stderr


def test_without_namespaces_a_secret_seed_is_refused(root, place, seed):
    with pytest.raises(ValueError, match=r"not kept from reading solutions.* in a container"):
        grade(root, place, "--seed-file", seed, namespaces=False)


def test_without_namespaces_it_says_what_is_missing_and_grades(root, place, capsys):
    _, out = grade(root, place, namespaces=False)

    assert "not kept from reading solutions" in capsys.readouterr().err
    assert "not kept from reading solutions" in (out / "class.html").read_text(encoding="utf-8")
    marks = [row[3] for row in rows_of(out / "marks.csv")[1:]]
    assert sorted(marks) == ["", "", "0", "3", "3", "3", "4"]


def test_without_namespaces_a_secret_seed_can_be_insisted_on(root, place, seed):
    words = ["--seed-file", seed, "--accept-missing-protections"]

    assert grade(root, place, *words, namespaces=False)[0] == 0


@pytest.mark.parametrize("inside", ["the repository", "what was handed in", "a link"])
def test_a_seed_file_where_learners_look_is_refused(root, place, tmp_path, inside):
    folder = {"the repository": root, "what was handed in": place, "a link": tmp_path}[inside]
    path = folder / "seed.txt"
    if inside == "a link":
        (root / "seed_too").write_text("x" * 40, encoding="utf-8")
        path.symlink_to(root / "seed_too")
    else:
        path.write_text("x" * 40, encoding="utf-8")
    try:
        with pytest.raises(ValueError, match="where learners may find it"):
            grade(root, place, "--seed-file", path)
    finally:
        path.unlink()


def test_a_short_seed_is_refused(root, place, tmp_path):
    (tmp_path / "short").write_text("12345", encoding="utf-8")

    with pytest.raises(ValueError, match="has 5 characters and needs 16 or more"):
        grade(root, place, "--seed-file", tmp_path / "short")


def test_marks_do_not_go_among_what_was_handed_in(root, place):
    with pytest.raises(ValueError, match="among what was handed in"):
        grade(root, place, "--out", place / "marks")


def test_marks_of_one_exercise_are_not_written_over_by_another(root, place):
    _, out = grade(root, place)
    before = contents(out)

    with pytest.raises(ValueError, match=f"holds marks of {ID}, not of all exercises"):
        command.main([str(place)], root=root)

    assert contents(out) == before


def test_the_same_exercise_may_be_called_by_its_catalogue_number(root, place):
    _, out = grade(root, place)
    before = contents(out)

    assert command.main([str(place), "--exercise", "T01"], root=root) == 0

    assert contents(out) == before


def test_an_empty_folder_is_said_to_be_empty(root, tmp_path):
    (tmp_path / "none").mkdir()

    with pytest.raises(ValueError, match="There is nothing in"):
        grade(root, tmp_path / "none")


def test_nothing_is_read_before_its_turn(root, place, monkeypatch):
    """Two workers hold four submissions, so the fifth is read when the first is marked."""
    from course_lib.grading import grading_a_class

    events = []
    choose, settle = grading_a_class.choose, grading_a_class._Rows._settle
    monkeypatch.setattr(
        grading_a_class, "choose", lambda *a, **k: events.append("read") or choose(*a, **k)
    )
    monkeypatch.setattr(
        grading_a_class._Rows, "_settle", lambda *a: events.append("written") or settle(*a)
    )
    for number in range(8):
        (place / f"0{number}.py").write_text(f"{ANSWER}# {number}\n", encoding="utf-8")

    grade(root, place)

    held = [events[:n].count("read") - events[:n].count("written") for n in range(len(events))]
    assert events.count("written") == 15
    assert max(held) <= 5
