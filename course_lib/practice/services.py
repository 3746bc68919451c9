"""What scenarios need to run beside them: started once, before any child is made.

Children of a process that called `missing` use its server: each makes databases
of its own on it. What a killed child left there, `sweep` drops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from course_lib.practice.scenarios import Checks
from course_lib.practice.source import BadExercise

__all__ = ["missing", "sweep"]


def missing(checks: Checks) -> dict[str, str]:
    """Start what the scenarios need; the services that cannot be had, each with the mend.

    Raises:
        BadExercise: SERVICES names one that does not exist.
    """
    needed = {service for told in checks.scenarios for service in checks.services_of(told)}
    found = {}
    for service in sorted(needed):
        if service not in _STARTS:
            raise BadExercise(f'There is no service "{service}"; there are {", ".join(_STARTS)}.')
        why = _STARTS[service]()
        if why:
            found[service] = why
    return found


def sweep(checks: Checks, pids: Iterable[int]) -> None:
    """Drop the databases that children with these process ids have left behind."""
    if not any(checks.services_of(told) for told in checks.scenarios) or missing(checks):
        return
    import psycopg

    from course_lib.labs import postgres
    from course_lib.labs.postgres_database import OURS

    endings = tuple(f"_{pid}" for pid in pids)
    with psycopg.connect(postgres().url, autocommit=True) as admin:
        names = admin.execute(
            "SELECT datname FROM pg_database "
            "WHERE shobj_description(oid, 'pg_database') = %s AND NOT datistemplate",
            (OURS,),
        ).fetchall()
        for (name,) in names:
            if name.endswith(endings):
                admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _postgres() -> str:
    from course_lib.labs import PostgresMissing, postgres

    try:
        postgres()
    except PostgresMissing as error:
        return str(error)
    return ""


def _shop() -> str:
    """PostgreSQL with the shop's template, which takes seconds to build: no scenario has those."""
    from course_lib.labs import postgres

    why = _postgres()
    if not why and postgres().url not in _with_shop:
        postgres().database(template="shop").drop()
        _with_shop.add(postgres().url)
    return why


_with_shop: set[str] = set()
"""Addresses of servers that have the template."""


_STARTS: dict[str, Callable[[], str]] = {"postgres": _postgres, "shop": _shop}
