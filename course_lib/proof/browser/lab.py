"""The real JupyterLab, as `course.py lab` starts it, on copies of its own.

Nothing of the learner is touched: the copies, the record and the settings lie
in a folder that is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from course_lib.index import ROOT
from course_lib.proof.browser.chromium import SECONDS

__all__ = ["Lab", "close_lesson", "dark_theme", "lab", "open_lesson", "run_all"]

_START = """\
import sys
from pathlib import Path
from course_lib import lab, workspace
workspace.WORK = Path(sys.argv[1])
lab.start(port=None, browser=False, others=[
    "--ServerApp.port=0",  # any free one: two that start together would both choose 8888
    "--LabApp.expose_app_in_browser=True",
    "--ServerApp.jpserver_extensions=notebook=True",  # Notebook 7 beside it, as some have it
])
"""

_POLL = 100  # milliseconds; looking at every frame would slow what is waited for

_OPEN = """\
path => {
  [...jupyterapp.shell.widgets('main')].forEach((one) => one.dispose());
  jupyterapp.commands.execute('docmanager:open', { path });
}
"""
_READY = """\
path => {
  const panel = window.jupyterapp?.shell.currentWidget;
  return panel?.context?.path === path && panel.sessionContext.isReady
    && document.querySelector('.jp-Notebook .jp-Cell');
}
"""
_RUN_TO_THE_END = """\
() => {
  const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
  const panel = jupyterapp.shell.currentWidget;
  return panel.sessionContext.session?.kernel?.status === 'idle'
    && panel.content.widgets.every((cell) => cell.model.type !== 'code'
        || !cell.model.sharedModel.source.trim() || cell.model.executionCount)
    && cells.every((cell) => !/\\[\\*\\]/.test(cell.querySelector('.jp-InputPrompt')?.textContent))
    && [...document.querySelectorAll('[data-mime-type="application/vnd.jupyter.widget-view+json"]')]
        .every((view) => view.querySelector('.jupyter-widgets'));
}
"""


_CHANGE_THEME = """\
theme => {
  jupyterapp.commands.execute('apputils:change-theme', { theme });
}"""
_THEME_IS = """\
light => {
  const panel = getComputedStyle(document.querySelector('.jp-NotebookPanel'));
  return document.body.dataset.jpThemeLight === light
    && (panel.backgroundColor === 'rgb(255, 255, 255)') === (light === 'true');
}
"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab. `url` ends with a slash; `work` holds the learner's copies."""

    url: str
    token: str
    work: Path
    home: Path

    def forget(self) -> None:
        """Erase the learner's record, as in a first start."""
        for path in self.home.glob("progress.*"):
            path.unlink()


@contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab with all lessons, in `folder`; stopped at the end."""
    work, home = folder / "work", folder / "home"
    command = [sys.executable, "-P", "-c", _START, str(work)]
    environment = {**os.environ, "COURSE_HOME": str(home)}
    said = folder / "lab.log"
    with said.open("wb") as log:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield _ready(server, home, work, said)
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _ready(server: subprocess.Popen[bytes], home: Path, work: Path, said: Path) -> Lab:
    end = time.monotonic() + SECONDS
    notes = home / "jupyter" / "runtime"
    while time.monotonic() < end and server.poll() is None:
        for note in notes.glob("jpserver-*.json"):
            with suppress(ValueError, OSError):  # being written, or not listening yet
                known = json.loads(note.read_text(encoding="utf-8"))
                if _answers(known["url"], known["token"]):
                    return Lab(known["url"], known["token"], work, home)
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{said.read_text('utf-8', 'replace')[-2000:]}")


def _answers(url: str, token: str) -> bool:
    """Whether the server at `url` takes `token`: the note is written before the port is held."""
    straight = build_opener(ProxyHandler({}))  # a proxy of the machine has no part in it
    with straight.open(f"{url}api/status?token={token}", timeout=SECONDS) as answer:
        return bool(answer.status == 200)


def open_lesson(page: Any, lab: Lab, path: str) -> None:
    """Open the notebook at `path` (from work/), and nothing beside it, in JupyterLab."""
    page.set_default_timeout(SECONDS * 1000)
    if page.url.startswith(f"{lab.url}lab"):
        page.evaluate(_OPEN, path)  # what is loaded need not be loaded again
    else:
        page.goto(f"{lab.url}lab/tree/{path}?token={lab.token}&reset")
    _await_ready(page, path)
    # Side bars leave a narrow page; folding them is what a reader does first.
    page.evaluate("() => { jupyterapp.shell.collapseLeft(); jupyterapp.shell.collapseRight(); }")


def _await_ready(page: Any, path: str) -> None:
    from playwright.sync_api import TimeoutError as Late

    said: list[str] = []
    page.on("console", lambda message: said.append(message.text[:200]))
    page.on("pageerror", lambda error: said.append(str(error)[:200]))
    try:
        page.wait_for_function(_READY, arg=path, polling=_POLL)
    except Late:
        seen = " ".join(page.inner_text("body").split())[:400]
        raise RuntimeError(f"{path} did not open; seen: {seen!r}; console: {said[-5:]}") from None


def run_all(page: Any) -> None:
    """Run every cell and wait until the last output and control is there."""
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(_RUN_TO_THE_END, polling=_POLL)


def close_lesson(page: Any) -> None:
    """End the lesson's kernel, as a learner does with Shut Down Kernel."""
    page.evaluate("() => { jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")
    page.wait_for_function("() => !jupyterapp.shell.currentWidget.sessionContext.session")


@contextmanager
def dark_theme(page: Any) -> Iterator[None]:
    """JupyterLab's dark theme; the light one again at the end, as the choice is kept."""
    page.evaluate(_CHANGE_THEME, "JupyterLab Dark")
    page.wait_for_function(_THEME_IS, arg="false")
    try:
        yield
    finally:
        page.evaluate(_CHANGE_THEME, "JupyterLab Light")
        page.wait_for_function(_THEME_IS, arg="true")
