"""What shows the fault of each hunt of chapter 3.

`observe_<id>` runs the learner's code and gives back `(is it sound?, what was
seen)`. The same function is used before and after the code is mended.
"""

# ---------------------------------------------------------------- lesson 03.1
