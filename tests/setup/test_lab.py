"""JupyterLab opens on the learner's copies, and keeps to itself."""

import json
import socket
import sys
from pathlib import Path

import pytest
from jupyterlab.labapp import LabApp

from course_lib import lab

SCHEMAS = Path(sys.prefix) / "share/jupyter/lab/schemas"
DEFAULTS = json.loads((lab._DEFAULTS / "overrides.json").read_text())


def unknown_settings(defaults):
    """The settings that this JupyterLab does not know, or not with this value's type."""
    types = {bool: "boolean", str: "string"}
    found = []
    for plugin, settings in defaults.items():
        package, name = plugin.split(":")
        schema = json.loads((SCHEMAS / package / f"{name}.json").read_text())["properties"]
        for key, value in settings.items():
            if schema.get(key, {}).get("type") != types[type(value)]:
                found.append(f"{plugin} {key}")
    return found


def test_every_default_is_a_setting_that_jupyterlab_has():
    assert unknown_settings(DEFAULTS) == []


def test_a_planted_setting_that_jupyterlab_does_not_have_is_found():
    tracker = "@jupyterlab/notebook-extension:tracker"

    assert unknown_settings({tracker: {"windowMode": "none"}}) == [f"{tracker} windowMode"]


def test_no_news_is_fetched_and_every_cell_is_in_the_page():
    notification = DEFAULTS["@jupyterlab/apputils-extension:notification"]

    assert notification == {"checkForUpdates": False, "fetchNews": "false"}
    assert DEFAULTS["@jupyterlab/notebook-extension:tracker"] == {"windowingMode": "none"}


def test_every_argument_is_one_that_jupyterlab_takes():
    words = lab._arguments(port=9000, browser=False, others=[])
    named = [word.removeprefix("--").split("=")[0].split(".") for word in words if "=" in word]

    for owner, name in named:
        classes = [cls for cls in LabApp.__mro__ if cls.__name__ == owner]
        classes = classes or [
            cls for cls in LabApp().serverapp_class.__mro__ if cls.__name__ == owner
        ]
        assert classes, owner
        assert name in classes[0].class_trait_names(), name


def test_others_come_last_and_win():
    words = lab._arguments(port=None, browser=True, others=["--ServerApp.ip=0.0.0.0"])

    assert words[-1] == "--ServerApp.ip=0.0.0.0"
    assert "--ServerApp.ip=127.0.0.1" in words
    assert "--no-browser" not in words


def test_a_port_that_was_asked_for_is_not_exchanged_for_another():
    words = lab._arguments(port=9000, browser=True, others=[])

    assert {"--ServerApp.port=9000", "--ServerApp.port_retries=0"} <= set(words)


def test_a_taken_port_is_one_sentence_before_anything_is_done(monkeypatch):
    monkeypatch.setattr(lab.workspace, "refresh", None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(OSError, match=f"Port {port} cannot be used .*choose another"):
            lab.start(port=port, browser=False, others=[])


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_number_that_is_no_port_is_one_sentence(port):
    with pytest.raises(ValueError, match="is not a port"):
        lab.start(port=port, browser=False, others=[])


def test_a_free_port_is_accepted():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    lab._refuse_taken(port)


def test_jupyter_and_ipython_keep_everything_in_the_folder_of_the_record(tmp_path):
    seen = lab._environment(tmp_path)

    assert seen["COURSE_HOME"] == str(tmp_path)
    places = [value for name, value in seen.items() if name.endswith(("DIR", "DIR"))]
    assert len(places) == 6
    assert all(place.startswith(str(tmp_path / "jupyter")) for place in places)


def test_starting_refreshes_work_says_what_changed_and_runs_jupyterlab(monkeypatch, capsys):
    launched = []
    monkeypatch.setattr(lab.os, "environ", dict(lab.os.environ))
    monkeypatch.setattr(lab.workspace, "refresh", lambda work: "You changed something.")
    monkeypatch.setattr(LabApp, "launch_instance", launched.append)

    assert lab.start(port=None, browser=False, others=[]) == 0

    assert capsys.readouterr().out == "You changed something.\n"
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb" in launched[0]
