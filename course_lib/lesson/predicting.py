"""A bet before the run: the reader chooses, then the code decides.

The right answer is what the snippet really returned, so it cannot go stale
beside the code. A choice that the run contradicts is explained like the others.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import progress
from .live import button, group, region, say, words
from .markup import Interactive, bold, bullets, details, numbered, paragraph, preformatted
from .remembered import answers
from .session import current

__all__ = ["predict"]


@dataclass(frozen=True)
class _Bet:
    """A question, its choices with their reasons, and what the run said."""

    item: str
    question: str
    reasons: Mapping[str, str]  # choice as text -> why, in the order given
    right: str
    printed: str

    def explained(self) -> list[str]:
        return [f"{self._marked(choice)}: {why}" for choice, why in self.reasons.items()]

    def _marked(self, choice: str) -> str:
        return f"{choice} (right)" if choice == self.right else choice


def predict(
    snippet: Callable[[], object],
    question: str,
    choices: Mapping[Hashable, str],
    *,
    because: bool = False,
) -> Interactive:
    """Ask for a prediction, then show what the snippet really gives.

    Args:
        snippet: called once, without arguments, when this is called. Its answer is
            what it returns; the name of the error it raises; or, when it
            returns None, what it prints.
        question: what to predict.
        choices: possible answers, each with the reason why it is right or wrong.
        because: also ask for the reader's reason, in their own words.

    Raises:
        ValueError: fewer than two choices, one without a reason, or none of
            them is what the snippet gives.
    """
    reasons = {str(choice): why for choice, why in choices.items()}
    if len(choices) < 2 or len(reasons) < len(choices):
        raise ValueError("predict() needs at least two choices that read differently.")
    if not all(why.strip() for why in reasons.values()):
        raise ValueError("Each choice of predict() needs its reason: why is it right or wrong?")
    answer, printed = _run(snippet)
    right = _matching(answer, choices)
    if right is None:
        raise ValueError(
            f"{snippet.__name__}() gives {answer!r}, which is none of the choices "
            f"{', '.join(reasons)}; mend the choices or the code."
        )
    bet = _Bet(current.item(snippet.__name__), question, reasons, str(right), printed)
    return Interactive(_html(bet), _text(bet), lambda: _form(bet, because))


def _run(snippet: Callable[[], object]) -> tuple[object, str]:
    """What the snippet answers, and what it printed."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            answer = snippet()
        except Exception as error:  # noqa: BLE001  the error is the answer
            answer = type(error).__name__
    printed = output.getvalue()
    return (printed.strip(), printed) if answer is None and printed else (answer, printed)


def _matching(answer: object, choices: Mapping[Hashable, str]) -> Hashable | None:
    same_text = [choice for choice in choices if str(choice) == str(answer)]
    # 1 == True and 0 == False in Python; a reader would call them different answers.
    equal = [c for c in choices if isinstance(c, bool) == isinstance(answer, bool) and c == answer]
    return next(iter(same_text + equal), None)


def _html(bet: _Bet) -> str:
    answer = paragraph(f"It is {bet.right}.") + bullets(bet.explained())
    return bold(bet.question) + numbered(bet.reasons) + details("Answer", answer + _output(bet))


def _text(bet: _Bet) -> str:
    choices = [f"  {number}. {choice}" for number, choice in enumerate(bet.reasons, 1)]
    reasons = [f"  {line}" for line in bet.explained()]
    printed = ["It printed:", bet.printed.rstrip()] if bet.printed.strip() else []
    return "\n".join([bet.question, *choices, f"Answer: {bet.right}", *reasons, *printed])


def _output(bet: _Bet) -> str:
    return paragraph("It printed:") + preformatted(bet.printed) if bet.printed.strip() else ""


def _form(bet: _Bet, because: bool) -> Any:
    import ipywidgets

    radio = ipywidgets.RadioButtons(
        options=list(bet.reasons), value=None, description="Your answer:"
    )
    reason = ipywidgets.Textarea(
        description="Because:",
        style={"description_width": "initial"},
        placeholder="in your own words; may stay empty",
        layout=ipywidgets.Layout(width="100%", display="flex" if because else "none"),
    )
    status, explained = region(), words()
    if earlier := answers("prediction", bet.item):
        say(status, f"Last time you said {earlier[-1].partition(': ')[2]}.")

    def reveal() -> None:
        if radio.value is None:
            say(status, "Choose an answer first.")
            return
        right = radio.value == bet.right
        trouble = progress.record(
            "prediction", bet.item, f"{'right' if right else 'wrong'}: {radio.value}"
        )
        if reason.value.strip():
            progress.record("because", bet.item, reason.value.strip())
        verdict = "That is right." if right else f"It was {bet.right}."
        say(status, f"You said {radio.value}. {verdict}", bet.reasons[bet.right], trouble)
        explained.value = bold("Every answer, explained") + bullets(bet.explained()) + _output(bet)

    answer = button("Answer", status, reveal)
    return group(bet.question, [radio, reason, answer, status, explained])
