"""How a lesson's kernel is started, for building a lesson and for proving it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from course_lib.proof.rooms import Room

__all__ = ["KERNEL", "kernel_manager"]

KERNEL = "course"

_WARM = "course-warm"
_SPECS = Path(__file__).parent / "kernels"


def kernel_manager(room: Room, kind: type[Any], *, template: str = "") -> Any:
    """A manager of class `kind`, not started yet, for the course's kernel.

    With the address of a template (warm_template.py) it is forked from there.

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
    if template:
        _fork_from(template, manager)
    return manager


def _fork_from(template: str, manager: Any) -> None:
    """Have `manager` ask for a fork. The course is not installed, so no entry point says how."""
    from importlib.metadata import EntryPoint

    from jupyter_client.provisioning import KernelProvisionerFactory as Factory

    ways = Factory.instance().provisioners
    ways[_WARM] = EntryPoint(_WARM, f"{__package__}.warm_provisioner:WarmProvisioner", "")
    chosen = {"provisioner_name": _WARM, "config": {"template": template}}
    manager.kernel_spec.metadata["kernel_provisioner"] = chosen
