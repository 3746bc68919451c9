"""Break It First: the small library beneath the lessons.

Chapter packages (`errors`, ...) hold what learners build. `lesson`, `labs` and
`practice` are the furniture: what a notebook shows, real things to experiment
on, and exercises with their checks. `proof` is what the tests run.
"""

__version__ = "0.1.0"
