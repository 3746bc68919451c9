"""A kernel forked from the template, as jupyter_client wants to see it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner
from traitlets import Unicode

from course_lib.proof import kernel
from course_lib.proof.warm_start import wait_for

__all__ = ["WarmProvisioner"]

_LOOK_AGAIN = 0.005


class WarmProvisioner(LocalProvisioner):  # type: ignore[misc]  # it has no types
    """Asks the template at the address `template` for a fork, where others start a process."""

    template = Unicode()

    async def launch_kernel(self, cmd: list[str], **given: Any) -> Any:
        # cmd is [python, "-m", module, arguments ...], from kernels/course/kernel.json.
        argv = [str(Path(kernel.__file__)), *cmd[3:]]
        self.process = _Fork(self.template, argv=argv, env=given["env"], cwd=given["cwd"])
        self.pid = self.pgid = self.process.pid
        self.cwd = given["cwd"]
        return self.connection_info

    async def wait(self) -> int | None:
        while (status := await self.poll()) is None:
            await asyncio.sleep(_LOOK_AGAIN)
        return int(status)

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if self.process is not None:
            self.process.release()


class _Fork:
    """The few parts of subprocess.Popen that LocalProvisioner uses.

    The process is the template's child, so the template says when it has ended.
    """

    stdin = stdout = stderr = None

    def __init__(self, address: str, *, argv: list[str], env: dict[str, str], cwd: str) -> None:
        wait_for(address)
        self._template = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._template.connect(address)
        request = json.dumps({"argv": argv, "env": env, "cwd": cwd})
        self._template.sendall(request.encode() + b"\n")
        self.pid = self._told_pid()
        self.returncode: int | None = None
        self._template.setblocking(False)

    def poll(self) -> int | None:
        """The exit status, or None while it runs; -9 when the template is gone, and so is it."""
        if self.returncode is None:
            try:
                self.returncode = int(self._template.recv(64) or -signal.SIGKILL)
            except BlockingIOError:
                pass  # nothing was said yet
            except ConnectionError:
                self.returncode = -signal.SIGKILL
        return self.returncode

    def wait(self) -> int | None:
        return self.poll()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def release(self) -> None:
        """Let the template kill it if it still runs, and forget it."""
        with contextlib.suppress(OSError):
            self._template.sendall(b"bye\n")
        self._template.close()

    def _told_pid(self) -> int:
        told = b""
        while not told.endswith(b"\n"):  # byte by byte: the status may follow at once
            byte = self._template.recv(1)
            if not byte:
                raise OSError("the template of the kernels is gone; run the same again.")
            told += byte
        return int(told)
