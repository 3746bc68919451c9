"""A small model to turn the knobs of: words, picture and table from one result.

`model` computes, `draw` draws and `describe` says what there is to see. The
words come first: they are the live region, what a saved page shows, and what
the tests compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .knobs import Knob, knob
from .live import group, guarded, region, say, words
from .markup import Interactive, Shown, bold, paragraph
from .picture_faults import check, checking
from .pictures import LONGEST_ALT, house_style, picture_html, picture_text
from .tables import table_html, table_text

__all__ = ["Explorable", "explorable"]

_NUMBERS = "The numbers behind it"
_ELSEWHERE = "What you see at other settings"
_SHOWN, _HIDDEN = "The table stands below the picture.", "The table is hidden."
_TO_CHANGE = "Run this cell to change the settings."


def explorable(
    model: Callable[..., Any],
    *,
    draw: Callable[[Any, Any], None],
    describe: Callable[[Any, Any], str],
    label: str,
    controls: Mapping[str, object],
    names: Mapping[str, str] | None = None,
    data: Callable[[Any], tuple[Sequence[object], Sequence[Sequence[object]]]] | None = None,
    at: Sequence[Mapping[str, object]] = (),
) -> Explorable:
    """A model with controls, picture, words and numbers.

    Args:
        model: `model(**settings) -> result`, without side effects.
        draw: `draw(axes, result)` draws on matplotlib axes.
        describe: `describe(result, previous)` says in a sentence or two what
            there is to see; `previous` is the result before, or None.
        label: the name of the whole.
        controls: for each setting (low, high, step, start) for a slider, a list or dict
            of options (the first is the start), or a bool.
        names: what a control is called, where its own name with spaces is not enough.
        data: `data(result) -> (header, rows)`, the numbers as a table.
        at: settings whose words a saved page lists; those left out keep their start.

    Raises:
        ValueError: a control or setting cannot be understood, or the words are empty.
    """
    names = names or {}
    if unknown := set(names) - set(controls):
        raise ValueError(f"names= speaks of {', '.join(sorted(unknown))}, which is no control.")
    knobs = [knob(name, given, names.get(name)) for name, given in controls.items()]
    return Explorable(model, draw, describe, label, knobs, data, at)


class Explorable(Interactive):
    """What `explorable` gives. Show it, or ask it with `text` and `table`."""

    def __init__(
        self,
        model: Callable[..., Any],
        draw: Callable[[Any, Any], None],
        describe: Callable[[Any, Any], str],
        label: str,
        knobs: Sequence[Knob],
        data: Callable[[Any], tuple[Sequence[object], Sequence[Sequence[object]]]] | None,
        at: Sequence[Mapping[str, object]],
    ) -> None:
        self._model, self._draw, self._describe, self._data = model, draw, describe, data
        self._label, self._knobs = label, {each.name: each for each in knobs}
        self._at = [self._settings(given) for given in at]
        self._start = self._settings({})
        super().__init__(*self._twins(), self._form)
        if checking():
            self._check_the_ends()

    def text(self, **settings: object) -> str:
        """What there is to see at these settings; those left out keep their start."""
        return self._words(self._model(**self._settings(settings)), None)

    def table(self, **settings: object) -> Shown:
        """The numbers at these settings or, without `data`, what you see there."""
        full = self._settings(settings)
        if self._data is None:
            return _shown_table(*self._seen([full]))
        header, rows = self._data(self._model(**full))
        return _shown_table(header, rows, f"{_NUMBERS}: {self._setting_words(full)}")

    def _settings(self, given: Mapping[str, object]) -> dict[str, Any]:
        if unknown := set(given) - set(self._knobs):
            raise ValueError(
                f"{', '.join(sorted(unknown))} is no setting here; "
                f"there are {', '.join(self._knobs)}."
            )
        return {
            name: each.checked(given.get(name, each.start)) for name, each in self._knobs.items()
        }

    def _setting_words(self, settings: Mapping[str, object]) -> str:
        return "; ".join(self._knobs[name].words(value) for name, value in settings.items())

    def _words(self, result: Any, previous: Any) -> str:
        sentence = " ".join(str(self._describe(result, previous)).split())
        if not sentence:
            raise ValueError("describe() has to say in words what there is to see.")
        return sentence

    def _alt(self, settings: Mapping[str, object]) -> str:
        # Short, because the sentence beside it says what there is to see.
        return f"{self._label} with {self._setting_words(settings)}."[:LONGEST_ALT]

    def _seen(self, many: Sequence[Mapping[str, object]]) -> tuple[list[str], Any, str]:
        rows = [(self._setting_words(each), self.text(**each)) for each in many]
        return ["settings", "what you see"], rows, _ELSEWHERE

    def _picture(self, result: Any, settings: Mapping[str, object]) -> str:
        with house_style():
            return picture_html(self._drawn(result), alt=self._alt(settings))

    def _drawn(self, result: Any) -> Any:
        from matplotlib.figure import Figure

        fig = Figure()  # no pyplot: nothing is left open, and threads do not matter
        self._draw(fig.subplots(), result)
        return fig

    def _check_the_ends(self) -> None:
        """Draw every end of every setting once, several in one picture, and check each."""
        ends = {name: each.ends() for name, each in self._knobs.items()}
        with house_style():
            for at in range(max(map(len, ends.values()), default=0)):
                settings = {name: values[at % len(values)] for name, values in ends.items()}
                check(self._drawn(self._model(**settings)), self._alt(settings))

    def _twins(self) -> tuple[str, str]:
        result = self._model(**self._start)
        sentence = self._words(result, None)
        with house_style():
            fig, alt = self._drawn(result), self._alt(self._start)
            picture_as_html = picture_html(fig, alt=alt)
            picture_as_text = picture_text(fig, alt=alt)
        self._first = result, picture_as_html
        html = [bold(self._label), paragraph(sentence), picture_as_html]
        text = [self._label, sentence, picture_as_text]
        tables = [] if self._data is None else [(*self._data(result), _NUMBERS)]
        tables += [self._seen(self._at)] if self._at else []
        for header, rows, caption in tables:
            html.append(table_html(rows, header=header, caption=caption))
            text.append(table_text(rows, header, caption))
        return "".join([*html, paragraph(_TO_CHANGE)]), "\n".join(text)

    def _form(self) -> Any:
        """The controls, the live region, the picture, and a table on demand."""
        import ipywidgets

        controls = {name: each.control() for name, each in self._knobs.items()}
        wants_numbers = ipywidgets.Checkbox(description="Show the numbers as a table", indent=False)
        wants_numbers.layout.display = "none" if self._data is None else "flex"
        status, picture, numbers = region(), words(), words()
        seen: list[Any] = []

        def show_numbers() -> None:
            numbers.value = ""
            if self._data is not None and wants_numbers.value:
                header, rows = self._data(seen[-1])
                numbers.value = table_html(rows, header=header, caption=_NUMBERS)

        def want_numbers() -> None:
            show_numbers()
            say(status, _SHOWN if wants_numbers.value else _HIDDEN)

        def update() -> None:
            settings = self._settings({name: one.value for name, one in controls.items()})
            at_start = settings == self._start  # drawn already
            result = self._first[0] if at_start else self._model(**settings)
            # The words first: who listens need not wait for the picture.
            say(status, self._words(result, seen[-1] if seen else None))
            picture.value = self._first[1] if at_start else self._picture(result, settings)
            seen[:] = [result]
            show_numbers()

        for one in controls.values():
            one.observe(guarded(status, update), "value")
        wants_numbers.observe(guarded(status, want_numbers), "value")
        update()
        return group(self._label, [*controls.values(), status, picture, wants_numbers, numbers])


def _shown_table(header: Sequence[object], rows: Any, caption: str) -> Shown:
    return Shown(
        table_html(rows, header=header, caption=caption), table_text(rows, header, caption)
    )
