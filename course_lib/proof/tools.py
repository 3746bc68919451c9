"""Gates that ask another tool: ruff, mypy, and the schema of GitHub workflows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from course_lib.proof.gates import Gate, finished, tracked

__all__ = ["code_is_formatted", "code_is_linted", "types_are_strict", "workflow_is_valid"]

SECONDS = 300
SHOWN = 20

WORKFLOW = ".github/workflows/test.yml"
COMMAND = "python3 course.py test"


def code_is_linted(root: Path) -> Gate:
    return _ruff(root, "lint", "check")


def code_is_formatted(root: Path) -> Gate:
    return _ruff(root, "format", "format", "--check")


def _ruff(root: Path, name: str, *verb: str) -> Gate:
    lines = _run(root, "ruff", *verb, "--output-format=concise", "--no-cache", ".")
    problems = [line for line in lines if re.match(r"\S+:(?:cell \d+:)?\d+:\d+: ", line)]
    if not problems and lines[0] != "exit 0":
        problems = [f"ruff: stopped with {' '.join(lines)}"]
    files = len(tracked(root, ".py", ".ipynb"))
    return finished(root, name, covered=files, unit="files", problems=_few(problems))


def types_are_strict(root: Path) -> Gate:
    """mypy, as pyproject.toml sets it up."""
    lines = _run(root, "mypy", "--no-color-output", "--no-error-summary")
    problems = [line for line in lines if ": error:" in line]
    if not problems and lines[0] != "exit 0":
        problems = [f"mypy: stopped with {' '.join(lines)}"]
    modules = [p for p in tracked(root, ".py") if p.is_relative_to(root / "course_lib")]
    return finished(root, "types", covered=len(modules), unit="modules", problems=_few(problems))


def _run(root: Path, module: str, *arguments: str) -> list[str]:
    """What the tool said, with its exit status as the first line."""
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return [f"a time limit of {SECONDS} s"]
    return [f"exit {done.returncode}", *(done.stdout + done.stderr).splitlines()]


def _few(problems: list[str]) -> list[str]:
    rest = len(problems) - SHOWN
    return problems if rest <= 0 else [*problems[:SHOWN], f"... and {rest} more."]


def workflow_is_valid(root: Path) -> Gate:
    """The workflow for forks: valid, careful, and the same command as here."""
    import yaml

    path = root / WORKFLOW
    try:
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        problem = f"{WORKFLOW}: cannot be read ({type(error).__name__}); write it again."
        return finished(root, "workflow", covered=0, unit="jobs", problems=[problem])
    jobs = workflow.get("jobs", {}) if isinstance(workflow, dict) else {}
    problems = [*_schema(root), *_care(workflow, jobs)]
    return finished(root, "workflow", covered=len(jobs), unit="jobs", problems=problems)


def _schema(root: Path) -> list[str]:
    schema = ("--builtin-schema", "vendor.github-workflows")
    lines = _run(root, "check_jsonschema", *schema, WORKFLOW)
    if lines[0] == "exit 0":
        return []
    return [f"{WORKFLOW}: does not fit GitHub's schema ({' '.join(lines[1:])[:300]})."]


def _care(workflow: Any, jobs: dict[str, Any]) -> list[str]:
    found = []
    if COMMAND not in str(jobs):
        found.append(f"{WORKFLOW}: does not call `{COMMAND}`; every place runs the same command.")
    if not isinstance(workflow, dict) or workflow.get("permissions") != {"contents": "read"}:
        found.append(f"{WORKFLOW}: may do more than read the contents; limit its permissions.")
    for name, job in jobs.items():
        if "timeout-minutes" not in job:
            found.append(f'{WORKFLOW}: job "{name}" has no timeout-minutes; add it.')
    return found
