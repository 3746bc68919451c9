"""How a lesson is presented: chosen once, changeable, never the content or the checks.

The names say what changes, not who needs it; several can be on together.
`COURSE_CALM=1` in the environment switches calm on as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import progress
from .live import button, group, region, say, words
from .markup import Interactive, bold, bullets, paragraph
from .remembered import setting

__all__ = ["PROFILES", "Profile", "chosen", "profile", "profile_css"]


@dataclass(frozen=True)
class Profile:
    """One way of presenting lessons."""

    name: str
    effect: str


PROFILES = (
    Profile("short chunks", "each stop point asks you to stop, and says what comes next"),
    Profile("fixed routine", "every part states the same five steps before it begins"),
    Profile("more worked steps", "explanations of pictures are unfolded from the start"),
    Profile("checklists", "a lesson starts with a list of what to tick off"),
    Profile("large print", "larger letters, wider lines, the strongest contrast"),
    Profile("calm", "nothing on the page moves or fades"),
)
_NAMES = tuple(each.name for each in PROFILES)
_TITLE = "How shall lessons be presented?"
_HELP = "Tick none, one or several. It changes the look and the hints, never the content."

# `inherit` gives a property back to JupyterLab, so unticking works at once.
_SIZES = {
    "--jp-content-font-size1": "20px",
    "--jp-code-font-size": "18px",
    "--jp-ui-font-size1": "18px",
}
_CONTRAST = {"--jp-content-font-color1": "#000", "--jp-ui-font-color1": "#000"}
_STILL = (
    ".jp-Notebook * { animation: none !important; transition: none !important; "
    "scroll-behavior: auto !important }"
)


def chosen() -> frozenset[str]:
    """The names of the profiles that are on."""
    names = set(setting("profile").split(", ")) & set(_NAMES)
    if os.environ.get("COURSE_CALM") == "1":
        names.add("calm")
    return frozenset(names)


def profile_css(names: Iterable[str], *, undo: bool = False) -> str:
    """The style sheet for these profiles. `undo` also takes the others back."""
    names = frozenset(names)
    rules = []
    if "large print" in names:
        light = _rule('body[data-jp-theme-light="true"] .jp-Notebook', _CONTRAST)
        rules = [_rule(".jp-Notebook", _SIZES), light, ".course-group { max-width: none }"]
    elif undo:
        back = dict.fromkeys([*_SIZES, *_CONTRAST], "inherit")
        rules = [_rule("body .jp-Notebook.jp-Notebook", back)]
    return "\n".join([*rules, _STILL] if "calm" in names else rules)


def _rule(selector: str, properties: dict[str, str]) -> str:
    return f"{selector} {{ {'; '.join(f'{k}: {v}' for k, v in properties.items())} }}"


def profile() -> Interactive:
    """A form to choose how lessons are presented; the page follows at once."""
    rows = [f"{each.name}: {each.effect}" for each in PROFILES]
    html = bold(_TITLE) + paragraph(_HELP) + bullets(rows)
    text = "\n".join([_TITLE, _HELP, *(f"  {row}" for row in rows)])
    return Interactive(html, text, _form)


def _form() -> Any:
    import ipywidgets

    on = chosen()
    wide = ipywidgets.Layout(width="auto", min_height="28px")
    ticks = {
        each.name: ipywidgets.Checkbox(
            value=each.name in on,
            description=f"{each.name}: {each.effect}",
            indent=False,
            layout=wide,
        )
        for each in PROFILES
    }
    status, style = region(), words()

    def keep() -> None:
        names = [name for name, tick in ticks.items() if tick.value]
        style.value = f"<style>{profile_css(names, undo=True)}</style>"
        trouble = progress.set_setting("profile", ", ".join(names))
        say(status, f"Now on: {', '.join(names) or 'nothing extra'}.", trouble or "Kept.")

    save = button("Use and keep these", status, keep)
    return group(_TITLE, [words(paragraph(_HELP)), *ticks.values(), save, status, style])
