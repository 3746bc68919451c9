"""The shop that grows with the chapters: its stages, and the learner's copies in work/shop.

A stage is the folder shop/stages/NN_topic: the shop as chapter NN leaves it, with a test
of what it promises. A copy belongs to the learner, so nothing here ever writes into one
that is there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from course_lib.index import ROOT

__all__ = ["check", "listing", "start"]

_LEFT_BEHIND = shutil.ignore_patterns("__pycache__", ".*")
SECONDS = 600


def listing(root: Path = ROOT) -> str:
    """One line for each stage: its number, what it is about, where the copy is."""
    return "\n".join(
        f"{number}  {_title(stage)} ({_whereabouts(root, stage)})"
        for number, stage in _stages(root).items()
    )


def start(number: str, *, root: Path = ROOT) -> str:
    """Copy a stage into work/shop; one sentence that says where it is.

    Raises:
        ValueError: there is no such stage.
        FileExistsError: there is a copy already; it was not touched.
        OSError: work/shop cannot be written.
    """
    stage = _stage(number, root)
    copy = _copy(root, stage)
    name = copy.relative_to(root).as_posix()
    if os.path.lexists(copy):
        raise FileExistsError(f"{name} is there already; rename it if you want to begin again.")
    try:
        _bring(stage, copy)
    except OSError as error:
        why = error.strerror or "not all files could be copied"
        mend = "free some disk space or move what is in the way"
        raise OSError(f"{name} cannot be written ({why}); {mend}.") from error
    return f"The shop is in {name}; begin with its README.md."


def check(number: str, *, root: Path = ROOT) -> int:
    """Run the tests in the learner's copy; the exit code of pytest.

    Raises:
        ValueError: there is no such stage, or no copy of it.
        OSError: the tests did not end within ten minutes.
    """
    stage = _stage(number, root)
    copy = _copy(root, stage)
    if not copy.is_dir():
        raise ValueError(f"You have no copy yet; `python3 course.py shop start {number}` makes it.")
    command = [sys.executable, "-P", "-m", "pytest", str(copy)]
    try:
        return subprocess.run(command, cwd=root, timeout=SECONDS).returncode
    except subprocess.TimeoutExpired:
        raise OSError(
            f"The tests took over {SECONDS} s and were stopped; look for a loop without end."
        ) from None


def _stages(root: Path) -> dict[str, Path]:
    found = sorted((root / "shop" / "stages").glob("[0-9][0-9]_*"))
    return {path.name[:2]: path for path in found}


def _stage(number: str, root: Path) -> Path:
    stages = _stages(root)
    if number.zfill(2) not in stages:
        raise ValueError(f'The shop has no stage "{number}"; it has {", ".join(stages)}.')
    return stages[number.zfill(2)]


def _copy(root: Path, stage: Path) -> Path:
    return root / "work" / "shop" / stage.name


def _whereabouts(root: Path, stage: Path) -> str:
    copy = _copy(root, stage)
    return copy.relative_to(root).as_posix() if os.path.lexists(copy) else "not started"


def _title(stage: Path) -> str:
    with (stage / "README.md").open(encoding="utf-8") as file:
        return file.readline().strip("# \n")


def _bring(stage: Path, copy: Path) -> None:
    """The whole folder or nothing: copied beside first, then renamed."""
    arriving = copy.with_name(f".arriving-{os.getpid()}")
    try:
        shutil.copytree(stage, arriving, ignore=_LEFT_BEHIND)
        arriving.rename(copy)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
