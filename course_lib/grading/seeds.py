"""The class seed: a file that only instructors have, from which every input follows."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from course_lib.practice.checking import PUBLIC_SEED

__all__ = ["Seed", "read_seed"]

SHORTEST = 16


class Seed:
    """Gives each scenario an rng of its own; from one, no other can be found out.

    Args:
        secret: the content of the seed file; None for the inputs that learners know.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret

    @property
    def secret(self) -> bytes | None:
        return self._secret

    @property
    def is_secret(self) -> bool:
        return self._secret is not None

    def of(self, exercise: str, meaning: str) -> int | str:
        """What one scenario's rng starts from."""
        return PUBLIC_SEED if self._secret is None else self._derived(f"{exercise}\0{meaning}")

    @property
    def name(self) -> str:
        """Tells this seed from others without giving it away."""
        return "public" if self._secret is None else self._derived("name")[:16]

    def _derived(self, purpose: str) -> str:
        secret = self._secret or b""
        return hmac.new(secret, purpose.encode("utf-8"), hashlib.sha256).hexdigest()


def read_seed(path: Path, *, outside: tuple[Path, ...]) -> Seed:
    """The Seed in a file.

    Args:
        outside: folders that must not hold it: the repository, and what was handed in.

    Raises:
        ValueError: it cannot be used; the message says how to mend that.
    """
    real = path.resolve()
    for folder in outside:
        if real.is_relative_to(folder.resolve()):
            raise ValueError(
                f"The seed file lies in {folder}, where learners may find it; move it elsewhere."
            )
    try:
        secret = real.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"The seed file {path} cannot be read: {error.strerror}.") from error
    if len(secret) < SHORTEST:
        raise ValueError(
            f"The seed file has {len(secret)} characters and needs {SHORTEST} or more; "
            f"`python3 -c 'import secrets; print(secrets.token_hex())'` gives some."
        )
    return Seed(secret)
