import subprocess
import sys
from pathlib import Path

import pytest

import course_lib.labs as labs

IMPORTS = """
from __future__ import annotations
import sys, course_lib, importlib
before = set(sys.modules)
import course_lib.labs
print(sorted(set(sys.modules) - before))
"""


def test_importing_labs_loads_nothing_else():
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "['course_lib.labs']"


@pytest.mark.parametrize("name", labs.__all__)
def test_every_name_can_be_imported_from_labs(name):
    assert getattr(labs, name) is not None
    assert name in dir(labs)


def test_no_module_of_labs_is_called_like_a_name_in_it():
    # Else `labs.shop` would mean the module or the function, as luck has it.
    modules = {path.stem for path in Path(labs.__file__).parent.glob("*.py")}

    assert len(modules) > 8
    assert modules & set(labs.__all__) == set()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'crush'"):
        labs.crush  # noqa: B018
