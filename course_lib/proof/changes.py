"""Which lessons and exercises a change can reach: `course.py test --changed`.

A lesson is reached through its notebook, through what stands beside it
(`items.toml`, `hunts.py`), and through the modules of course_lib that it
imports, directly or not. A change of how lessons are run reaches all of them.
An exercise is reached in the same way: its folder, its source, its proofs, its imports.
"""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from course_lib.index import Exercise
from course_lib.proof.gates import lesson_notebooks

__all__ = ["changed_files", "exercises_reached", "reached"]

# What everything stands on, whatever it imports; and what every lesson does.
EVERYTHING = ("requirements.lock", "pyproject.toml", "course.toml", "course_lib/__init__.py")
LESSONS = (*EVERYTHING, "course_lib/proof/", "tests/notebooks/")


def changed_files(root: Path, *, base: str = "HEAD") -> list[str]:
    """Files that differ from `base`, a name of git's, and new ones that are not ignored.

    Raises:
        ValueError: git is absent, this is no repository, or it has no such base.
    """
    differ = _git(root, "diff", "--name-only", "--no-renames", "-z", base, "--")
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return sorted({*differ, *new})


def _git(root: Path, *words: str) -> list[str]:
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, encoding="utf-8", timeout=60
        )
    except OSError as error:
        raise ValueError("--changed needs git, which is not on PATH; run all lessons.") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()[:1]
        raise ValueError(f"--changed: git says {said}; name a commit or a branch.")
    return [name for name in done.stdout.split("\0") if name]


def reached(root: Path, changed: Iterable[str]) -> dict[Path, str]:
    """Lessons that one of these files can reach, each with the first such file.

    Args:
        changed: names below `root`, with forward slashes.
    """
    names = sorted(changed)
    found: dict[Path, str] = {}
    for lesson in lesson_notebooks(root):
        texts = [*_cells(lesson), *_texts(lesson.parent.glob("*.py"))]
        beneath = (*LESSONS, *_beneath(root, texts))
        whys = (
            name for name in names if _is_beside(root, lesson, name) or name.startswith(beneath)
        )
        if why := next(whys, ""):
            found[lesson] = why
    return found


def exercises_reached(
    root: Path, exercises: Iterable[Exercise], changed: Iterable[str]
) -> dict[Exercise, str]:
    """Exercises that one of these files can reach, each with the first such file."""
    names = sorted(changed)
    found: dict[Exercise, str] = {}
    for exercise in exercises:
        own = (f"{exercise.folder}/", f"{exercise.proofs}/", exercise.source)
        source = root / exercise.source
        texts = _texts([root / exercise.checks, source, *source.rglob("*.py")])
        beneath = (*EVERYTHING, *own, *_beneath(root, texts))
        if why := next((name for name in names if name.startswith(beneath)), ""):
            found[exercise] = why
    return found


def _texts(paths: Iterable[Path]) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in paths if path.is_file()]


def _is_beside(root: Path, lesson: Path, name: str) -> bool:
    """The lesson itself, or what its folder and notebooks/ hold for it; no other lesson."""
    path = root / name
    shared = path.suffix != ".ipynb" and path.parent in (lesson.parent, root / "notebooks")
    return path == lesson or shared


def _beneath(root: Path, texts: Iterable[str]) -> Iterator[str]:
    """What texts import, as beginnings of names: modules, and packages as a whole, since most
    load their parts late."""
    waiting = {part for text in texts for part in _imported(text, root)}
    done: set[str] = set()
    while waiting:
        part = waiting.pop()
        done.add(part)
        yield part
        for path in _modules(root / part):
            inside = path.parent.relative_to(root).parts
            waiting |= set(_imported(path.read_text("utf-8"), root, inside)) - done


def _modules(part: Path) -> list[Path]:
    return sorted(part.rglob("*.py")) if part.is_dir() else [part]


def _cells(lesson: Path) -> Iterator[str]:
    for cell in json.loads(lesson.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def _imported(text: str, root: Path, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """The parts of course_lib that the text imports: "course_lib/clock.py", "course_lib/errors/".

    Args:
        inside: the folders of the package that the text is in.
    """
    for name in _names(ast.walk(_tree(text)), inside):
        top, *rest = name.split(".")
        if top == "course_lib" and rest:
            part = root / top / rest[0]
            if part.is_dir():
                yield f"{top}/{rest[0]}/"
            elif part.with_suffix(".py").is_file():
                yield f"{top}/{rest[0]}.py"


def _names(nodes: Iterable[ast.AST], inside: tuple[str, ...]) -> Iterator[str]:
    """Dotted names, with `from x import y` as x.y, since y may be a module."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) + 1 - node.level] if node.level else ()
            start = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def _tree(text: str) -> ast.Module:
    """As Python; a line that is IPython's own (`%time`, `!ls`, `?`) is left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("%", "!", "?"))]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:  # a cell that shows a mistake: what can still be read
        imports = [line.strip() for line in lines if line.strip().startswith(("import ", "from "))]
        return _readable(imports)


def _readable(imports: list[str]) -> ast.Module:
    body: list[ast.stmt] = []
    for line in imports:
        try:
            body += ast.parse(line).body
        except SyntaxError:
            continue  # one of many lines
    return ast.Module(body=body, type_ignores=[])
