"""One setting of an explorable: its range, its start, its name, its control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .live import SMALLEST_TARGET

__all__ = ["Knob", "knob"]

WIDE = "34em"
TITLE = "12em"  # the same for all, so that the controls stand in one column


@dataclass(frozen=True)
class Knob:
    """A setting. `span` is (low, high, step) of numbers, else `options` lists all values."""

    name: str
    title: str
    start: Any
    span: tuple[Any, Any, Any] | None
    options: Mapping[str, Any]

    def words(self, value: object) -> str:
        """The setting in words, such as "failure rate: 0.5" or "jitter: on"."""
        if isinstance(self.start, bool):
            return f"{self.title}: {'on' if value else 'off'}"
        known = [text for text, option in self.options.items() if option == value]
        return f"{self.title}: {known[0] if known else self._rounded(value)}"

    def checked(self, value: Any) -> Any:
        """The value as the model gets it. Raises ValueError outside the range."""
        if self.span is None:
            if value not in list(self.options.values()):
                raise ValueError(f"{self.name} is one of {list(self.options)}; got {value!r}.")
            return value
        low, high, _ = self.span
        if isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{self.name} goes from {low} to {high}; got {value!r}.")
        return self._rounded(value)

    def ends(self) -> list[Any]:
        """The lowest and the highest value, or all options."""
        return list(self.span[:2] if self.span else self.options.values())

    def _rounded(self, value: Any) -> Any:
        # A slider in the browser gives 0.15000000000000002 for the third step of 0.05.
        return round(value, 9) if isinstance(value, float) else value

    def control(self) -> Any:
        """The ipywidgets control: slider, checkbox or drop-down list."""
        import ipywidgets

        common: dict[str, Any] = {
            "description": self.title,
            "style": {"description_width": TITLE},
            "layout": ipywidgets.Layout(width=WIDE, max_width="100%", min_height=SMALLEST_TARGET),
            "value": self.start,
        }
        if isinstance(self.start, bool):
            return ipywidgets.Checkbox(indent=False, **common)
        if self.span is None:
            return ipywidgets.Dropdown(options=list(self.options.items()), **common)
        low, high, step = self.span
        slider = {"min": low, "max": high, "step": step, "continuous_update": False} | common
        if all(isinstance(number, int) for number in (*self.span, self.start)):
            return ipywidgets.IntSlider(**slider)
        return ipywidgets.FloatSlider(readout_format=f".{_decimals(step)}f", **slider)


def _decimals(step: float) -> int:
    return len(f"{step:.9f}".rstrip("0").partition(".")[2])


def knob(name: str, given: object, title: str | None = None) -> Knob:
    """A Knob from (low, high, step, start), a list or dict of options, or a bool.

    Raises:
        ValueError: it is none of these, or the start is outside the range.
    """
    title = title or name.replace("_", " ")
    if isinstance(given, bool):
        return Knob(name, title, given, None, {"on": True, "off": False})
    if isinstance(given, Mapping) and given:
        options = {str(text): value for text, value in given.items()}
        return Knob(name, title, next(iter(options.values())), None, options)
    if isinstance(given, list) and given:
        return Knob(name, title, given[0], None, {str(value): value for value in given})
    if not isinstance(given, Sequence) or len(given) != 4:
        raise ValueError(
            f"The control {name} has to be (low, high, step, start), a list or dict of options, "
            f"True or False; got {given!r}."
        )
    low, high, step, start = given
    if not low <= start <= high or not 0 < step <= high - low:
        raise ValueError(f"The control {name} needs low <= start <= high and a step that fits.")
    return Knob(name, title, start, (low, high, step), {})
