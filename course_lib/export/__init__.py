"""The exercises for other people's graders: nbgrader and GitHub Classroom.

Both run the learner's code and the checks in one process, so a mark from there is
only as safe as its host; `course.py grade` keeps the two apart. Here only what
hosts need is written: notebooks, settings, a workflow. Heavy tools load when used.
"""
