"""Automatic mutation: would the scenarios notice a small change in the reference?

Every mutation changes one place in the solution cells: a comparison, a number, a
condition, `and`/`or`, an operator, or a statement left out. The scenarios should
fail. What survives is either a hole in the scenarios or a change that means the
same; the latter stands, with its reason, in `survivors.toml` beside the mutants.
Source: DeMillo, Lipton, Sayward, "Hints on Test Data Selection" (1978).
"""

from __future__ import annotations

import ast
import os
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from course_lib.index import ROOT, Exercise
from course_lib.practice import services
from course_lib.practice.checking import PUBLIC_SEED, judge_scenario
from course_lib.practice.forked import in_forks
from course_lib.practice.opened import Opened, find_exercise, open_exercise
from course_lib.practice.projects import load, read_files, regions, write
from course_lib.practice.source import reference_text

__all__ = ["MutationResult", "mutate", "mutations"]

LIMIT = 5.0
"""Seconds for one mutation, or SLOWER times what the reference takes, if that is more.

One that takes longer counts as caught.
"""

SLOWER = 10.0

REQUIRED = 0.9
"""Share of the mutations that the scenarios must catch."""

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
}
_REMOVABLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Raise, ast.Return, ast.Delete)


@dataclass(frozen=True)
class Mutation:
    """One change. `name` stays the same when lines are added above it. `file` is of a project."""

    name: str
    line: int
    tree: ast.Module
    apply: Callable[[], None]
    file: str = ""


@dataclass(frozen=True)
class MutationResult:
    """`survivors` were not caught and are not listed; `stale` are listed but were caught."""

    id: str
    caught: int
    total: int
    listed: tuple[str, ...]
    survivors: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.caught / self.total if self.total else 0.0

    @property
    def ok(self) -> bool:
        return self.share >= REQUIRED and not self.survivors and not self.stale

    def __str__(self) -> str:
        head = (
            f"{self.id}: {self.caught} of {self.total} mutations caught ({self.share:.0%}, "
            f"at least {REQUIRED:.0%} required), {len(self.listed)} listed as equivalent"
        )
        survived = [f"Survived, not listed: {name}" for name in self.survivors]
        stale = [f"Listed, but caught or gone: {name}" for name in self.stale]
        return "\n".join([head, *survived, *stale])


def mutate(exercise: Exercise | str, *, root: Path = ROOT, jobs: int = 1) -> MutationResult:
    """Tell the scenarios to every mutation of the reference. Needs a system with fork.

    Args:
        jobs: how many mutations are judged at the same time.

    Raises:
        UnknownId, BadExercise: as their names say.
        ValueError: there is no fork here, or survivors.toml is not `[[survivor]]` with
            `mutation` and `reason`.
    """
    if not hasattr(os, "fork"):
        raise ValueError("Changing a reference needs fork; run this on Linux or macOS.")
    if isinstance(exercise, str):
        exercise = find_exercise(exercise, root)
    opened = open_exercise(exercise.id, root)
    services.missing(opened.checks)  # started before the forks; the proof says what is missing
    opened.expected.clear()  # told anew, also when a proof has told it: the time counts
    begin = time.monotonic()
    for scenario in opened.checks.scenarios:
        opened.expect(scenario, seed=PUBLIC_SEED)  # once, before the forks
    limit = max(LIMIT, SLOWER * (time.monotonic() - begin))
    listed = survivors_listed(root / exercise.proofs / "survivors.toml")
    every = list(_every(opened))
    children: list[int] = []
    with tempfile.TemporaryDirectory(prefix="break-it-first-mutation-") as room:
        tasks = [partial(_survives, opened, Path(room), mutation) for mutation in every]
        # One that crashes, ends its process or takes too long is caught: only True survives.
        results = in_forks(tasks, jobs=jobs, seconds=limit, ended=children.append)
        survived = {m.name for m, result in zip(every, results, strict=True) if result is True}
    services.sweep(opened.checks, children)
    return MutationResult(
        exercise.id,
        caught=len(every) - len(survived),
        total=len(every),
        listed=tuple(name for name in listed if name in survived),
        survivors=tuple(sorted(survived - listed.keys())),
        stale=tuple(name for name in listed if name not in survived),
    )


def survivors_listed(path: Path) -> dict[str, str]:
    """Mutation name to the reason why it changes nothing that could be noticed."""
    if not path.exists():
        return {}
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])
        listed = {str(row["mutation"]): str(row["reason"]) for row in rows}
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}; write [[survivor]] rows.") from error
    for name, reason in listed.items():
        if not reason.strip():
            raise ValueError(f'{path.name}: "{name}" has no reason; say why it is equivalent.')
    return listed


