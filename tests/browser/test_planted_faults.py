"""Every rule of the audit finds the fault that was planted for it.

`CELLS` maps a rule to the cell that breaks it; one that begins with "md:" is Markdown.
The controls are made without the course's own helpers, which would mend them.
"""

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat
from nbformat import v4

from course_lib.proof.browser import audit
from course_lib.proof.browser.lab import Lab, close_lesson, open_lesson, run_all
from course_lib.proof.browser.walk import walk

from .planted_by_authors import BY_AUTHORS

DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LONG_LINE = "x = '" + "a" * 80 + "'"
SAID = "A straight line that climbs from one to three."

SETUP = f"""\
import time
import ipywidgets as w
from IPython.display import HTML, display

def group(*children, live=True, name="A planted fault"):
    title = w.HTML(name)
    title.add_class("course-name")
    words = w.HTML('<p role="status">at the start</p>')
    whole = w.VBox([title, *children, *([words] if live else [])])
    whole.add_class("course-group")
    return whole, words

SPEAKS = "this.closest('.course-group').querySelector('[role=status]').textContent += '.'"

def only(html):  # its buttons speak: waiting for silent ones takes seconds
    return group(w.HTML(html.replace("<button", f'<button onclick="{{SPEAKS}}"')))[0]

PICTURE = '<img alt="{SAID}" src="{DOT}">'
"""

CELLS = {
    "picture without words": f"w.HTML('<img src=\"{DOT}\">')",
    "stand-in for words": f"md:![Image]({DOT})",
    "alt text too short": f"md:![A line]({DOT})",
    "alt text too long": f"md:![{'A line that climbs. ' * 20}]({DOT})",
    "alt text repeats the caption": "HTML(f'<figure>{PICTURE}<figcaption>"
    + SAID
    + "</figcaption></figure>')",
    "picture without long text": "HTML(PICTURE)",
    "drawing without a name": 'HTML(\'<svg width="9" height="9"><circle r="9"/></svg>\')',
    "more than one first heading": "md:# The second first heading",
    "heading level left out": "md:## Two\n\n#### Four",
    "empty heading": "HTML('<h3></h3>')",
    "no contents": "md:### Three\n\n### And three",
    "table without a caption": "md:| a | b |\n| --- | --- |\n| 1 | 2 |",
    "table without headers": "HTML('<table><caption>c</caption><tr><td>1</td></tr></table>')",
    "header without scope": "HTML('<table><caption>c</caption><tr><th>a</th></tr></table>')",
    "empty table header": """\
        HTML('<table><caption>c</caption><tr><th scope="col"></th></tr></table>')""",
    "link without a name": "HTML('<a href=\"#x\"></a>')",
    "link name says nothing": "md:Read [here](#x).",
    "task box without a name": "HTML('<ul><li><input type=\"checkbox\" disabled> tidy</li></ul>')",
    "target under 24 pixels": "HTML('<button style=\"width: 9px; height: 9px\">x</button>')",
    "group without a name": "w.RadioButtons(options=['a', 'b'])",
    "arrow keys leave the group": "w.RadioButtons(options=['c', 'd'])",
    "toggle without a state": "w.ToggleButton(description='on')",
    "placeholder as the only name": 'HTML(\'<input type="text" placeholder="your name">\')',
    "motion that does not end": "HTML('<style>@keyframes turn { to { rotate: 1turn } }</style>"
    '<p style="animation: turn 2s infinite">round</p>\')',
    "starts by itself": "HTML('<video autoplay></video>')",
    "error not announced": "1 / 0",
    "code line over 79 characters": LONG_LINE,
    "text contrast": "HTML('<p style=\"color: #aaa; background: #fff\">faint</p>')",
    "control without a name": "w.IntSlider()",
    "axe image-alt": f"w.HTML('<p><img src=\"{DOT}\"></p>')",
    "no live region": "group(w.Button(description='Nobody hears it'), live=False)[0]",
    "silent control": "group(w.HTML(PICTURE), w.IntSlider(description='silent'))[0]",
    "picture does not follow": """\
        slider = w.IntSlider(description='no picture')
        whole, words = group(w.HTML(PICTURE), slider)
        def tell(change):
            words.value = f'<p role="status">{slider.value}</p>'
        slider.observe(tell, 'value')
        whole""",
    "told too late": """\
        late = w.Button(description='late')
        whole, late_words = group(late)
        def tell_late(_):
            time.sleep(0.9)
            late_words.value = f'<p role="status">{time.monotonic_ns()}</p>'
        late.on_click(tell_late)
        whole""",
    "live region replaced": """\
        new = w.Button(description='new region')
        whole, new_words = group(new)
        def replace(_):
            new_words.value = '<p role="status">another one</p>'
        new.on_click(replace)
        whole""",
    "not reached by keyboard": "only('<button tabindex=\"-1\">no Tab</button><button>x</button>')",
    "keyboard trap": """\
        only('<button onkeydown="event.key === `Tab` && event.preventDefault()">stay</button>')""",
    "focus not seen": """\
        only('<button style="outline: 0 !important; box-shadow: 0 0 2px #000">x</button>')""",
    "focus hardly seen": """\
        only('<style>.thin:focus { outline: 1px solid #0b4f9e !important }</style>'
            '<button class="thin">thin</button>')""",
    "focus ring cut off": """\
        only('<style>.cut:focus { outline: 3px solid #0b4f9e !important }</style>'
            '<p style="overflow: hidden"><button class="cut">cut</button></p>')""",
    "unknown control": 'group(w.HTML(\'<input type="color" aria-label="colour">\'))[0]',
    "not usable by keyboard": """\
        only('<label><input type="checkbox" onclick="return false">stuck</label>')""",
    **BY_AUTHORS,
}
"""Rule -> the cell that breaks it."""

