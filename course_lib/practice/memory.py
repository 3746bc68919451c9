"""What this learner did, kept by course_lib.progress. A full disk never stops a check."""

from __future__ import annotations

__all__ = ["recall", "remember"]


def remember(kind: str, item: str, value: str) -> str:
    """Record an event; a sentence for the learner when that failed, else nothing.

    What only repeats the last event of its kind and item is not written again:
    nobody counts tries, and a write that waits for a slow disk takes some 30 ms.
    """
    try:
        from course_lib import progress

        earlier = recall(kind, item)
        if earlier and earlier[-1] == value:
            return ""
        return progress.record(kind, item, value)
    except Exception as error:  # noqa: BLE001 - whatever it was, the result matters more
        return f"Your progress could not be saved ({type(error).__name__})."


def recall(kind: str, item: str) -> list[str] | None:
    """The values recorded so far, oldest first; None when they cannot be read."""
    try:
        from course_lib import progress

        return [event.value for event in progress.events(kind=kind, item=item)]
    except Exception:  # noqa: BLE001 - see remember
        return None
