"""Start the course: python3 course.py lab

This file must be readable by every Python there is, so that an old one can
still say what is wrong. The work is in course_lib/launch.py.
"""

import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
FIRST, BEYOND = (3, 11), (3, 15)  # as requires-python in pyproject.toml says; a test compares


def main():
    version = tuple(sys.version_info[:2])
    if not FIRST <= version < BEYOND:
        sys.stderr.write(
            "This is Python " + ".".join(map(str, version)) + " and the course needs "
            "3.11, 3.12, 3.13 or 3.14: install one from python.org and start course.py with it.\n"
        )
        return 2
    sys.path.insert(0, ROOT)
    from course_lib.launch import main as launch

    return launch(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
