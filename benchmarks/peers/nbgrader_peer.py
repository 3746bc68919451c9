"""nbgrader, warm: it is imported once and the release is made once; paths in, points out.

Run by benchmarks/grading.py, with the source notebook and an empty folder as arguments.
"""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

ASSIGNMENT, LEARNER = "fee", "ana"


def main() -> None:
    source, course = Path(sys.argv[1]), Path(sys.argv[2])
    answers, sys.stdout = sys.stdout, sys.stderr  # kernels print
    logging.disable(logging.CRITICAL)
    config = Config()
    config.CourseDirectory.root = str(course)
    api = NbGraderAPI(config=config)
    _copied(source, course / "source" / ASSIGNMENT)
    done = api.generate_assignment(ASSIGNMENT)
    if not done["success"]:
        raise SystemExit(done.get("error") or done["log"])
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        _copied(Path(line.strip()), course / "submitted" / LEARNER / ASSIGNMENT)
        done = api.autograde(ASSIGNMENT, LEARNER, force=True)
        points = api.get_submission(ASSIGNMENT, LEARNER)["score"] if done["success"] else 0
        print(f"{points:g}", file=answers, flush=True)


def _copied(notebook: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notebook, folder / "exercise.ipynb")


if __name__ == "__main__":
    main()
