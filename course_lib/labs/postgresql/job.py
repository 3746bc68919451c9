"""What the two processes beside the kernel are told, once, as one JSON line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

__all__ = ["PREFIX", "Job"]

PREFIX = "break-it-first-postgres-"


@dataclass(frozen=True)
class Job:
    """One server to run.

    Attributes:
        name: of the data folder, unlike any other; it begins with PREFIX.
        kernel: number of the process that the server belongs to.
        places: folders in which the data folder may be made, best first.
        programs: folder of `initdb` and `postgres`.
        package: folder above `programs` that holds all they need in `parts`, or "".
        template: where an empty cluster is kept for the next start.
        password: of the superuser `postgres`, should the template be made now.
        settings: lines of postgresql.conf.
    """

    name: str
    kernel: int
    places: list[str]
    programs: str
    package: str
    parts: list[str]
    template: str
    initdb: list[str]
    password: str
    settings: dict[str, str]

    @classmethod
    def read(cls, line: bytes) -> Job:
        return cls(**json.loads(line))

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @property
    def aside(self) -> Path:
        """Where this start makes the template, before it is given its name."""
        return Path(f"{self.template}.{self.name}")

    def named(self, name: str) -> Job:
        return replace(self, name=name)
