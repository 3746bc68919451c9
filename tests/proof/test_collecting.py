"""The gate's collector keeps what the build stores, one cell of each kind."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from course_lib.proof.building import run_and_store
from course_lib.proof.collecting import Shown
from course_lib.proof.comparing import difference
from course_lib.proof.executing import collector_for, run_cell
from course_lib.proof.lesson_kernel import LessonKernel
from course_lib.proof.lessons import LessonResult, run_lessons
from course_lib.proof.rooms import room

# what it is about -> its source
CELLS = {
    "set-up": """\
import sys
import ipywidgets
from IPython.display import HTML, JSON, SVG, Latex, Markdown, clear_output, display
""",
    "prints around a display": "print('before')\ndisplay('between')\nprint('after')",
    "two streams": "print('out')\nprint('err', file=sys.stderr)\nprint('out again')",
    "a line that is written over": "print('50 %\\r100 %')\nprint('ab\\b\\bc')",
    "nothing": "3 + 4;",
    "a value": "40 + 2",
    "an old value": "Out[6], In[6]",
    "cleared at once": "print('gone')\nclear_output()\nprint('kept')",
    "cleared when the next comes": "print('gone')\nclear_output(wait=True)\nprint('kept')",
    "cleared when nothing comes": "print('kept')\nclear_output(wait=True)",
    "a display to change": "handle = display('first', display_id='d')\nprint('under it')",
    "changed in its cell": "own = display('first', display_id=True)\nown.update('second')",
    "changed from another cell": "handle.update('second')",
    "the same id again": "display('third', display_id='d')",
    "the id of a cleared display": """\
cleared = display('gone', display_id='e')
clear_output()
cleared.update('fourth')
""",
    "inside a widget": """\
inside = ipywidgets.Output()
with inside:
    print('inside')
    display('inside')
print('outside')
""",
    "what a widget holds": "inside.outputs",
    "cleared inside a widget": """\
print('stays')
with inside:
    clear_output()
    print('new')
    print('more')
""",
    "what it holds then": "inside.outputs",
    "cleared inside when the next comes": """\
with inside:
    clear_output(wait=True)
    display('newest')
""",
    "what it holds at last": "inside.outputs",
    "a widget in a widget": """\
outer = ipywidgets.Output()
with outer:
    print('outer')
    with inside:
        print('inner')
    print('outer again')
print('outside')
""",
    "what both hold": "inside.outputs, outer.outputs",
    "an error inside a widget": "with inside:\n    1 / 0\nprint('goes on')",
    "interact": """\
ipywidgets.interact(lambda n: print(n, 'chairs'), n=ipywidgets.IntSlider(3))
print('done')
""",
    "a widget": "ipywidgets.IntSlider(3, description='chairs')",
    "several kinds": """\
display(HTML('<b>1</b>'), Latex('$x$'), Markdown('*m*'), JSON({'b': 1, 'a': [None, 2.5]}))
SVG('<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>')
""",
    "metadata": "display(HTML('<i>2</i>', metadata={'isolated': True}))",
    "an error": "print('soon')\n{}['chairs']",
}

# The kinds whose cells are compared once more when the lesson has ended.
CHANGED_LATER = {"a display to change", "the same id again"}


@contextmanager
def kernel(path: Path) -> Iterator[LessonKernel]:
    with room(path) as place:
        running = LessonKernel(place, seconds=60)
        try:
            yield running
        finally:
            running.close()


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lesson with every kind, stored by the build."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        path = Path(folder) / "probe" / "probe.ipynb"
        path.parent.mkdir()
        cells = [v4.new_code_cell(source) for source in CELLS.values()]
        for number, one in enumerate(cells):
            one["id"] = f"c{number}"
        cells[-1]["metadata"]["tags"] = ["raises-exception"]
        nbformat.write(v4.new_notebook(cells=cells), path)
        run_and_store(path)
        yield path


@pytest.fixture(scope="module")
def stored(probe: Path) -> dict[str, nbformat.NotebookNode]:
    return dict(zip(CELLS, nbformat.read(probe, as_version=4).cells, strict=True))


@pytest.fixture(scope="module")
def shown(probe: Path) -> dict[str, Shown]:
    with kernel(probe) as running:
        collector = collector_for(running)
        return {
            kind: run_cell(running, collector, source, seconds=20) for kind, source in CELLS.items()
        }


@pytest.mark.parametrize("kind", CELLS)
def test_what_is_collected_is_what_the_build_stored(
    stored: dict[str, nbformat.NotebookNode], shown: dict[str, Shown], kind: str
) -> None:
    assert difference(stored[kind].outputs, shown[kind].outputs, clean=str) == ""
    assert stored[kind].execution_count == shown[kind].count


def test_the_probe_shows_what_its_kinds_say(stored: dict[str, nbformat.NotebookNode]) -> None:
    def texts(kind: str) -> list[str]:
        return [one.get("text") or one.data["text/plain"] for one in stored[kind].outputs]

    assert texts("prints around a display") == ["before\n", "'between'", "after\n"]
    assert texts("two streams") == ["out\nout again\n", "err\n"]
    assert texts("a line that is written over") == ["100 %\nc\n"]
    assert texts("nothing") == []
    assert texts("an old value") == ["(42, '40 + 2')"]
    assert texts("cleared at once") == texts("cleared when the next comes") == ["kept\n"]
    assert texts("a display to change") == ["'third'", "under it\n"]
    assert texts("the id of a cleared display") == []
    assert texts("changed in its cell") == ["'second'"]
    assert texts("inside a widget") == ["outside\n"]
    assert "inside" in texts("what a widget holds")[0]


def test_only_cells_with_a_display_id_may_change(shown: dict[str, Shown]) -> None:
    changing = {kind for kind, one in shown.items() if one.may_change}

    assert changing >= CHANGED_LATER
    assert not changing & {"a value", "two streams", "an error", "a widget", "several kinds"}


def test_the_gate_passes_the_probe(probe: Path) -> None:
    assert run_lessons([probe]) == LessonResult(len(CELLS), len(CELLS), ())
