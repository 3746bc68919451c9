"""environment.yml is tiny, can be read by conda's own parser, and says what pyproject says."""

import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError

from course_lib.index import ROOT

TEXT = (ROOT / "environment.yml").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def faults(text):
    """What is wrong with an environment.yml, one sentence each."""
    data = yaml.safe_load(text)
    if set(data) != {"name", "channels", "dependencies"}:
        return [f"its parts are {sorted(data)}"]
    found = []
    if data["name"] != PROJECT["name"]:
        found.append("its name is not the project's")
    if data["channels"] != ["conda-forge"]:
        found.append("its channels are not conda-forge alone")
    *specs, last = data["dependencies"]
    if last != {"pip": ["-e .[all]"]}:
        found.append("its last part is not pip with -e .[all]")
    return found + spec_faults(specs)


def spec_faults(specs):
    try:
        parsed = [MatchSpec(spec) for spec in specs]
    except InvalidMatchSpecError as error:
        return [f"conda cannot read it: {error}"]
    if [spec.name.normalized for spec in parsed] != ["python", "pip"]:
        return ["it names other packages than python and pip"]
    if SpecifierSet(str(parsed[0].version)) != SpecifierSet(PROJECT["requires-python"]):
        return ["its python is not pyproject's requires-python"]
    return []


def test_it_is_as_small_as_it_should_be():
    assert faults(TEXT) == []


def test_the_extra_it_installs_exists():
    assert "all" in PROJECT["optional-dependencies"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("name: break", "name: brake", "name"),
        ("- conda-forge", "- defaults", "channels"),
        ("python>=3.11,<3.15", "python>=3.11,<3.16", "requires-python"),
        ("python>=3.11,<3.15", "python>=>3.11", "cannot read"),
        ("  - pip\n", "  - pip\n  - numpy\n", "other packages"),
        (".[all]", ".[core]", "pip with"),
        ("channels:", "chanels:", "parts"),
    ],
)
def test_a_planted_fault_is_found(old, new, fault):
    assert old in TEXT

    assert fault in " ".join(faults(TEXT.replace(old, new)))
