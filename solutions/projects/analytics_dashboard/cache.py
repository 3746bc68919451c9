"""M3: many viewers, one query."""


class Cache:
    """Answers of queries, each at most `max_age` seconds old, at most `size` of them.

    `clock` has `monotonic()`, in seconds.
    """

    def __init__(self, clock, *, max_age=60.0, size=256):
        raise NotImplementedError

    def add(self, name, query, *, events=()):
        """`get(name, ...)` calls `query(...)`; one of these events makes its answers old."""
        raise NotImplementedError

    def get(self, name, **arguments):
        """The answer of `query(**arguments)`, now or a little earlier."""
        raise NotImplementedError

    def publish(self, event):
        """Something has happened: whoever asks from now on gets an answer that knows it."""
        raise NotImplementedError

    def __len__(self):
        """The number of answers that are kept."""
        raise NotImplementedError
