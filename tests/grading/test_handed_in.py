"""Files, folders, zips and rosters: each learner gets a row, whatever is in it."""

import io
import json
import os
import zipfile

import pytest

from course_lib.grading import handed_in as module
from course_lib.grading.choosing import Undecided, choose
from course_lib.grading.handed_in import HandedIn, Submission, handed_in
from course_lib.grading.roster import Learner, assigned, read_roster
from course_lib.index import ROOT, course, load
from course_lib.practice.source import reference_text

from .conftest import ANSWER, ID


def zipped(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return data.getvalue()


@pytest.fixture
def place(tmp_path):
    found = tmp_path / "in"
    found.mkdir()
    return found


def read(place):
    with handed_in(place) as found:
        return [each.read() for each in found]


def one(place):
    [found] = read(place)
    return found


def test_files_zips_and_folders_are_found_by_name(place):
    (place / "ana.ipynb").write_bytes(b"{}")
    (place / "bo.py").write_bytes(b"x = 1")
    (place / "cem.zip").write_bytes(zipped(**{"deep__down__answer.py": "x = 2", "a.txt": "no"}))
    (place / "dia" / "more").mkdir(parents=True)
    (place / "dia" / "more" / "answer.py").write_bytes(b"x = 3")
    (place / ".DS_Store").write_bytes(b"")

    found = {each.name: [(f.path, f.data) for f in each.files] for each in read(place)}

    assert found == {
        "ana.ipynb": [("ana.ipynb", b"{}")],
        "bo.py": [("bo.py", b"x = 1")],
        "cem.zip": [("deep/down/answer.py", b"x = 2")],
        "dia": [("more/answer.py", b"x = 3")],
    }


def test_copies_that_editors_and_systems_leave_are_no_submissions(place):
    folder = place / "ana"
    for name in (".ipynb_checkpoints/a-checkpoint.ipynb", "__MACOSX/._a.ipynb", "a.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"{}")

    assert [file.path for file in one(place).files] == ["a.ipynb"]


def test_a_zip_of_a_whole_class_gives_each_learner_a_row(tmp_path):
    data = zipped(
        **{
            "Ana Ruiz_1_assign_file__exercise.ipynb": "{}",
            "Bo Li_2_assign_file__work.zip": zipped(**{"a.py": "x = 1"}),
            "chen.py": "x = 2",
        }
    )
    (tmp_path / "class.zip").write_bytes(data)

    found = read(tmp_path / "class.zip")

    assert [(each.name, each.files[0].path) for each in found] == [
        ("Ana Ruiz_1_assign_file", "exercise.ipynb"),
        ("Bo Li_2_assign_file", "a.py"),
        ("chen.py", "chen.py"),
    ]


def test_a_class_zip_may_have_one_folder_around_everybody(tmp_path):
    inner = zipped(**{"cem.py": "x = 3"})
    data = zipped(**{"class__ana.py": "x = 1", "class__bo__b.ipynb": "{}", "class__cem.zip": inner})
    (tmp_path / "class.zip").write_bytes(data)

    found = read(tmp_path / "class.zip")

    assert [(each.name, each.files[0].path) for each in found] == [
        ("ana.py", "ana.py"),
        ("bo", "b.ipynb"),
        ("cem.zip", "cem.py"),
    ]


@pytest.mark.parametrize(
    ("paths", "learners"),
    [
        (
            ["out/submission_1/a.ipynb", "out/submission_2/b.py", "out/metadata.yml"],
            ["metadata.yml", "submission_1", "submission_2"],
        ),
        (
            ["Submitted files/Ana/Version 1/a.ipynb", "Submitted files/Bo/Version 1/a.ipynb"],
            ["Ana", "Bo"],
        ),
    ],
    ids=["of Gradescope", "of Teams"],
)
def test_a_class_zip_may_have_a_folder_of_folders(paths, learners, tmp_path):
    (tmp_path / "class.zip").write_bytes(zipped(**dict.fromkeys(paths, "x = 1")))

    assert [each.name for each in read(tmp_path / "class.zip")] == learners


@pytest.mark.parametrize(
    "names",
    [
        ["Ana Ruiz_1_assignsubmission_file/a.ipynb", "Ana Ruiz_1_assignsubmission_file/b.py"],
        ["ana/a.ipynb", "ana/more/b.py"],
        ["shop/__init__.py", "shop/stock.py"],
        ["ana/src/a.py", "ana/tests/b.py"],
    ],
    ids=["of Moodle", "with one notebook", "of a package", "with two folders"],
)
def test_the_folder_of_the_only_learner_of_a_class_stays_theirs(names, tmp_path):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "x = 1")

    [found] = read(tmp_path / "class.zip")

    assert found.name == names[0].partition("/")[0]
    assert len(found.files) == 2


def test_a_learners_zip_with_a_folder_in_it_is_one_learners(place):
    (place / "ana.zip").write_bytes(zipped(**{"ana__a.py": "x = 1", "ana__b.py": "x = 2"}))

    assert [file.path for file in one(place).files] == ["ana/a.py", "ana/b.py"]


def test_who_handed_in_something_else_has_a_row_in_a_class_zip_too(tmp_path):
    data = zipped(**{"ana__a.py": "x = 1", "bo__essay.docx": "PK", "cem__.DS_Store": ""})
    (tmp_path / "class.zip").write_bytes(data)

    found = [(each.name, each.problem) for each in read(tmp_path / "class.zip")]

    assert found == [("ana", ""), ("bo", "There is no notebook and no .py file in it.")]


def test_a_class_is_read_one_after_the_other(place, monkeypatch):
    for name in ("ana.py", "bo.py"):
        (place / name).write_bytes(b"x = 1")
    opened = []
    monkeypatch.setattr(module, "_read", lambda path: opened.append(path.name) or b"x = 1")

    with handed_in(place) as [_, bo]:
        before = [*opened]
        bo.read()

    assert (before, opened) == ([], ["bo.py"])


def test_a_broken_member_of_a_class_zip_is_one_learners_problem(tmp_path):
    data = zipped(**{"ana/a.py": b"x = 1" * 50, "bo/b.py": b"y = 2"})
    broken = data.replace(b"ana/a.py", b"ana/A.py", 1)  # the two entries no longer agree
    (tmp_path / "class.zip").write_bytes(broken)

    ana, bo = read(tmp_path / "class.zip")

    assert ana.problem == "ana cannot be unzipped; zip the notebook again."
    assert [file.data for file in bo.files] == [b"y = 2"]


def test_a_link_is_not_followed(place, tmp_path):
    (tmp_path / "seed").write_text("secret", encoding="utf-8")
    (place / "ana.py").symlink_to(tmp_path / "seed")
    (place / "bo").mkdir()
    (place / "bo" / "bo.py").symlink_to(tmp_path / "seed")

    ana, bo = read(place)

    assert (ana.files, ana.problem) == ((), "It is a link, which is not followed.")
    assert (bo.files, bo.problem) == ((), "There is no notebook and no .py file in it.")


def test_a_link_in_a_zip_is_not_followed(place):
    info = zipfile.ZipInfo("a.py")
    info.external_attr = 0o120777 << 16
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    (place / "ana.zip").write_bytes(data.getvalue())

    assert one(place).files == ()


def test_a_pipe_is_not_waited_for(place):
    os.mkfifo(place / "ana.py")

    assert one(place).problem == "ana.py is no ordinary file."


def test_a_zip_that_leads_elsewhere_is_only_read(place):
    (place / "ana.zip").write_bytes(zipped(**{"..__..__etc__a.py": "x = 1"}))

    assert [file.data for file in one(place).files] in ([], [b"x = 1"])
    assert sorted(os.listdir(place)) == ["ana.zip"]


def test_a_zip_that_grows_beyond_the_limit_is_refused(place, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    (place / "ana.zip").write_bytes(zipped(**{"a.py": b"#" * 100_000}))

    assert "when unzipped" in one(place).problem


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04 no zip", zipped(**{"a.py": "x"})[:-30]],
    ids=["empty", "no zip", "cut off"],
)
def test_a_broken_zip_has_a_sentence(place, data):
    (place / "ana.zip").write_bytes(data)

    assert one(place).problem == "ana.zip cannot be unzipped; zip the notebook again."


def test_other_kinds_of_files_have_a_sentence(place):
    (place / "ana.pdf").write_bytes(b"%PDF")

    words = ".pdf is no notebook and no .py file; hand in the notebook itself."
    assert one(place).problem == words


def test_a_zip_within_a_zip_has_a_sentence(place):
    (place / "ana.zip").write_bytes(zipped(**{"inner.zip": zipped(**{"a.py": "x = 1"})}))

    words = "ana.zip has a zip within a zip; hand in the notebook itself."
    assert one(place).problem == words


def test_a_folder_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ValueError, match="is no folder and no zip"):
        read(tmp_path / "nothing")


