"""Each process of this gate starts a JupyterLab of its own, often at the same moment."""

import json
from pathlib import Path

import pytest

from course_lib.proof.browser import lab as labs
from course_lib.proof.browser.lab import Lab, lab


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
