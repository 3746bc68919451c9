"""The audits of a page that is open: our rules, contrast, names, and axe-core's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from course_lib.proof.browser.findings import Finding, findings
from course_lib.proof.browser.tree import unnamed

__all__ = [
    "AXE_TAGS",
    "NOTEBOOK",
    "axe_rules",
    "content",
    "contrast",
    "look",
    "prepare",
    "whole_page",
]

NOTEBOOK = ".jp-Notebook"
AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_FEW = 3  # places that are told of one finding of axe
_HERE = Path(__file__).parent
_OPEN_ALL = "s => document.querySelectorAll(s + ' details').forEach(one => { one.open = true; })"

_AXE = """\
async ([selector, tags]) => {
  const root = document.querySelector(selector);
  const quick = { resultTypes: ['violations'], preload: false };  // no style sheets by network
  if (!root.querySelector('.cm-editor')) {
    return (await axe.run(root, { runOnly: tags, ...quick })).violations;
  }
  // An editor's coloured words cost axe most of its time; `contrast` looks there. Of sizes
  // there is a rule of ours, and it is stricter.
  const off = { enabled: false };
  const rules = { 'color-contrast': off, 'target-size': off };
  const prose = { include: [[selector]], exclude: [['.cm-editor']] };
  const seen = [await axe.run(root, { runOnly: tags, rules, ...quick }),
    await axe.run(prose, { runOnly: ['color-contrast'], ...quick })];
  return seen.flatMap((one) => one.violations);
}"""


@cache
def _script(name: str) -> str:
    if name == "axe":
        import axe_playwright_python  # type: ignore[import-untyped]  # only a file of it

        path = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    else:
        path = _HERE / name
    return path.read_text(encoding="utf-8")


def prepare(page: Any) -> None:
    """Give the page our rules and axe-core."""
    for name in ("page_rules.js", "author_rules.js", "contrast.js", "controls.js", "axe"):
        page.evaluate(_script(name))


def look(page: Any, selector: str, *, whole: bool) -> list[Finding]:
    """Content, contrast, names and axe's rules below `selector`; `prepare` comes first.

    Args:
        whole: a page of the HTML edition; else the notebook in JupyterLab.
    """
    seen = [*content(page, selector, whole=whole), *contrast(page, selector)]
    if not whole:  # a page of the HTML edition runs no kernel
        restless = "s => courseAudit.restless(document.querySelector(s))"
        seen += findings(page.evaluate(restless, selector))
    with _plain_code(page, selector):
        return [*seen, *unnamed(page, selector), *axe_rules(page, selector)]


@contextmanager
def _plain_code(page: Any, selector: str) -> Iterator[None]:
    """Printed code without its coloured words: thousands of places with nothing to find."""
    page.evaluate("s => courseAudit.plainCode(document.querySelector(s))", selector)
    try:
        yield
    finally:
        page.evaluate("() => courseAudit.colouredCode()")


def content(page: Any, selector: str, *, whole: bool) -> list[Finding]:
    """Pictures, headings, tables, links, sizes and motion below `selector`."""
    page.evaluate(_OPEN_ALL, selector)
    rows = page.evaluate(
        "([s, w]) => courseAudit.page(document.querySelector(s), w)", [selector, whole]
    )
    rows += page.evaluate("s => courseAudit.authored(document.querySelector(s))", selector)
    return findings(rows)


def contrast(page: Any, selector: str) -> list[Finding]:
    """Texts below 4.5:1, or 3:1 where they are large, in the theme that is on."""
    seen = page.evaluate("s => courseAudit.contrast(document.querySelector(s))", selector)
    if not seen["looked"]:
        return [Finding("text contrast", selector, "no text was found to look at")]
    return findings(seen["found"])


def whole_page(page: Any) -> list[Finding]:
    """What only a whole page of the HTML edition can break, at this width."""
    return findings(page.evaluate("() => courseAudit.whole()"))


def axe_rules(page: Any, selector: str) -> list[Finding]:
    """axe-core's findings below `selector`."""
    seen = page.evaluate(_AXE, [selector, AXE_TAGS])
    return [
        Finding(f"axe {rule['id']}", node["html"][:120], rule["help"])
        for rule in seen
        for node in rule["nodes"][:_FEW]
    ]
