"""A PostgreSQL of its own for each child whose scenarios need one.

The child starts it by `labs.postgres()`, within its own processes, files and network,
so that nothing is shared between learners and all of it ends with the child. The empty
cluster that it begins with is made once by the warm process and shown read-only.
"""

from __future__ import annotations

import functools
import os

from course_lib.grading.confining import confine
from course_lib.grading.kernel_calls import mount, read_only
from course_lib.grading.protections import FIRST_USER, Limits, Protections
from course_lib.grading.view import CLUSTER
from course_lib.practice import services
from course_lib.practice.scenarios import Checks

__all__ = ["limits_of", "needs_database", "prepare", "start"]

WITH_DATABASE = Limits(
    memory=3 * 2**29,
    processes=160,
    threads=512,
    file_size=256 * 2**20,
    scratch=512 * 2**20,
    files=50_000,
    loopback=True,
)
"""PostgreSQL has ten processes, one more for each connection, and all its data in the scratch."""


def needs_database(checks: Checks) -> bool:
    return any(checks.services_of(scenario) for scenario in checks.scenarios)


def limits_of(checks: Checks) -> Limits:
    """What the code of a learner may use that is told these scenarios."""
    return WITH_DATABASE if needs_database(checks) else Limits()


def prepare(checks: Checks, protections: Protections) -> None:
    """In the warm process, before it makes a child for these checks."""
    if needs_database(checks):
        import psycopg  # noqa: F401 - children have it loaded then

        if protections.namespaces:
            _make_cluster(protections)


@functools.cache
def _make_cluster(protections: Protections) -> None:
    """Let a confined child make it: PostgreSQL refuses to run as root.

    Should it fail, `start` says so: learners' code does not run then.
    """
    owner = FIRST_USER if protections.user else os.geteuid()
    mount("tmpfs", CLUSTER, f"size=128m,mode=755,uid={owner}")
    os.environ["COURSE_CACHE"] = CLUSTER
    child = os.fork()
    if not child:
        _first_start(protections)
    os.waitpid(child, 0)
    for above, folders, files in os.walk(CLUSTER):
        for name in folders:
            os.chmod(os.path.join(above, name), 0o755)
        for name in files:
            os.chmod(os.path.join(above, name), 0o644)
    read_only(CLUSTER)


def _first_start(protections: Protections) -> None:
    """Of a server that finds no cluster, so it makes one and keeps a copy in the cache."""
    code = 1
    try:
        confine(WITH_DATABASE, protections, number=0)
        from course_lib.labs import postgres

        postgres().stop()
        code = 0
    finally:
        os._exit(code)


def start(checks: Checks) -> str:
    """In the child, before it runs anything of the learner's; why it cannot go on, or ""."""
    if not needs_database(checks):
        return ""
    if not os.path.isdir(CLUSTER) or not os.listdir(CLUSTER):
        return "A database for each learner needs namespaces, which are not allowed here."
    try:
        return " ".join(services.missing(checks).values())
    except (RuntimeError, OSError) as error:
        return f"The learner's database did not start: {error}"
