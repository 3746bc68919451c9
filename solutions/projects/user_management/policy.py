"""M4: who may do what, in one place."""


def may(actor, action, target=None):
    """Whether the user `actor` may do `action` to the user `target`."""
    ### BEGIN SOLUTION M4: the table of TASK.md
    if action == "deactivate":
        return (
            actor.role == "admin"
            or actor.id == target.id
            or (actor.role == "support" and target.role == "member")
        )
    if action == "change_role":
        return actor.role == "admin" and actor.id != target.id
    return actor.role != "member"  # to read lists
    ### END SOLUTION
