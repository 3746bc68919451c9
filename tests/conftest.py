"""No test writes into the record of whoever runs it, or depends on how it was started."""

import signal

import pytest

# A shell lets what it starts in the background ignore Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Long bytes by their length: a zip holds the second it was made, which no name may.

    Each process collects the tests anew, and their names must agree.
    """
    if isinstance(val, bytes) and len(val) > 16:
        return f"{len(val)} bytes"
    return None


@pytest.fixture(autouse=True)
def _record_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_HOME", str(tmp_path_factory.mktemp("record")))
