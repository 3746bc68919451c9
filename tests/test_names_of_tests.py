"""Two processes that collect the tests give each the same name."""

import os

import pytest


@pytest.mark.parametrize("data", [os.urandom(20)])
def test_bytes_made_anew_do_not_change_the_name(data, request):
    assert len(data) == 20
    assert request.node.name == "test_bytes_made_anew_do_not_change_the_name[20 bytes]"
