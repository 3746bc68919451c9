"""How a lesson's kernel is started, for building a lesson and for proving it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from course_lib.proof.rooms import Room

__all__ = ["KERNEL", "kernel_manager"]

KERNEL = "course"

_SPECS = Path(__file__).parent / "kernels"


def kernel_manager(room: Room, kind: type[Any]) -> Any:
    """A manager of class `kind`, not started yet, for the course's kernel.

    Where Unix sockets exist the kernel listens on files in the room: two
    kernels that start at once cannot pick the same port.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager(kernel_dirs=[str(_SPECS)], ensure_native_kernel=False)
    manager = kind(kernel_name=KERNEL, kernel_spec_manager=specs)
    manager.connection_file = str(room.home / "kernel.json")
    if os.name == "posix":
        manager.transport = "ipc"
        manager.ip = str(room.home / "k")
    return manager