@pytest.fixture
def index(root):
    return load((root / "course.toml").read_text(encoding="utf-8"))


def chosen(files, index, root, **more):
    handed = HandedIn("ana", tuple(module.File(path, data.encode()) for path, data in files))
    return choose(handed, index, root, **more)


def notebook(source):
    return json.dumps({"cells": [{"cell_type": "code", "source": source, "metadata": {}}]})


def test_the_exercise_is_found_by_what_the_cells_call(index, root):
    found = chosen([("a.ipynb", notebook(f'check("{ID}")'))], index, root)

    assert found.exercise == ID


def test_the_exercise_is_found_by_the_names_it_asks_for(index, root):
    assert chosen([("a.py", ANSWER)], index, root).exercise == ID


def code(source, *tags):
    return {"cell_type": "code", "source": source, "metadata": {"tags": [*tags]}}


RETRY = code('check("01.4-retry")')
WORDS_ON_ANOTHER = {
    "in markdown": [{"cell_type": "markdown", "source": 'I did `check("01.3-file-recovery")`.'}],
    "in a comment": [code("x = 1  # check('01.3-file-recovery') was yesterday")],
    "in a text": [code('x = """\nNot check("01.3-file-recovery")\n"""')],
    "in a text of one line": [code("x = 'it\\'s check(\"01.3-file-recovery\")'")],
    "in an earlier call": [code('solution("01.3-file-recovery")')],
}


