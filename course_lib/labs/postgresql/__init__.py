"""Running a real PostgreSQL that lives exactly as long as the process that asked for it.

`launch` is called in that process; `guard` and `keeper` run beside it, with the
standard library only; `remains` removes what is left, however far a start had come.
"""
