"""Where the kernel is root, as in many containers: PostgreSQL refuses to run as root.

So it runs as an account that is there already. No account is made, and no
permission of a folder that was there before is changed: an embedded server that
opens somebody's home folder to everyone does more harm than good.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["Account", "give", "reachable", "unprivileged"]

Account = tuple[int, int]  # user and group


def unprivileged() -> Account | None:
    """The account to use; None where we are not root.

    Raises:
        LookupError: root, and no such account.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    for name in ("nobody", "daemon"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise LookupError("PostgreSQL refuses to run as root; start the course as a normal user")


def reachable(path: Path, account: Account) -> bool:
    """Whether the account may enter or run `path`, asked as the account.

    Forks, so it must be called before this process has a second thread.
    """
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(account[1])
            os.setuid(account[0])
            os._exit(0 if os.access(path, os.X_OK) else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def give(folder: Path, account: Account | None) -> None:
    """Make `folder`, which we made ourselves, and all in it the account's."""
    if account is None:
        return
    for root, folders, files in os.walk(folder):
        os.chown(root, *account)
        for name in (*folders, *files):
            os.chown(os.path.join(root, name), *account, follow_symlinks=False)
