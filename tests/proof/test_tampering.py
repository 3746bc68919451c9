"""No stored output can be changed without the gate saying so, in its cell.

One sound lesson shows every kind of output. It is stored once by the build and
run once in a kernel; each test changes a copy of what is stored and compares it
with what was shown, by the code that the gate uses. Some are run by the gate
itself, from end to end.
"""

import copy
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4
from nbval.plugin import get_sanitize_patterns

from course_lib.index import ROOT
from course_lib.proof.building import run_and_store
from course_lib.proof.collecting import Shown
from course_lib.proof.comparing import cell_difference
from course_lib.proof.drawn_with import pictures_are_comparable
from course_lib.proof.executing import collector_for, run_cell
from course_lib.proof.lesson_kernel import LessonKernel
from course_lib.proof.lessons import LessonResult, run_lessons
from course_lib.proof.rooms import room
from course_lib.proof.stored import outputs_are_clean, volatile_cells_are_few

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

FIGURE = """\
def draw(color="#0072B2", last=4, title="The queue", label="people", marker="o",
         style="-", width=2, top=5, alt="The queue grows by one person a second.",
         caption="Figure 1", long="It starts at one.", note=""):
    fig = Figure(figsize=(4, 3))
    axes = fig.subplots()
    axes.plot([1, 2, 3], [1, 2, last], color=color, marker=marker, ls=style, lw=width)
    axes.set(title=title, xlabel="second", ylabel=label, ylim=(0, top))
    if note:
        axes.text(2, 0.5, note)
    figure(fig, alt=alt, caption=caption, long=long, data=[(1, 1), (2, 2), (3, last)],
           header=("second", "people"))

draw()
"""
EXPLORABLE = """\
def knob(sentence="{} chairs are taken.", label="Chairs", at=5):
    return explorable(
        lambda chairs: chairs,
        draw=lambda axes, chairs: axes.bar(["taken"], [chairs]) and axes.set_ylabel("chairs"),
        describe=lambda chairs, before: sentence.format(chairs),
        label=label, controls={"chairs": (1, 9, 1, 3)}, at=[{"chairs": at}])

knob()
"""
PREDICT = """\
def halved():
    return 7 // 2

predict(halved, "What is half of seven?", {3: "It rounds down.", 4: "It does not round up."})
"""

# id -> source of the sound lesson
LESSON = {
    "set-up": """\
import base64, sys
import ipywidgets
from IPython.display import HTML, JSON, SVG, Image, Latex, clear_output, display
from matplotlib.figure import Figure
from course_lib.lesson import expect, explorable, figure, predict, quiz, table
from course_lib.lesson.items import items_of
""",
    "figure": FIGURE,
    "two-figures": "draw(title='Left')\ndraw(title='Right')",
    "explorable": EXPLORABLE,
    "predict": PREDICT,
    "quiz": "quiz(next(item.id for item in items_of('01.1') if item.kind == 'single'))",
    "table": "table([('Monday', 3), ('Friday', 9)], header=('day', 'guests'), caption='Guests')",
    "expect": "with expect(KeyError):\n    {}['chairs']",
    "streams": "print('served 3')\nprint('served 4')\nprint('late', file=sys.stderr)",
    "mixed": "print('first')\ndisplay('second')\nprint('third')",
    "traceback": "def serve(guest):\n    return {}[guest]\n\nserve('Ada')",
    "display": "display({'chairs': 3})",
    "display-id": "handle = display('one guest', display_id='guests')",
    "update": "handle.update('two guests')\nprint('came')",
    "clear": "print('cooking')\nclear_output(wait=True)\nprint('served')",
    "output-widget": "pane = ipywidgets.Output()\nwith pane:\n    print('in')\nprint('outside')",
    "slider": "ipywidgets.IntSlider(3, description='chairs')",
    "html": "HTML('<b>nine</b>', metadata={'isolated': True})",
    "latex": "Latex('$x^2$')",
    "svg": """SVG('<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>')""",
    "json": "JSON({'chairs': [1, 2, None]})",
    "png": f"display(Image(base64.b64decode('{PIXEL}')))",
    "silent": "chairs = 3",
    "hidden": "chairs + 1;",
    "value": "chairs",
}

TABLE = "table([('Monday', {}), ('Friday', 9)], header=('day', '{}'), caption='{}')"

