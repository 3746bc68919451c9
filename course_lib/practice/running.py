"""Telling scenarios to somebody's code, with output caught and time limited."""

from __future__ import annotations

import contextlib
import io
import linecache
import random
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from course_lib.practice.limits import Place, TimeUp, TooLong, run_limited, watch_ctrl_c
from course_lib.practice.scenarios import Scenario
from course_lib.practice.values import clip, plain, text_of, type_name

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Output", "Told", "captured", "limited", "tell"]

KEPT_CHARACTERS = 2_000


@dataclass(frozen=True)
class Told:
    """What one telling gave: a plain `value`, or why there is none."""

    value: object = None
    error: str = ""
    line: str = ""
    not_written: bool = False
    too_long: bool = False
    printed: int = 0

    @property
    def ended(self) -> bool:
        return not self.error and not self.too_long


class Output(io.TextIOBase):
    """A stream that keeps the first 2,000 characters and counts the rest.

    It has what Python's own has: bytes can be written to `buffer`, and `fileno` is that of
    stdout, past which nothing is caught.
    """

    encoding = "utf-8"

    def __init__(self) -> None:
        self.kept = ""
        self.count = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.kept) < KEPT_CHARACTERS:
            self.kept += str(text[: KEPT_CHARACTERS - len(self.kept)])
        self.count += len(text)
        return len(text)

    @property
    def buffer(self) -> io.BufferedIOBase:
        return _Bytes(self)

    def reconfigure(self, **_named: object) -> None:
        """All settings of a stream are fine here."""

    def fileno(self) -> int:
        return 1


class _Bytes(io.BufferedIOBase):
    """Takes bytes to an output; whoever closes it closes nothing else."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        written = bytes(memoryview(data))
        self._output.write(written.decode("utf-8", "replace"))
        return len(written)


@contextlib.contextmanager
def captured() -> Iterator[Output]:
    """Catch stdout and stderr of the block."""
    output = Output()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        yield output


def tell(
    scenario: Scenario, names: tuple[str, ...], namespace: Mapping[str, Any], *, seed: int | str
) -> Told:
    """Tell one scenario to the code in `namespace`. Raises nothing of that code's.

    Raises:
        KeyboardInterrupt: the user pressed Ctrl-C, whatever the code did with it.
    """
    solution = SimpleNamespace(**{name: namespace[name] for name in names})
    rng = random.Random(f"{seed} {scenario.meaning}")
    with watch_ctrl_c() as ctrl_c:
        told = limited(lambda: scenario.story(solution, rng), namespace, seconds=scenario.limit)
    if ctrl_c.pressed:
        raise KeyboardInterrupt
    return told


def limited(run: Callable[[], object], namespace: Mapping[str, Any], *, seconds: float) -> Told:
    """What `run` gave, as a Told, within `seconds` and with its output caught."""
    with captured() as output:
        try:
            told = run_limited(lambda: _observe(run, namespace), seconds)
        except TooLong as late:
            line = _own_line(late.places, namespace)
            told = Told(error=f"stopped after {seconds:g} s", line=line, too_long=True)
    return told if not output.count else _with_output(told, output.count)


def _with_output(told: Told, count: int) -> Told:
    return Told(told.value, told.error, told.line, told.not_written, told.too_long, count)


def _observe(run: Callable[[], object], namespace: Mapping[str, Any]) -> Told:
    """Everything that may call foreign code, repr and str included."""
    try:
        return Told(value=plain(run()))
    except TimeUp:
        raise
    except BaseException as error:  # noqa: BLE001 - sys.exit and its like are findings too
        return Told(
            error=_words(error),
            line=_own_line(_places(error), namespace),
            not_written=isinstance(error, NotImplementedError),
        )


def _words(error: BaseException) -> str:
    try:
        return text_of(error)
    except TimeUp:
        raise
    except BaseException:  # noqa: BLE001 - even the error's text may call sys.exit
        return type_name(error)


def _places(error: BaseException) -> list[Place]:
    steps = traceback.walk_tb(error.__traceback__)
    places = [Place(f.f_code.co_filename, line, f.f_globals) for f, line in steps]
    return places[::-1]


def _own_line(places: list[Place], namespace: Mapping[str, Any]) -> str:
    """The innermost line of the learner's own code, e.g. `line 3 of your cell: x = 1`."""
    own = next((place for place in places if _is_own(place.namespace, namespace)), None)
    if own is None:
        return ""
    text = linecache.getline(own.filename, own.line).strip()
    return f"line {own.line} of {file_words(own.filename)}: {clip(text, 70)}"


def _is_own(found: Mapping[str, Any], namespace: Mapping[str, Any]) -> bool:
    """Whether it is the learner's namespace, or that of a module in the learner's package."""
    package = f"{namespace['__name__']}." if "__path__" in namespace else None
    return found is namespace or bool(package and str(found.get("__name__")).startswith(package))


def file_words(filename: str) -> str:
    """How a report names the file that code came from."""
    if "ipykernel" in filename or filename.startswith("<ipython-input"):
        return "your cell"
    return filename.replace("\\", "/").rsplit("/", 1)[-1]
