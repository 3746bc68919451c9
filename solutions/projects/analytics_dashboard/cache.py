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
        ### BEGIN SOLUTION M3: what is known of each question
        self._runs = {}  # question -> (when its query began, the future answer)
        ### END SOLUTION

    def add(self, name, query, *, events=()):
        """`get(name, ...)` calls `query(...)`; one of these events makes its answers old."""
        self._queries[name] = (query, frozenset(events))

    def get(self, name, **arguments):
        """The answer of `query(**arguments)`, now or a little earlier."""
        ### BEGIN SOLUTION M3: under the lock decide who asks; ask outside it
        question = (name, frozenset(arguments.items()))
        now = self._clock.monotonic()
        with self._lock:
            began, answer = self._runs.get(question, (now, None))
            mine = answer is None or now - began >= self._max_age
            if mine:
                answer = Future()
                self._keep(question, (now, answer))
        if mine:
            self._ask(question, answer, arguments)
        return answer.result()
        ### END SOLUTION

    def publish(self, event):
        """Something has happened: whoever asks from now on gets an answer that knows it."""
        ### BEGIN SOLUTION M3: also of the queries that are under way
        with self._lock:
            for question in list(self._runs):
                if event in self._queries[question[0]][1]:
                    del self._runs[question]
        ### END SOLUTION

    def __len__(self):
        """The number of answers that are kept."""
        ### BEGIN SOLUTION M3: never more than the size
        return len(self._runs)
        ### END SOLUTION

    ### BEGIN SOLUTION M3: helpers, if you like
    def _keep(self, question, run):
        self._runs.pop(question, None)
        self._runs[question] = run  # the newest is the last
        while len(self._runs) > self._size:
            del self._runs[next(iter(self._runs))]

    def _ask(self, question, answer, arguments):
        try:
            answer.set_result(self._queries[question[0]][0](**arguments))
        except BaseException as error:  # noqa: BLE001 - the others wait, and must hear of it
            with self._lock:
                if self._runs.get(question, (None, None))[1] is answer:
                    del self._runs[question]
            answer.set_exception(error)

    ### END SOLUTION
