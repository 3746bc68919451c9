"""Every gate bites: one fault is planted in a sound course, and just its gate names it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from course_lib.proof import running
from course_lib.proof.gates import Gate

NAMES = (
    *("index", "structure", "outputs", "volatile", "alt text", "plain language"),
    *(
        "links",
        "imports",
        "size",
        "derived",
        "fresh",
        "machines",
        "workflow",
        "lint",
        "format",
        "types",
    ),
)
SLOW = ("workflow", "types")  # seconds each, so asked only about their own faults

LESSON = "notebooks/01_shop/1_the_queue.ipynb"
EXERCISE = "exercises/01_shop/1_counter/exercise.ipynb"

Edit = Callable[[Path], None]


def change(name: str, old: str, new: str) -> Edit:
    def edit(root: Path) -> None:
        text = (root / name).read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r} to change"
        (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def append(name: str, text: str) -> Edit:
    def edit(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)

    return edit


def remove(name: str) -> Edit:
    return lambda root: (root / name).unlink()


def in_cell(id: str, edit: Callable[[dict[str, Any]], object], *, name: str = LESSON) -> Edit:
    def edit_cell(notebook: dict[str, Any]) -> None:
        edit(next(cell for cell in notebook["cells"] if cell["id"] == id))

    return in_notebook(edit_cell, name=name)


def in_notebook(edit: Callable[[dict[str, Any]], object], *, name: str = LESSON) -> Edit:
    def edit_file(root: Path) -> None:
        notebook = json.loads((root / name).read_text(encoding="utf-8"))
        edit(notebook)
        (root / name).write_text(json.dumps(notebook), encoding="utf-8")

    return edit_file


def output(data: dict[str, str]) -> Callable[[dict[str, Any]], object]:
    shown = {"output_type": "display_data", "metadata": {}, "data": data}
    return lambda cell: cell["outputs"].append(shown)


def html(text: str) -> Edit:
    return in_cell("table", output({"text/html": text}))


def printed(text: str) -> Edit:
    return in_cell("print", lambda cell: cell["outputs"][0].update(text=text))


def tag(id: str, *tags: str, **metadata: str) -> Edit:
    return in_cell(id, lambda cell: cell["metadata"].update(tags=list(tags), **metadata))


def source(id: str, text: str, *, name: str = LESSON) -> Edit:
    return in_cell(id, lambda cell: cell.update(source=text), name=name)


# (the fault, the gate or gates that must fail, words the first must say, how to plant it)
FAULTS: list[tuple[str, str | tuple[str, ...], str, Edit]] = [
    # -- the index --
    (
        "the checks of an exercise are missing",
        "index",
        "exercises/01_shop/1_counter/checks.py: course.toml lists 01.1-counter",
        remove("exercises/01_shop/1_counter/checks.py"),
    ),
    (
        "a solution is in no list",
        "index",
        "solutions/01_shop/2_extra.py: is in the tree but not in course.toml",
        append("solutions/01_shop/2_extra.py", '"""Nobody lists me."""\n'),
    ),
    (
        "a project is in no list",
        "index",
        "solutions/projects/extra: is in the tree but not in course.toml",
        append("solutions/projects/extra/__init__.py", '"""Nobody lists me."""\n'),
    ),
    (
        "an exercise is of a kind that its id does not say",
        "index",
        '01.1-counter is of the kind "projekt"; mend id or kind',
        change("course.toml", 'slug = "1_counter"', 'slug = "1_counter"\nkind = "projekt"'),
    ),
    (
        "a package belongs to no chapter",
        "index",
        "course_lib/stray/__init__.py: belongs to no chapter",
        append("course_lib/stray/__init__.py", '"""Nobody lists me."""\n'),
    ),
    (
        "a need does not exist",
        "index",
        '01.1-counter needs "01.7", which does not exist',
        change("course.toml", 'needs = ["01.1"]', 'needs = ["01.1", "01.7"]'),
    ),
    (
        "two exercises share a number",
        "index",
        '"01.1-counter" is used 2 times',
        change("course.toml", 'catalogue = "T01"', 'catalogue = "01.1-counter"'),
    ),
    (
        "a topic is not written as one",
        "index",
        'covers "chairs"',
        change(
            "course.toml", 'covers = ["TA1"]\nextra = "data"', 'covers = ["chairs"]\nextra = "data"'
        ),
    ),
    (
        "an extra does not exist",
        "index",
        '01.1 wants the extra "data"',
        change("pyproject.toml", "data = []", "other = []"),
    ),
    (
        "a chapter is called finished and is empty",
        "index",
        "02_files is finished but has no lesson",
        append(
            "course.toml",
            '\n[[chapter]]\nstem = "02_files"\npackage = "files"\ntitle = "Files"\n'
            'question = "Where?"\nfinished = true\n',
        ),
    ),
    # -- structure --
    (
        "a lesson has two titles",
        "structure",
        "has 2 titles",
        source("grow", "# It grows"),
    ),
    (
        "a heading level is skipped",
        "structure",
        'jumps from heading level 1 to 4 at "It grows"',
        source("grow", "#### It grows"),
    ),
    (
        "a cell id is random",
        "structure",
        'has the id "7f9e31c0"',
        in_cell("grow", lambda cell: cell.update(id="7f9e31c0")),
    ),
    (
        "a cell id is used twice",
        "structure",
        'the cell id "print" is used twice',
        in_cell("table", lambda cell: cell.update(id="print")),
    ),
    (
        "an output is not as the format says",
        "structure",
        "is not a valid notebook (cells/7/outputs/0",
        in_cell("print", lambda cell: cell["outputs"][0].update(colour="red")),
    ),
    (
        "a tag is unknown",
        "structure",
        'cell "print" has the unknown tag flashy',
        tag("print", "flashy"),
    ),
    (
        "a bet shows its answers",
        "structure",
        'cell "print" must be folded',
        tag("print", "predict"),
    ),
    (
        "a cell is too long",
        "structure",
        'cell "print" has 26 lines of code, the limit is 25',
        source("print", "\n".join(["print(3)"] * 26)),
    ),
    (
        "a line is too wide",
        "structure",
        'cell "print", line 1 has 80 columns, the limit is 79',
        source("print", f'print("{"x" * 71}")'),
    ),
    (
        "the notebook carries an editor's metadata",
        "structure",
        "has metadata vscode",
        in_notebook(lambda notebook: notebook["metadata"].update(vscode={})),
    ),
    (
        "the notebook names a patch version of Python",
        "structure",
        "has more language_info than the name",
        in_notebook(
            lambda notebook: notebook["metadata"]["language_info"].update(version="3.11.7")
        ),
    ),
    (
        "a cell carries times of its run",
        "structure",
        'cell "print" has metadata execution',
        in_cell("print", lambda cell: cell["metadata"].update(execution={})),
    ),
    (
        "the minutes differ from the index",
        "structure",
        "the first cell says 35 minutes, course.toml 30",
        change(LESSON, "30 minutes", "35 minutes"),
    ),
    (
        "the needs differ from the index",
        "structure",
        "the first cell has nothing before this, course.toml 00",
        change(LESSON, "before this: [Start here](../00_start.ipynb)", "before this: nothing"),
    ),
    (
        "a stop point is gone",
        "structure",
        'takes 30 minutes and has 1 cells tagged "stop"',
        tag("stop-1"),
    ),
    (
        "a version box asks for no version",
        "structure",
        'cell "print" must have the tag "version-box" if and only if',
        tag("print", "version-box"),
    ),
    # -- what is stored --
    (
        "a lesson was not run in one go",
        "outputs",
        "is not stored from one clean run",
        in_cell("print", lambda cell: cell.update(execution_count=9)),
    ),
    (
        "a lesson stores no output",
        "outputs",
        "stores no output at all",
        in_notebook(
            lambda notebook: notebook["cells"][2].update(outputs=[]),
            name="notebooks/00_start.ipynb",
        ),
    ),
    (
        "an error is stored",
        "outputs",
        'cell "print" stores an unexpected KeyError',
        in_cell(
            "print",
            lambda cell: cell["outputs"].append(
                {"output_type": "error", "ename": "KeyError", "evalue": "3", "traceback": []}
            ),
        ),
    ),
    (
        "an expected error is not stored",
        "outputs",
        "is tagged raises-exception and stores no error",
        tag("print", "raises-exception"),
    ),
    (
        "an address is shown",
        "outputs",
        "shows a memory address ('0x7f31c0ffee10' in stdout)",
        printed("<Queue at 0x7f31c0ffee10>\n"),
    ),
    ("a path is shown", "outputs", "shows an absolute path", printed("/tmp/queue.txt\n")),
    ("a colour code is shown", "outputs", "shows a colour code", printed("\x1b[31mred\n")),
    (
        "widget state is stored",
        "outputs",
        "stores widget state",
        in_cell("print", output({"application/vnd.jupyter.widget-view+json": "{}"})),
    ),
    (
        "an exercise stores an output",
        ("outputs", "fresh"),
        'cell "check" stores an output',
        in_cell("check", lambda cell: cell.update(execution_count=1), name=EXERCISE),
    ),
    (
        "a volatile cell gives no reason",
        "volatile",
        'cell "print" is volatile and says not why',
        tag("print", "volatile"),
    ),
    (
        "too many cells are volatile",
        "volatile",
        "1 of 5 code cells are volatile, the cap is 5%",
        tag("print", "volatile", volatile_reason="the time of day"),
    ),
    # -- words for pictures and tables --
    (
        "a picture has no alt text",
        "alt text",
        'cell "table" has a picture whose alt text has 0 characters',
        html('<img src="data:image/png;base64,AAAA"><details>Long.</details>'),
    ),
    (
        "an alt text says only that it is a picture",
        "alt text",
        'has an alt text that begins "Image of a long queu"',
        html('<img alt="Image of a long queue of people"><details>Long.</details>'),
    ),
    (
        "a picture has no longer text",
        "alt text",
        "shows a picture without a longer text or a table",
        html('<img alt="The queue grows by one a second.">'),
    ),
    (
        "a picture is not in HTML",
        "alt text",
        "shows a bare image/png without words",
        in_cell("table", output({"image/png": "AAAA"})),
    ),
    (
        "a table has no caption",
        "alt text",
        "shows a table without a caption",
        html('<table><tr><th scope="col">second</th></tr></table>'),
    ),
    (
        "the headings of a table have no scope",
        "alt text",
        "shows a table whose headings have no scope",
        html("<table><caption>The queue</caption><tr><th>second</th></tr></table>"),
    ),
    (
        "a picture in a text cell has no words",
        "alt text",
        'cell "grow" has a picture whose alt text has 5 characters',
        source("grow", "## It grows\n\n![queue](../../README.md)"),
    ),
    (
        "a table is in Markdown",
        "alt text",
        'cell "grow" has a table in Markdown, which can carry no caption; write <table>',
        source("grow", "## It grows\n\n| second | queue |\n| --- | --- |\n| 1 | 1 |"),
    ),
    # -- plain language; each of its rules is in test_plain_language.py --
    (
        "an acronym is not explained",
        "plain language",
        'cell "grow" uses FIFO first and does not say what it is; explain it there.',
        source("grow", "## It grows\n\nThe queue is FIFO."),
    ),
    (
        "an exercise has a long paragraph",
        ("plain language", "fresh"),
        'cell "title" has a paragraph of 5 sentences',
        source("title", "# A counter of chairs\n\nOne. Two. Three. Four. Five.", name=EXERCISE),
    ),
    # -- links, imports, sizes --
    (
        "a link leads nowhere",
        "links",
        'links to "../../NOWHERE.md"',
        source("grow", "## It grows\n\nSee [this](../../NOWHERE.md)."),
    ),
    (
        "a link leads to no heading",
        "links",
        'links to "#It-shrinks"',
        source("grow", "## It grows\n\nSee [below](#It-shrinks)."),
    ),
    (
        "a chapter package imports a library",
        "imports",
        "course_lib/shop/__init__.py: imports psutil, but a chapter package imports only",
        change(
            "course_lib/shop/__init__.py",
            "from course_lib.clock import now\n\nopened = now()",
            "import psutil\n\nopened = psutil.boot_time()",
        ),
    ),
    (
        "labs import a chapter package",
        "imports",
        "course_lib/labs/__init__.py: imports course_lib.shop.opened",
        append(
            "course_lib/labs/__init__.py", "\nfrom course_lib.shop import opened\n\nnow = opened\n"
        ),
    ),
    (
        "a lesson helper imports practice inside a function",
        "imports",
        "course_lib.lesson may import neither a chapter package nor practice",
        append(
            "course_lib/lesson/__init__.py",
            "\n\ndef look() -> object:\n    from ..practice import check\n\n    return check\n",
        ),
    ),
    (
        "something else than lesson imports matplotlib",
        "imports",
        "only course_lib.lesson may import matplotlib",
        append("course_lib/labs/__init__.py", "\nimport matplotlib\n\nuse = matplotlib.use\n"),
    ),
    (
        "a module is too long",
        "size",
        "course_lib/labs/__init__.py: has 301 lines, the limit is 300",
        append("course_lib/labs/__init__.py", "# more\n" * 300),
    ),
    (
        "a module hides a standard one",
        "size",
        "course_lib/shop/queue.py: has the name of a standard module",
        append("course_lib/shop/queue.py", '"""A queue."""\n'),
    ),
    # -- what is made from something else --
    (
        "the README differs from the index",
        "derived",
        "README.md: differs from course.toml",
        change("README.md", "| 30 |", "| 31 |"),
    ),
    (
        "the README has lost its map",
        "derived",
        'has no part "map"',
        change("README.md", "<!-- begin: map -->", ""),
    ),
    (
        "an exercise differs from its source",
        "fresh",
        f"{EXERCISE}: is not what its source makes",
        change(EXERCISE, "A counter of chairs", "A counter of tables"),
    ),
    # -- what is written about others --
    (
        "a file names a folder of one machine",
        "machines",
        "README.md: line 1 names a folder of one machine",
        change("README.md", "# A", "# See /" + "home/ada/course\n\n# A"),
    ),
    (
        "a file names a folder of one machine without anything in it",
        "machines",
        "README.md: line 1 names a folder of one machine",
        change("README.md", "# A", "# See `/" + "work`\n\n# A"),
    ),
    (
        "a file names the home of this machine's administrator",
        "machines",
        "README.md: line 1 names a folder of one machine",
        change("README.md", "# A", "# See `/" + "root`\n\n# A"),
    ),
    (
        "a file names a mirror of packages",
        "machines",
        "names a package index other than pypi.org",
        append("requirements.lock", "--index-url https://" + "mirror.acme.io/simple\n"),
    ),
    # -- other tools --
    (
        "a name is not used",
        "lint",
        "course_lib/labs/__init__.py:3:8: F401",
        append("course_lib/labs/__init__.py", "\nimport math\n"),
    ),
    (
        "a file is not formatted",
        "format",
        "course_lib/clock.py:",
        change("course_lib/clock.py", "now = time", "now  =  time"),
    ),
    (
        "a type is wrong",
        "types",
        "course_lib/labs/__init__.py:3: error:",
        append("course_lib/labs/__init__.py", '\nchairs: int = "three"\n'),
    ),
    (
        "the workflow does not fit GitHub's schema",
        "workflow",
        "does not fit GitHub's schema",
        change(".github/workflows/test.yml", "runs-on:", "runs-somewhere:"),
    ),
    (
        "the workflow calls something else",
        "workflow",
        "does not call `python3 course.py test`",
        change(".github/workflows/test.yml", "run: python3 course.py test", "run: pytest"),
    ),
    (
        "the workflow may write",
        "workflow",
        "may do more than read the contents",
        change(".github/workflows/test.yml", "contents: read", "contents: write"),
    ),
]


def found_by(root: Path, *, also: tuple[str, ...] = ()) -> dict[str, Gate]:
    """Gate name -> what it found, without the slow ones unless asked for."""
    names = dict(zip(NAMES, running.STATIC, strict=True))
    return {name: gate(root) for name, gate in names.items() if name not in SLOW or name in also}


def test_the_sound_course_passes_every_static_gate(root: Path) -> None:
    found = found_by(root, also=SLOW)

    assert {name: gate.complaints for name, gate in found.items()} == dict.fromkeys(NAMES, ())
    assert [gate.name for gate in found.values()] == list(NAMES)


@pytest.mark.parametrize(
    ("gates", "words", "plant"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_planted_fault_fails_its_gate_and_no_other(
    root: Path, gates: str | tuple[str, ...], words: str, plant: Edit
) -> None:
    expected = (gates,) if isinstance(gates, str) else gates

    plant(root)
    found = found_by(root, also=expected)

    assert tuple(name for name, gate in found.items() if not gate.passed) == expected
    assert words in "\n".join(found[expected[0]].complaints)


def test_every_static_gate_has_a_planted_fault() -> None:
    assert {row[1] for row in FAULTS if isinstance(row[1], str)} == set(NAMES)


def test_a_gate_that_covers_less_than_its_minimum_fails_and_says_so(root: Path) -> None:
    change("tests/minimums.toml", "links = 4", "links = 400")(root)

    links = found_by(root)["links"]

    assert links.complaints == (
        f"links: looked at {links.covered} links, the minimum is 400; find what went missing, "
        "or change tests/minimums.toml if it is meant.",
    )


def test_a_gate_without_a_minimum_fails(root: Path) -> None:
    change("tests/minimums.toml", "links = 4", "")(root)

    assert found_by(root)["links"].complaints == (
        'tests/minimums.toml: has no minimum for "links"; add one.',
    )


def test_an_index_that_cannot_be_read_fails_and_does_not_crash_the_others(root: Path) -> None:
    change("course.toml", "[[chapter]]", "[[chapter")(root)

    found = found_by(root)

    assert "course.toml: " in found["index"].complaints[0]


def test_a_file_that_is_no_notebook_is_named(root: Path) -> None:
    (root / LESSON).write_text("{", encoding="utf-8")

    complaints = found_by(root)["structure"].complaints

    assert complaints[0].startswith(f"{LESSON}: is not a notebook (JSONDecodeError")


def test_the_report_has_a_line_for_each_gate_and_a_count_at_the_end(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change("README.md", "| 30 |", "| 31 |")(root)
    index, derived = running.STATIC[0], running.STATIC[NAMES.index("derived")]

    status = running.run([index, derived], root)

    first, second, complaint, last = capsys.readouterr().out.splitlines()
    assert status == 1
    assert first.split() == ["index", "3", "entries,", "at", "least", "3", "0.0", "s", "ok"]
    assert second.endswith("FAILED")
    assert complaint == "    README.md: differs from course.toml; run `python3 course.py build`."
    assert last == "1 passed, 1 failed"


def test_ci_refuses_to_leave_gates_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")

    assert running.main(["--fast"]) == 1
    assert (
        capsys.readouterr().err == "In CI every gate runs; leave out --fast, --changed, --python.\n"
    )