def _every(opened: Opened) -> Iterator[Mutation]:
    if not opened.exercise.is_project:
        yield from mutations(opened.source)
        return
    for name, text in read_files(opened.root / opened.exercise.source).items():
        if name.endswith(".py"):
            found = _mutations(ast.parse(text), regions(text))
            yield from (replace(each, name=f"{name}: {each.name}", file=name) for each in found)


def mutations(source: str) -> Iterator[Mutation]:
    """Every mutation of the solution cells in `source`, outer statements first.

    They share one syntax tree: `apply` changes it for good, so apply one per process.
    """
    lines = reference_text(source, "solution").splitlines()
    yield from _mutations(ast.parse(reference_text(source)), lines)


def _mutations(tree: ast.Module, lines: list[str]) -> Iterator[Mutation]:
    """Those that begin on one of `lines`, where lines of no interest are empty."""
    seen: Counter[str] = Counter()
    for node in _nodes(tree):
        for what, where, apply in _changes(node):
            text = lines[where.lineno - 1].strip() if where.lineno <= len(lines) else ""
            if not text:
                continue  # a setup cell
            name = f"{what} in `{text.split('  # ')[0]}`"
            seen[name] += 1
            times = f", time {seen[name]}" if seen[name] > 1 else ""
            yield Mutation(name + times, where.lineno, tree, apply)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The tree without annotations, texts, and what only people read."""
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _for_people(child):
                yield from _nodes(child)


def _for_people(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name in ("__repr__", "__str__")
    return isinstance(node, ast.JoinedStr)


def _changes(node: ast.AST) -> Iterator[tuple[str, Any, Callable[[], None]]]:
    """What could be changed at this node: a name, where, and a function that does it."""
    yield from _removals(node)
    if isinstance(node, ast.Compare):
        for number, op in enumerate(node.ops):
            if type(op) in _COMPARISONS:
                new = _COMPARISONS[type(op)]()
                what = f"{type(op).__name__} -> {type(new).__name__}"
                yield what, node, partial(node.ops.__setitem__, number, new)
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _OPERATORS:
        yield _swap(node, _OPERATORS[type(node.op)]())
    if isinstance(node, ast.BoolOp):
        yield _swap(node, ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not _flips_anyway(node.test):
        negated = ast.UnaryOp(ast.Not(), node.test)
        yield "condition negated", node, partial(setattr, node, "test", negated)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        new_value = not node.value if isinstance(node.value, bool) else node.value + 1
        what = f"{node.value} -> {new_value}"
        yield what, node, partial(setattr, node, "value", new_value)


def _swap(
    node: ast.BinOp | ast.AugAssign | ast.BoolOp, new: ast.operator | ast.boolop
) -> tuple[str, Any, Callable[[], None]]:
    what = f"{type(node.op).__name__} -> {type(new).__name__}"
    return what, node, partial(setattr, node, "op", new)


def _flips_anyway(test: ast.expr) -> bool:
    """Whether changing the comparison is the same as negating it."""
    exact = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
    return isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], exact)


def _removals(node: ast.AST) -> Iterator[tuple[str, Any, Callable[[], None]]]:
    for field in ("body", "orelse", "finalbody"):
        statements = getattr(node, field, None)
        if not isinstance(statements, list):
            continue
        for number, statement in enumerate(statements):
            text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if isinstance(statement, _REMOVABLE) and not text:
                yield "removed", statement, partial(statements.__setitem__, number, ast.Pass())


def _survives(opened: Opened, room: Path, mutation: Mutation) -> bool:
    """In a fork, which may loop, crash or end as it likes: whether every scenario passed."""
    mutation.apply()
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        try:
            namespace = _package(opened, room, mutation) if mutation.file else _module(mutation)
        except BaseException:  # noqa: BLE001 - what cannot even be loaded is caught
            return False
        for scenario in opened.checks.scenarios:
            told, found = judge_scenario(opened, scenario, namespace, seed=PUBLIC_SEED)
            if found is not None or not told.ended:
                return False
        return True


def _module(mutation: Mutation) -> dict[str, Any]:
    module = ModuleType("mutated")
    sys.modules[module.__name__] = module
    code = compile(ast.fix_missing_locations(mutation.tree), "mutated", "exec")
    exec(code, vars(module))
    return vars(module)


def _package(opened: Opened, room: Path, mutation: Mutation) -> dict[str, Any]:
    folder = room / f"mutated_{os.getpid()}"
    files = read_files(opened.root / opened.exercise.source)
    write({**files, mutation.file: ast.unparse(mutation.tree)}, folder)
    namespace, failure = load(folder, folder.name)
    if failure:
        raise ImportError(failure.error)
    return namespace
