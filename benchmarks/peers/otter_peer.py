"""otter-grader, warm and without Docker: paths in, points out.

Run by benchmarks/grading.py, in otter's own environment, with the folder of its tests
and an empty folder as arguments.
"""

from __future__ import annotations

import os
import sys

from otter.api import grade_submission
from otter.generate import main as generate


def main() -> None:
    tests, folder = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr
    os.chdir(folder)
    generate(tests_dir=tests, output_path="autograder.zip", no_environment=True)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        try:
            points = grade_submission(line.strip(), "autograder.zip", quiet=True).total
        except Exception as error:  # noqa: BLE001 - no mark; the next one must get its own
            print(error, file=sys.stderr)
            points = 0
        print(f"{points:g}", file=answers, flush=True)


if __name__ == "__main__":
    main()
