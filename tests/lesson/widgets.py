"""Finding one's way in an ipywidgets widget, as a reader does: by its words."""

from collections.abc import Iterator
from typing import Any

import ipywidgets


def inside(widget: Any) -> Iterator[Any]:
    """The widget and everything in it, in the order of the page."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


def control(widget: Any, description: str) -> Any:
    return next(w for w in inside(widget) if getattr(w, "description", None) == description)


def press(widget: Any, button: str) -> None:
    control(widget, button).click()


def told(widget: Any, number: int = 0) -> str:
    """What the live region says, as HTML."""
    regions = [w for w in inside(widget) if "course-status" in getattr(w, "_dom_classes", ())]
    return str(regions[number].value)


def all_html(widget: Any) -> str:
    return "".join(w.value for w in inside(widget) if isinstance(w, ipywidgets.HTML))
