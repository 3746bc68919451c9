"""Marks for a class: `python3 course.py grade DIR`.

What learners handed in runs in children of a warm process that never held an
expected value. What came back is compared in another process.
"""