# what is changed -> (cell, source that shows the cell's outputs as they are stored after it)
REDRAWN = {
    "a colour": ("figure", "draw(color='#0072B3')"),
    "a data point": ("figure", "draw(last=4.001)"),
    "a title": ("figure", "draw(title='The queues')"),
    "a label": ("figure", "draw(label='persons')"),
    "a marker": ("figure", "draw(marker='s')"),
    "a line style": ("figure", "draw(style='--')"),
    "a line width": ("figure", "draw(width=2.5)"),
    "a limit of an axis": ("figure", "draw(top=6)"),
    "a note in the picture": ("figure", "draw(note='here')"),
    "an alt text": ("figure", "draw(alt='The queue grows by two people a second.')"),
    "a figure's caption": ("figure", "draw(caption='Figure 2')"),
    "a long text": ("figure", "draw(long='It starts at zero.')"),
    "a widget's sentence": ("explorable", "knob('{} chairs are free.')"),
    "a widget's label": ("explorable", "knob(label='Tables')"),
    "a setting of a saved page": ("explorable", "knob(at=6)"),
    "a slider's start": ("slider", "ipywidgets.IntSlider(4, description='chairs')"),
    "a bet's reason": ("predict", "predict(halved, 'What?', {3: 'Down.', 4: 'Up.'})"),
    "a table's cell": ("table", TABLE.format(4, "guests", "Guests")),
    "a table's header": ("table", TABLE.format(3, "people", "Guests")),
    "a table's caption": ("table", TABLE.format(3, "guests", "Visitors")),
}

Cells = dict[str, Any]
Change = Callable[[Cells], object]


def outputs(cells: Cells, id: str) -> list[Any]:
    return cells[id]["outputs"]


def swap(text: str, old: str, new: str) -> str:
    assert old in text, f"{old!r} is not in what is stored"
    return text.replace(old, new)


def in_stream(id: str, name: str, old: str, new: str) -> Change:
    def change(cells: Cells) -> None:
        (stream,) = [one for one in outputs(cells, id) if one.get("name") == name]
        stream["text"] = swap(stream["text"], old, new)

    return change


def in_data(id: str, mime: str, old: str, new: str, *, number: int = 0) -> Change:
    def change(cells: Cells) -> None:
        data = outputs(cells, id)[number]["data"]
        data[mime] = swap(data[mime], old, new)

    return change


def in_html_and_text(id: str, old: str, new: str) -> Change:
    def change(cells: Cells) -> None:
        for mime in ("text/html", "text/plain"):
            in_data(id, mime, old, new)(cells)

    return change


def put(id: str, number: int, field: str, value: object) -> Change:
    return lambda cells: outputs(cells, id)[number].update({field: value})


def in_error(field: str, old: str, new: str) -> Change:
    def change(cells: Cells) -> None:
        (error,) = outputs(cells, "traceback")
        error[field] = json.loads(swap(json.dumps(error[field]), old, new))

    return change


def picture_of(html: str) -> str:
    return re.search(r"base64,([A-Za-z0-9+/=]+)", html)[1]


def other_picture_same_words(cells: Cells) -> None:
    left, right = (one["data"] for one in outputs(cells, "two-figures"))
    left["text/html"] = swap(
        left["text/html"], picture_of(left["text/html"]), picture_of(right["text/html"])
    )


def swap_pictures(cells: Cells) -> None:
    left, right = (one["data"] for one in outputs(cells, "two-figures"))
    one, other = picture_of(left["text/html"]), picture_of(right["text/html"])
    left["text/html"] = swap(left["text/html"], one, other)
    right["text/html"] = swap(right["text/html"], other, one)


def one_bit_of_a_picture(cells: Cells) -> None:
    data = outputs(cells, "figure")[0]["data"]
    before = picture_of(data["text/html"])
    middle = len(before) // 2
    letter = "A" if before[middle] != "A" else "B"
    after = before[:middle] + letter + before[middle + 1 :]
    data["text/html"] = swap(data["text/html"], before, after)


def put_picture(cells: Cells, encoded: str) -> None:
    data = outputs(cells, "figure")[0]["data"]
    data["text/html"] = swap(data["text/html"], picture_of(data["text/html"]), encoded)


def no_picture(cells: Cells) -> None:
    data = outputs(cells, "figure")[0]["data"]
    data["text/html"] = re.sub("<img [^>]*>", "", data["text/html"])