@pytest.mark.parametrize("before", WORDS_ON_ANOTHER.values(), ids=WORDS_ON_ANOTHER)
def test_words_on_another_exercise_do_not_count(before):
    files = [("a.ipynb", json.dumps({"cells": [*before, RETRY]}))]

    assert chosen(files, course(), ROOT).exercise == "01.4-retry"


def test_the_given_cell_counts_more_than_any_other():
    cells = [code('check("01.4-retry")', "check"), code('solution("01.3-file-recovery")')]
    files = [
        ("a.ipynb", json.dumps({"cells": cells[::-1]})),
        ("b.ipynb", json.dumps({"cells": cells})),
    ]

    assert [chosen([file], course(), ROOT).exercise for file in files] == ["01.4-retry"] * 2


def test_words_count_where_nothing_else_says_it():
    assert chosen([("a.py", '# check("01.4-retry")')], course(), ROOT).exercise == "01.4-retry"


@pytest.mark.parametrize("id", ["01.2-error-boundary", "01.2-bank-exceptions", "01.4-retry"])
def test_an_answer_without_what_is_given_says_which_exercise_it_is(id):
    source = (ROOT / course().exercise(id).source).read_text(encoding="utf-8")

    found = chosen([("a.py", reference_text(source, "solution"))], course(), ROOT)

    assert found.exercise == id


def test_of_several_files_the_one_with_the_answer_is_taken(index, root):
    files = [("notes.ipynb", notebook("x = 1")), ("helper.py", "y = 2"), ("b.py", ANSWER)]

    assert chosen(files, index, root).path == "b.py"
    found = chosen(files, index, root, exercise=ID, names=("Counter", "TooFew"))
    assert (found.path, found.among) == ("b.py", 1)


@pytest.mark.parametrize("exercise", ["", ID])
def test_of_several_answers_it_is_said_how_many_there_are(exercise, index, root):
    files = [("2/a.py", ANSWER + "# again\n"), ("1/a.py", ANSWER), ("a copy of 1.py", ANSWER)]

    found = chosen(files, index, root, exercise=exercise, names=("Counter", "TooFew"))

    assert (found.path, found.among) == ("2/a.py", 2)


