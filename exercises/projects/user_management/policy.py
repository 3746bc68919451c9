"""M4: who may do what, in one place."""


def may(actor, action, target=None):
    """Whether the user `actor` may do `action` to the user `target`."""
    # TODO M4: the table of TASK.md
    raise NotImplementedError
