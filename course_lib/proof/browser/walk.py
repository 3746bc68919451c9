"""A walk through the interactives of a lesson that is open, by keyboard only.

From the cell, Tab must reach every control; each is used as a reader without a
mouse would; what changes must be told in the live region, within half a second,
and be seen in the picture. Tab must lead out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from course_lib.proof.browser.findings import Finding

__all__ = ["Walk", "walk"]

SOON = 500  # milliseconds from a key to the words; who hears nothing presses again
_LATEST = 8_000  # what is not told or drawn by then never is, also on a machine under load
_TABS = 100  # more than any cell has; then Tab goes round in a circle
_NEAR = 10  # within so many Tabs comes the first control of a cell, if there is one
_SETTLES = 100  # milliseconds; what an answer enables may come after its words
_ROUNDS = 3  # an answer can enable further controls
_TRIES = 8  # a machine under load may be slow now and then

_KEYS = {
    "slider": ("ArrowRight", "End", "Home"),
    "combobox": ("ArrowDown", "End", "Home"),
    "listbox": ("ArrowDown", "ArrowUp"),
    "checkbox": ("Space", "Space"),
    "radio": ("ArrowDown", "ArrowUp"),
    "textbox": ("1", "2"),
    "button": ("Enter",),
    "summary": ("Enter",),
}
_SELECT_CELL = """\
number => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = number;
  notebook.mode = 'command';
  notebook.activeCell.node.scrollIntoView();
  notebook.activeCell.node.focus();
}"""


@dataclass(frozen=True)
class Walk:
    """What the walk met: interactives, controls that were used, and findings."""

    groups: int
    controls: int
    found: tuple[Finding, ...]


def walk(page: Any, *, latest: int = _LATEST) -> Walk:
    """Use every control of every interactive in the notebook that was run.

    Args:
        latest: milliseconds until a control that has not spoken counts as silent.
    """
    groups = page.evaluate("() => courseAudit.groups()")
    controls = 0
    found = [
        Finding("no live region", group["where"], "changes are told to nobody")
        for group in groups
        if not group["live"]
    ]
    for cell in sorted({group["cell"] for group in groups}):
        used, wrong = _walk_cell(page, cell, groups, latest)
        controls += used
        found += wrong
    return Walk(len(groups), controls, tuple(found))


def _walk_cell(
    page: Any, cell: int, groups: list[dict[str, Any]], latest: int
) -> tuple[int, list[Finding]]:
    """All interactives that a cell has put out, one behind the other as Tab comes to them."""
    found: list[Finding] = []
    used: set[str] = set()
    for _ in range(_ROUNDS):
        for control in _tabbed(page, cell, groups, found):
            if control["id"] not in used:
                used.add(control["id"])
                number = control["group"]
                found += _use(page, number, groups[number], control, latest)
        page.wait_for_timeout(_SETTLES)
        if not (left := _unused(page, cell, groups, used)):
            break
    found += [
        Finding("not reached by keyboard", one["where"], "Tab does not come to it") for one in left
    ]
    return len(used), found


def _unused(
    page: Any, cell: int, groups: list[dict[str, Any]], used: set[str]
) -> list[dict[str, str]]:
    here = [number for number, group in enumerate(groups) if group["cell"] == cell]
    usable = page.evaluate("all => all.flatMap((one) => courseAudit.usable(one))", here)
    return [one for one in usable if one["id"] not in used]


def _tabbed(
    page: Any, cell: int, groups: list[dict[str, Any]], found: list[Finding]
) -> Iterator[dict[str, Any]]:
    """Each control of the cell on which Tab stops, from the cell on; a trap is told."""
    page.evaluate(_SELECT_CELL, cell)
    control = None
    for tabs in range(_TABS):
        page.keyboard.press("Tab")
        focus = page.evaluate("cell => courseAudit.focused(cell)", cell)
        if not focus["inside"] and (control or tabs >= _NEAR):
            return
        if focus["control"]:
            control = focus["control"]
            yield control
    if control:
        where = groups[control["group"]]["where"]
        found.append(Finding("keyboard trap", where, "Tab does not lead out"))


def _use(
    page: Any, number: int, group: dict[str, Any], control: dict[str, Any], latest: int
) -> Iterator[Finding]:
    """Work the control with its keys until it speaks and draws, and say what it did not do."""
    role, where = control["role"], control["where"]
    if not control["seen"]:
        yield Finding("focus not seen", where, "nothing shows that the keyboard is here")
    elif control["faint"]:
        yield Finding("focus hardly seen", where, "its ring has under 2 pixels or under 3:1")
    elif control["cut"]:
        yield Finding("focus ring cut off", where, "let what stands around it overflow")
    if role not in _KEYS:
        yield Finding("unknown control", where, f"nobody knows how to use a {role} by keyboard")
        return
    speaks = role == "button" or (group["picture"] and role not in ("textbox", "summary"))
    draws = group["picture"] and role in ("slider", "combobox")
    spoken: list[float] = []
    kept, changed, drawn = True, False, False
    state, patience = control["state"], latest
    once = len(_KEYS[role])
    for turn, key in enumerate(_KEYS[role] * (_TRIES if speaks else 1)):
        if turn >= once and not spoken:
            break  # silent, not slow
        if turn >= 2 * once and not drawn and min(spoken) <= SOON:
            break  # it speaks and never draws
        page.evaluate("number => courseAudit.listen(number)", number)
        page.keyboard.press(key)
        picture = latest if turn == 2 * once - 1 else SOON
        waits = {
            "before": None if role == "button" else state,
            "words": patience if speaks else 0,
            "picture": picture if draws and not drawn else 0,
        }
        heard = page.evaluate("waits => courseAudit.cameOf(waits)", waits)
        if heard is None:
            continue  # it stood at this end already, so there is nothing to tell
        state = heard["state"]
        spoken += [heard["after"]] if heard["after"] is not None else []
        patience = latest if spoken else SOON  # words of one key must not pass for the next's
        kept, drawn = kept and heard["kept"], drawn or heard["picture"]
        changed = changed or state != control["state"]
        if _done(speaks, draws, role, spoken, drawn, changed):
            break
    if speaks and not spoken:
        yield Finding("silent control", where, "using it changes no words in a live region")
    elif speaks and min(spoken) > SOON:
        yield Finding("told too late", where, f"{min(spoken):.0f} ms, more than {SOON}")
    if not kept:
        yield Finding("live region replaced", where, "change its words, not the region itself")
    if draws and not drawn:
        yield Finding("picture does not follow", where, "using it changes no picture")
    if role != "button" and not changed:
        yield Finding("not usable by keyboard", where, f"its keys do not change this {role}")


def _done(
    speaks: bool, draws: bool, role: str, spoken: list[float], drawn: bool, changed: bool
) -> bool:
    told = not speaks or (bool(spoken) and min(spoken) <= SOON)
    return told and (not draws or drawn) and (role == "button" or changed)
