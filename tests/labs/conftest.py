import threading

import pytest


@pytest.fixture(autouse=True)
def _no_lab_thread_is_left_behind():
    yield
    left = [t.name for t in threading.enumerate() if t.name.startswith(("labs-", "virtual-"))]
    assert left == []
