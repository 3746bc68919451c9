"""No test writes into the record of whoever runs it."""

import pytest


@pytest.fixture(autouse=True)
def _record_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_HOME", str(tmp_path_factory.mktemp("record")))
