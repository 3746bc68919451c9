"""M4: the board, as a figure and as a text that says the same."""

from .queries import average

SIZE = (11, 7)
"""Width and height of the figure, in inches."""


class Board:
    """`cache` has `get(name, **arguments)`, and knows "revenue" and "funnel"."""

    def __init__(self, cache, *, start, end, tz, category=None):
        self._cache = cache
        self._period = {"start": start, "end": end, "tz": tz}
        self._category = category

    def render(self):
        """A matplotlib figure, and a text."""
        # TODO M4: ask once, then say it twice
        raise NotImplementedError

    # TODO M4: helpers, if you like


# TODO M4: a share, or that there is none
