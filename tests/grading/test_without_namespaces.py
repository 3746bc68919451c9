"""A machine that cannot run the sandbox must not look as if the sandbox were tested."""

import pytest

from .conftest import do_without_namespaces


def test_where_every_change_is_tested_it_fails(monkeypatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="allows no namespaces"):
        do_without_namespaces()


def test_elsewhere_it_is_skipped(monkeypatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception):
        do_without_namespaces()
