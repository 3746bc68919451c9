from course_lib.index import load
from course_lib.proof.derived import map_of

COURSE = """
[course]
title = "A course"
promise = "It is short."

[[chapter]]
stem = "01_shop"
package = "shop"
title = "The shop"
question = "Is it open?"
finished = true

[[chapter.notebook]]
id = "01.1"
file = "1_the_queue.ipynb"
title = "The queue"
question = "How long is it?"
minutes = 40
needs = []
covers = ["TA1"]
extra = ""
browser_kernel = true
reason = ""

[[chapter.exercise]]
id = "01.1-counter"
catalogue = "T01"
slug = "1_counter"
title = "A counter"
level = "core"
minutes = 75
needs = []
covers = []
extra = ""

[[chapter]]
stem = "02_files"
package = "files"
title = "Files"
question = "Where?"
finished = false
"""

MAP = """\
### The shop

Is it open?

| lesson | question | minutes |
| --- | --- | ---: |
| [The queue](notebooks/01_shop/1_the_queue.ipynb) | How long is it? | 40 |

| exercise | level | minutes |
| --- | --- | ---: |
| [A counter](exercises/01_shop/1_counter/exercise.ipynb) `01.1-counter` | core | 75 |

In all: 1 lesson (40 min) and 1 exercise (1 h 15 min)."""


def test_the_map_lists_chapters_that_have_lessons_and_adds_up() -> None:
    assert map_of(load(COURSE)) == MAP
