"""The parts of every interactive: a named group, a live region, safe callbacks.

The rule: a change is told in words, in one region, before anything slower is
drawn; and an error in a callback is told there too, because Jupyter would
otherwise drop it without a trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from .markup import bold, paragraph

__all__ = ["box", "button", "group", "guarded", "region", "say", "tell", "words"]

FULL_WIDTH = "100%"
AS_BEFORE = "As before:"
SETTLED = 0.15
"""Seconds from a press until the action: ipywidgets holds back what was typed or chosen
just before, until the kernel has answered for the key before that; a press overtakes it."""
SMALLEST_TARGET = "32px"  # WCAG 2.5.8 asks for 24


def group(name: str, children: Iterable[Any]) -> Any:
    """A box that the accessibility tree calls by `name`, which stands at its top."""
    import ipywidgets

    title = words(bold(name))
    title.add_class("course-name")
    whole = ipywidgets.VBox([title, *children])
    whole.add_class("course-group")
    return whole


def box(children: Iterable[Any]) -> Any:
    """Controls side by side, on several lines where the page is narrow."""
    import ipywidgets

    layout = ipywidgets.Layout(flex_flow="row wrap", width=FULL_WIDTH)
    return ipywidgets.HBox(list(children), layout=layout)


def words(html: str = "") -> Any:
    """A piece of text. `html` is already escaped."""
    import ipywidgets

    return ipywidgets.HTML(html, layout=ipywidgets.Layout(width=FULL_WIDTH))


def region() -> Any:
    """Where changes are told; names.js makes it a live region."""
    place = words()
    place.add_class("course-status")
    return place


def say(place: Any, *sentences: object) -> None:
    """Tell something in a region, one paragraph a sentence.

    A live region speaks only when its words change; so the same words told again
    say that they are the same.
    """
    tell(place, "".join(paragraph(sentence) for sentence in sentences if str(sentence)))


def tell(place: Any, html: str) -> None:
    """The same for what is more than sentences. `html` is already escaped."""
    place.value = paragraph(AS_BEFORE) + html if html == place.value else html


def button(text: str, place: Any, action: Callable[[], None]) -> Any:
    """A button that does something; what goes wrong is told in `place`."""
    import ipywidgets

    layout = ipywidgets.Layout(width="auto", min_height=SMALLEST_TARGET, align_self="flex-start")
    one = ipywidgets.Button(description=text, layout=layout)
    one.on_click(_settled(guarded(place, action)))
    return one


def _settled(run: Callable[[Any], None]) -> Callable[[Any], None]:
    """Run it when the choices made before the press have come; at once where nothing comes."""

    def later(event: Any) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            run(event)
        else:
            loop.call_later(SETTLED, run, event)

    return later


def guarded(place: Any, action: Callable[[], None]) -> Callable[[Any], None]:
    """A callback that never raises: the error becomes one sentence in `place`."""

    def run(_event: Any) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  told to the reader, whatever it is
            say(place, f"This did not work: {type(error).__name__}: {error} (run the cell again)")

    return run
