"""Each process of this gate starts a JupyterLab of its own, often at the same moment."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

from course_lib.proof.browser import lab as labs
from course_lib.proof.browser.lab import Lab, lab


def test_two_that_start_together_are_two(tmp_path: Path) -> None:
    both = Barrier(2)

    def start(name: str) -> Lab:
        both.wait()
        return opened.enter_context(lab(tmp_path / name))

    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with ExitStack() as opened, ThreadPoolExecutor(2) as threads:
        one, other = threads.map(start, ("one", "other"))

        (one.work / "whose.txt").write_text("one", encoding="utf-8")
        (other.work / "whose.txt").write_text("other", encoding="utf-8")
        assert (_served(one), _served(other)) == ("one", "other")


def test_a_server_that_never_listened_is_not_taken_for_one(
    tmp_path: Path, running_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note names a port; another server has that port, and its own token."""
    monkeypatch.setattr(labs, "SECONDS", 0.5)
    monkeypatch.setattr(labs, "_START", _NOTE_ONLY)
    monkeypatch.setenv("NOTE", json.dumps({"url": running_lab.url, "token": "another"}))

    with pytest.raises(RuntimeError, match="did not start:\nno port"), lab(tmp_path):
        pass


_NOTE_ONLY = """\
import os, time
from pathlib import Path
notes = Path(os.environ["COURSE_HOME"]) / "jupyter" / "runtime"
notes.mkdir(parents=True)
(notes / "jpserver-1.json").write_text(os.environ["NOTE"])
print("no port", flush=True)
time.sleep(60)
"""


def _served(by: Lab) -> Any:
    address = f"{by.url}api/contents/whose.txt?token={by.token}"
    with build_opener(ProxyHandler({})).open(address) as answer:
        return json.load(answer)["content"]