def swap_outputs(cells: Cells, one: str, other: str) -> None:
    cells[one]["outputs"], cells[other]["outputs"] = outputs(cells, other), outputs(cells, one)


def unrun(id: str, *, keep: bool) -> Change:
    def change(cells: Cells) -> None:
        cells[id]["execution_count"] = None
        cells[id]["outputs"] = outputs(cells, id) if keep else []

    return change


def into_display(cells: Cells) -> None:
    (output,) = outputs(cells, "value")
    output["output_type"] = "display_data"
    del output["execution_count"]


def into_result(cells: Cells) -> None:
    (output,) = outputs(cells, "display")
    output.update(output_type="execute_result", execution_count=cells["display"]["execution_count"])


def no_kind(id: str, mime: str) -> Change:
    return lambda cells: outputs(cells, id)[0]["data"].pop(mime)


def printed(text: str) -> Any:
    return v4.new_output("stream", text=text)


# what is done to the stored outputs -> how
CHANGED: dict[str, Change] = {
    "a picture removed": no_picture,
    "a figure removed": lambda cells: outputs(cells, "figure").clear(),
    "figures swapped": lambda cells: outputs(cells, "two-figures").reverse(),
    "pictures swapped under their words": swap_pictures,
    "another picture under the same words": other_picture_same_words,
    "one bit of a picture": one_bit_of_a_picture,
    "a picture cut off": lambda cells: put_picture(cells, PIXEL[:20]),
    "a picture that is none": lambda cells: put_picture(cells, "A"),
    "a plain picture changed": in_data("png", "image/png", PIXEL[60:64], "AAAA"),
    "a plain picture removed": no_kind("png", "image/png"),
    "only the HTML of a table": in_data("table", "text/html", "Monday", "Sunday"),
    "only the text of a table": in_data("table", "text/plain", "Monday", "Sunday"),
    "the HTML removed": no_kind("table", "text/html"),
    "the text removed": no_kind("table", "text/plain"),
    "a quiz's choice": in_data("quiz", "text/html", "<li>", "<li>not "),
    "a quiz's answer": in_data("quiz", "text/plain", "Answer: ", "Answer: not "),
    "a line of the traceback": in_error("traceback", "return {}[guest]", "return {}[guests]"),
    "a line of the traceback left out": lambda cells: outputs(cells, "traceback")[0][
        "traceback"
    ].pop(),
    "the error's name": in_error("ename", "KeyError", "LookupError"),
    "the error's words": in_error("evalue", "Ada", "Eva"),
    "an error removed": lambda cells: outputs(cells, "traceback").clear(),
    "the words of an expected error": in_stream("expect", "stdout", "chairs", "tables"),
    "a line of stdout": in_stream("streams", "stdout", "served 4", "served 5"),
    "a line of stderr": in_stream("streams", "stderr", "late", "early"),
    "a line of stdout removed": in_stream("streams", "stdout", "served 4\n", ""),
    "stdout's lines swapped": in_stream(
        "streams", "stdout", "served 3\nserved 4", "served 4\nserved 3"
    ),
    "a space at the end of stdout": in_stream("streams", "stdout", "4\n", "4 \n"),
    "the last line end of stdout": in_stream("streams", "stdout", "4\n", "4"),
    "stdout turned into stderr": lambda cells: outputs(cells, "expect")[0].update(name="stderr"),
    "the order inside a cell": lambda cells: outputs(cells, "mixed").reverse(),
    "stdout pulled before a display": lambda cells: cells["mixed"].update(
        outputs=[printed("first\nthird\n"), outputs(cells, "mixed")[1]]
    ),
    "outputs of two cells swapped": lambda cells: swap_outputs(cells, "streams", "expect"),
    "a result turned into a display": into_display,
    "a display turned into a result": into_result,
    "a result's number": put("value", 0, "execution_count", 99),
    "a cell's number": lambda cells: cells["silent"].update(execution_count=99),
    "a result removed": lambda cells: outputs(cells, "value").clear(),
    "an output added": lambda cells: outputs(cells, "silent").append(printed("3\n")),
    "an output doubled": lambda cells: outputs(cells, "display").append(
        copy.deepcopy(outputs(cells, "display")[0])
    ),
    "a hidden value shown": lambda cells: outputs(cells, "hidden").append(
        v4.new_output("execute_result", {"text/plain": "4"}, execution_count=1)
    ),
    "never run, nothing stored": unrun("silent", keep=False),
    "never run, outputs removed": unrun("value", keep=False),
    "never run, outputs kept": unrun("value", keep=True),
    "a display before its update": in_data("display-id", "text/plain", "two guests", "one guest"),
    "what was cleared": in_stream("clear", "stdout", "served", "cooking\nserved"),
    "what is inside a widget": in_stream("output-widget", "stdout", "outside", "in\noutside"),
    "HTML": in_data("html", "text/html", "nine", "none"),
    "metadata": put("html", 0, "metadata", {}),
    "LaTeX": in_data("latex", "text/latex", "2", "3"),
    "SVG": in_data("svg", "image/svg+xml", '"3"', '"4"'),
    "JSON": lambda cells: outputs(cells, "json")[0]["data"].update(
        {"application/json": {"chairs": [1, 2, 0]}}
    ),
    "a kind added": lambda cells: outputs(cells, "latex")[0]["data"].update({"text/html": "x"}),
    "a table's cell, in both its forms": in_html_and_text("table", "9", "10"),
}