NO_PLACE = ("no contents", "axe image-alt")
"""Of these it is not told in which cell they were found."""

PAGE = """\
<!doctype html>
<html><head><title></title><style>
body { font: 10px/1.0 sans-serif; margin: 0 } a { text-decoration: none }
.wide { width: 2000px } .scrolls { width: 100px; overflow-x: auto }
</style></head><body><div>
<h2>No first heading</h2>
<p style="width: 1500px">Read the <a href="other.html">other page of it</a>, which is long.</p>
<div class="scrolls"><pre class="wide">wide</pre></div>
</div></body></html>
"""
WHOLE = (
    "page without a language",
    "page without a title",
    "page without main",
    "no way past the navigation",
    "page wider than the window",
    "scrolls, but not by keyboard",
)
"""Rules for a whole page that PAGE breaks; NARROW has the rest."""

NARROW = PAGE.replace("<div>\n<h2>", "<main>\n<h2>").replace("</div></body>", "</main></body>")
TEXT = ("letters under 16 pixels", "lines too close", "lines over 80 characters")
IN_PAGE = ("no first heading", "link told by colour only")


def write(path: Path) -> None:
    """The notebook with all of CELLS, after a first heading."""
    cells = [v4.new_markdown_cell("# Planted faults"), v4.new_code_cell(SETUP)]
    for source in CELLS.values():
        if source.startswith("md:"):
            cells.append(v4.new_markdown_cell(source[3:]))
        else:
            cells.append(v4.new_code_cell(dedent(source), metadata={"tags": ["raises-exception"]}))
    path.parent.mkdir(parents=True, exist_ok=True)
    kernel = {"name": "python3", "display_name": "Python 3"}  # without, JupyterLab asks for one
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def in_notebook(running_lab: Lab, page: Any) -> set[str]:
    """The rules that the planted notebook breaks, each in the cell that was planted for it."""
    write(running_lab.work / "planted.ipynb")
    open_lesson(page, running_lab, "planted.ipynb")
    run_all(page)
    audit.prepare(page)
    found = [*walk(page, latest=3_000).found, *audit.look(page, audit.NOTEBOOK, whole=False)]
    close_lesson(page)
    told = {(one.rule, one.where.split(",")[0]) for one in found}
    rules = {rule for rule, _ in told}
    return {
        planted
        for number, planted in enumerate(CELLS, 3)
        if (planted.split(" #")[0], f"cell {number}") in told or planted in rules & {*NO_PLACE}
    }


def in_page(text: str, context: Any) -> set[str]:
    """The rules that this page breaks."""
    page = context.new_page()
    page.set_content(text)
    audit.prepare(page)
    found = [*audit.whole_page(page), *audit.look(page, "body", whole=True)]
    page.close()
    return {one.rule for one in found}


# One test for many faults: each process of a run would open the notebook again.


def test_every_planted_fault_of_a_lesson_is_found(running_lab: Lab, lab_page: Any) -> None:
    assert CELLS.keys() - in_notebook(running_lab, lab_page) == set()


def test_every_planted_fault_of_a_page_is_found(context: Any) -> None:
    found = in_page(PAGE, context) | in_page(NARROW, context)

    assert {*WHOLE, *TEXT, *IN_PAGE} - found == set()


def test_every_rule_has_its_planted_fault() -> None:
    """A rule that somebody adds must be seen to bite."""
    files = sorted(Path(audit.__file__).parent.glob("*.js")) + sorted(
        Path(audit.__file__).parent.glob("*.py")
    )
    text = "\n".join(path.read_text("utf-8") for path in files)
    rules = set(re.findall(r"""(?:tell\(|once\(|rule: |Finding\(\s*)['"]([^'"]+)['"]""", text))
    planted = {*CELLS, *WHOLE, *TEXT, *IN_PAGE}

    assert rules <= planted
    assert len(rules) >= 25