@pytest.mark.parametrize("exercise", ["", ID])
def test_an_empty_task_beside_an_answer_is_no_answer(exercise, index, root):
    given = (root / index.exercise(ID).notebook).read_text(encoding="utf-8")
    answer = given.replace("raise NotImplementedError", "return 7")
    files = [("a.ipynb", given), ("deep/down/a.ipynb", answer)]

    found = chosen(files, index, root, exercise=exercise, names=("Counter", "TooFew"))

    assert (found.path, found.among) == ("deep/down/a.ipynb", 1)
    assert chosen(files[:1], index, root, exercise=exercise).path == "a.ipynb"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("a.ipynb", notebook("x = 1"))], "It does not say which exercise it answers"),
        ([("a.ipynb", "{")], "a.ipynb is not a whole notebook"),
        ([("a.ipynb", "[" * 100_000)], "a.ipynb is not a whole notebook"),
        ([("a.ipynb", '{"cells": [3]}')], "a.ipynb is not a whole notebook"),
        ([("a.ipynb", '{"cells": {"a": 1}}')], "a.ipynb is not a whole notebook"),
        ([("a.ipynb", " ")], "a.ipynb is empty"),
    ],
)
def test_what_cannot_be_told_has_a_sentence(files, words, index, root):
    with pytest.raises(Undecided, match=words):
        chosen(files, index, root)


def roster(tmp_path, text):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode("utf-8-sig"))
    return read_roster(path)


def test_a_roster_gives_files_their_owners(tmp_path):
    found = roster(tmp_path, "Name,File,Email\r\nAna Ruiz,a17,ana@example.org\r\n")

    assert found == [Learner("Ana Ruiz", "a17", {"email": "ana@example.org"})]


@pytest.mark.parametrize("between", [";", "\t"])
def test_a_roster_may_be_as_any_spreadsheet_saves_it(tmp_path, between):
    text = "name,file,email\r\nRuiz Ana,a17,ana@example.org\r\n".replace(",", between)

    [ana] = roster(tmp_path, text)

    assert ana == Learner("Ruiz Ana", "a17", {"email": "ana@example.org"})


def test_empty_rows_of_a_roster_are_nobody(tmp_path):
    assert len(roster(tmp_path, "file,name\r\na17,Ana\r\n,\r\n , \r\n")) == 1


@pytest.mark.parametrize("before", ["sep=;\r\n", "\n", " \r\nsep=;\n"])
def test_what_excel_reads_before_the_head_of_a_roster_is_no_head(tmp_path, before):
    assert len(roster(tmp_path, f"{before}file;name\r\na17;Ana\r\n")) == 1


def test_a_roster_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ValueError, match=r"roster\.csv cannot be read: No such file"):
        read_roster(tmp_path / "roster.csv")


def test_everybody_has_a_row_in_the_order_of_the_roster():
    ana, bo = Learner("Ana", "ANA.ipynb"), Learner("Bo", "bo")
    files = [Submission(name, lambda: HandedIn("theirs")) for name in ("ana.ipynb", "chen.zip")]

    found = assigned(files, [bo, ana])

    assert [(learner.name, each.read().problem) for learner, each in found] == [
        ("Bo", "Nothing was handed in."),
        ("Ana", ""),
        ("chen", ""),
    ]


def test_a_name_is_the_same_however_its_accents_are_written():
    files = [Submission("Zoe\u0308.ipynb.txt", lambda: HandedIn("theirs"))]

    [(learner, each)] = assigned(files, [Learner("Zoë", "zo\u00eb.ipynb")])

    assert (learner.name, each.name) == ("Zoë", "Zoe\u0308.ipynb.txt")


@pytest.mark.parametrize("name", ["ana.pyw", "ana.py.txt", "ana.ipynb.json"])
def test_a_roster_need_not_name_the_ending(name):
    [(learner, each)] = assigned(
        [Submission(name, lambda: HandedIn("hers"))], [Learner("Ana", "ana")]
    )

    assert learner.name == "Ana"
    assert each is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,email\nAna,a\n", 'no column "file"'),
        ("file,name\na.py,Ana\nA.ipynb,Bo\n", 'has "A.ipynb" in two rows'),
    ],
)
def test_a_roster_that_cannot_be_used_says_why(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        roster(tmp_path, text)