@pytest.fixture(scope="module")
def lesson() -> Iterator[Path]:
    """The sound lesson, stored by the build. Its path is short: a kernel listens beside it."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        path = Path(folder) / "notebooks" / "sound.ipynb"
        path.parent.mkdir()
        save(path, [v4.new_code_cell(source, id=id) for id, source in LESSON.items()])
        run_and_store(path)
        yield path


def save(path: Path, cells: list[Any]) -> Path:
    for one in cells:
        if one["id"] == "traceback":
            one["metadata"]["tags"] = ["raises-exception"]
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def stored(lesson: Path) -> Cells:
    return {one["id"]: one for one in nbformat.read(lesson, as_version=4).cells}


@pytest.fixture(scope="module")
def shown(lesson: Path) -> dict[str, Shown]:
    """What each cell shows; what each redrawing shows, in the same kernel, by its own name."""
    sources = {**LESSON, **{name: source for name, (_, source) in REDRAWN.items()}}
    with room(lesson) as place:
        kernel = LessonKernel(place, seconds=60)
        try:
            collector = collector_for(kernel)
            return {
                name: run_cell(kernel, collector, source, seconds=20)
                for name, source in sources.items()
            }
        finally:
            kernel.close()


RULES = get_sanitize_patterns((ROOT / "tests/notebooks/sanitize.cfg").read_text(encoding="utf-8"))


def clean(text: str) -> str:
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    return text


def differing(cells: Cells, shown: dict[str, Shown]) -> dict[str, str]:
    """The cells in which the gate sees a difference, and what it says."""
    found = {
        id: cell_difference(
            cells[id], shown[id].outputs, shown[id].count, clean=clean, pictures=True
        )
        for id in cells
    }
    return {id: said for id, said in found.items() if said}


def test_the_sound_lesson_passes(stored: Cells, shown: dict[str, Shown], lesson: Path) -> None:
    assert differing(stored, shown) == {}
    assert run_lessons([lesson]) == LessonResult(len(LESSON), len(LESSON), ())


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_output_is_noticed_in_its_cell(
    name: str, stored: Cells, shown: dict[str, Shown]
) -> None:
    cells = copy.deepcopy(stored)

    CHANGED[name](cells)

    changed = {id for id in cells if cells[id] != stored[id]}
    assert changed
    assert set(differing(cells, shown)) == changed


@pytest.mark.parametrize("name", REDRAWN)
def test_an_output_of_other_code_is_noticed_and_named(
    name: str, stored: Cells, shown: dict[str, Shown]
) -> None:
    id, _ = REDRAWN[name]
    cells = copy.deepcopy(stored)

    cells[id]["outputs"] = renumbered(shown[name].outputs, cells[id]["execution_count"])

    said = differing(cells, shown)
    assert list(said) == [id]
    assert "reads the same" not in said[id]  # the words alone tell it


def renumbered(outputs: list[Any], count: int) -> list[Any]:
    """Copies that differ from stored outputs in nothing but what they show."""
    copies = copy.deepcopy(outputs)
    for one in copies:
        if "execution_count" in one:
            one["execution_count"] = count
    return copies


def test_code_run_again_shows_the_same(stored: Cells, shown: dict[str, Shown]) -> None:
    assert stored["two-figures"].outputs[0] != stored["two-figures"].outputs[1]
    assert stored["table"].outputs == shown["table"].outputs
    assert stored["figure"].outputs == shown["figure"].outputs


def test_only_the_bytes_of_a_picture_are_a_matter_of_the_machine(
    stored: Cells, shown: dict[str, Shown]
) -> None:
    cells = copy.deepcopy(stored)
    one_bit_of_a_picture(cells)
    figure, now = cells["figure"], shown["figure"]

    elsewhere = cell_difference(figure, now.outputs, now.count, clean=clean, pictures=False)
    here = cell_difference(figure, now.outputs, now.count, clean=clean, pictures=True)

    assert elsewhere == ""
    assert here.startswith("Cell outputs differ\nWhat was drawn reads the same, the picture is")


def tagged(id: str, *tags: str) -> Change:
    return lambda cells: cells[id]["metadata"].update(tags=list(tags))


# what only the files tell -> (how, a pattern for what the gate says)
IN_FILES: dict[str, tuple[Change, str]] = {
    "a volatile cell without a reason": (tagged("value", "volatile"), 'cell "value" is volatile'),
    "an error that nobody expects": (tagged("traceback"), 'cell "traceback" stores an unexpected'),
    "an expected error that is not there": (
        tagged("value", "raises-exception"),
        'cell "value" is tagged raises-exception',
    ),
    "stdout and stderr swapped": (
        lambda cells: outputs(cells, "streams").reverse(),
        'cell "streams" stores its streams',
    ),
    "a number left out": (
        lambda cells: cells["value"].update(execution_count=99),
        "is not stored from one clean run",
    ),
}


@pytest.mark.parametrize("name", IN_FILES)
def test_what_only_the_files_tell_is_noticed(name: str, stored: Cells, tmp_path: Path) -> None:
    change, said = IN_FILES[name]
    cells = copy.deepcopy(stored)
    (tmp_path / "notebooks").mkdir()
    path = save(tmp_path / "notebooks" / "sound.ipynb", list(cells.values()))
    before = complaints(tmp_path)

    change(cells)
    nbformat.write(v4.new_notebook(cells=list(cells.values())), path)

    new = set(complaints(tmp_path)) - set(before)
    assert re.search(said, "\n".join(new))


def complaints(root: Path) -> list[str]:
    return [*outputs_are_clean(root).problems, *volatile_cells_are_few(root).problems]


# what is done to the lesson -> (how, the cell that the gate names, what it says)
RUN: dict[str, tuple[Change, str, str]] = {
    "source": (
        lambda cells: cells["table"].update(source=TABLE.format(5, "guests", "Guests")),
        "table",
        "+  day: Monday; guests: 5",
    ),
    "semicolon": (lambda cells: cells["hidden"].update(source="chairs + 1"), "hidden", "+4"),
    "removed": (lambda cells: cells.pop("streams"), "mixed", "build the lesson"),
    "calm": (lambda cells: cells["traceback"].update(source="1"), "traceback", "-KeyError"),
    "late": (
        in_data("display-id", "text/plain", "two guests", "one guest"),
        "display-id",
        "-'one guest'",
    ),
    "bytes": (one_bit_of_a_picture, "figure", "the picture is another"),
}


@pytest.fixture(scope="module")
def run(lesson: Path, stored: Cells) -> LessonResult:
    """All of them in one run of the gate, beside the sound lesson."""
    paths = []
    for name, (change, _, _) in RUN.items():
        cells = copy.deepcopy(stored)
        change(cells)
        paths.append(save(lesson.with_name(f"{name}.ipynb"), list(cells.values())))
    return run_lessons([lesson, *paths], jobs=2)


@pytest.mark.parametrize("name", RUN)
def test_the_gate_names_the_lesson_and_the_cell(name: str, run: LessonResult) -> None:
    _, id, said = RUN[name]
    if name == "bytes" and not pictures_are_comparable():
        pytest.skip("pictures are drawn with other libraries here, or elsewhere")

    first = next(one for one in run.problems if one.startswith(f"{name}.ipynb: "))

    assert first.startswith(f'{name}.ipynb: cell "{id}": ')
    assert said in first


def test_the_untampered_lesson_beside_them_passes(run: LessonResult) -> None:
    assert not [one for one in run.problems if one.startswith("sound.ipynb")]
