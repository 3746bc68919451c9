"""M3: many viewers, one query."""

import threading
from concurrent.futures import Future


class Cache:
    """Answers of queries, each at most `max_age` seconds old, at most `size` of them.

    `clock` has `monotonic()`, in seconds.
    """

    def __init__(self, clock, *, max_age=60.0, size=256):
        self._clock = clock
        self._max_age = max_age
        self._size = size
        self._lock = threading.Lock()
        self._queries = {}
        # TODO M3: what is known of each question
        raise NotImplementedError

    def add(self, name, query, *, events=()):
        """`get(name, ...)` calls `query(...)`; one of these events makes its answers old."""
        self._queries[name] = (query, frozenset(events))

    def get(self, name, **arguments):
        """The answer of `query(**arguments)`, now or a little earlier."""
        # TODO M3: under the lock decide who asks; ask outside it
        raise NotImplementedError

    def publish(self, event):
        """Something has happened: whoever asks from now on gets an answer that knows it."""
        # TODO M3: also of the queries that are under way
        raise NotImplementedError

    def __len__(self):
        """The number of answers that are kept."""
        # TODO M3: never more than the size
        raise NotImplementedError

    # TODO M3: helpers, if you like
