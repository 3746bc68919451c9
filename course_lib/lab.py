"""Open JupyterLab on the learner's copies.

It gets settings, history and kernels of its own, in the folder of the progress
record: the learner's other Jupyter stays as it is and cannot get in the way.
Nothing is fetched or sent: no news, no update check, no extension catalogue.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from course_lib import progress, workspace

__all__ = ["start"]

_DEFAULTS = Path(__file__).parent / "lab_defaults"  # overrides.json: settings learners may change
_FIRST_PAGE = "notebooks/00_start.ipynb"
_NOT_FOR_LEARNERS = (  # server parts of the maintainers' tools; their buttons: page_config.json
    "nbgrader.server_extensions.formgrader",
    "nbgrader.server_extensions.validate_assignment",
    "nbgrader.server_extensions.assignment_list",
    "nbgrader.server_extensions.course_list",
    "jupyterlab_jupytext",
    "jupyter_lsp",
    "notebook",
)


def start(*, port: int | None, browser: bool, others: Sequence[str]) -> int:
    """Refresh work/, then run JupyterLab in it until it is stopped.

    Args:
        port: on 127.0.0.1; None takes the first free one from 8888 on.
        others: further arguments for JupyterLab; they win over ours.

    Raises:
        OSError: the port is taken, or work/ cannot be used.
    """
    if port is not None:
        _refuse_taken(port)
    for sentence in (str(workspace.refresh(work=workspace.WORK)), progress.notice()):
        if sentence:
            print(sentence, flush=True)
    os.environ.update(_environment(progress.home()))
    from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]  # it ships no types

    LabApp.launch_instance(_arguments(port=port, browser=browser, others=others))
    return 0


def _arguments(*, port: int | None, browser: bool, others: Sequence[str]) -> list[str]:
    arguments = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={workspace.WORK}",
        f"--LabApp.default_url=/lab/tree/{_FIRST_PAGE}",
        f"--LabApp.app_settings_dir={_DEFAULTS}",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
        *(f"--ServerApp.jpserver_extensions={name}=False" for name in _NOT_FOR_LEARNERS),
        "-y",  # Ctrl-C stops at once; notebooks are saved every two minutes
    ]
    if port is not None:
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # in a container; the server listens on loopback only
    return [*arguments, *others]


def _environment(home: Path) -> Mapping[str, str]:
    """What JupyterLab and its kernels see. The kernels record where we record."""
    own = home / "jupyter"
    return {
        "COURSE_HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(own / "ipython"),
    }


def _refuse_taken(port: int) -> None:
    if not 1 <= port <= 65_535:
        raise ValueError(f"{port} is not a port; choose one from 1024 to 65535.")
    with socket.socket() as probe:
        if sys.platform != "win32":  # as the server does; on Windows it would share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            mend = "choose another, or leave --port out"
            raise OSError(f"Port {port} cannot be used ({error.strerror}); {mend}.") from error
