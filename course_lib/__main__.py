"""`python -m course_lib`: the course's commands, inside its environment."""

import sys

from course_lib.commands import main

sys.exit(main(sys.argv[1:]))
