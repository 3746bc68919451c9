"""The doctor looks at everything, and each trouble comes with its mend."""

import webbrowser

import pytest

from course_lib import doctor


def finding(name):
    (found,) = [each for each in doctor.examine() if each.name == name]
    return found


def test_it_looks_at_nine_things_one_line_each():
    findings = doctor.examine()

    assert len(findings) == 9
    assert all("\n" not in str(each) for each in findings)


def test_a_finding_reads_as_ok_or_as_a_problem_with_its_mend():
    assert str(doctor.Finding("disk", True, "9 GB free")) == "ok: disk: 9 GB free"
    assert str(doctor.Finding("disk", False, "full; make room")) == "problem: disk: full; make room"


@pytest.mark.parametrize(
    ("name", "target", "broken", "mend"),
    [
        ("disk", "shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**8}), "make room"),
        ("browser", "webbrowser.get", None, "open the address"),
        ("PostgreSQL", "importlib.util.find_spec", lambda _: None, "course.py install"),
        ("loopback", "socket.create_server", None, "OSError: no loopback"),
        ("work", "os.access", lambda *_: False, "change its rights"),
        ("progress", "os.access", lambda *_: False, "change its rights"),
    ],
)
def test_a_planted_trouble_is_found(monkeypatch, name, target, broken, mend):
    def fail(*_args, **_named):
        raise webbrowser.Error("none") if name == "browser" else OSError("no loopback")

    monkeypatch.delenv("COURSE_DATABASE_URL", raising=False)
    monkeypatch.setattr(f"course_lib.doctor.{target}", broken or fail)

    assert not finding(name).ok
    assert mend in finding(name).text


def test_an_environment_that_is_not_there_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor.environment, "is_ready", lambda *_: False)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: None)

    assert not finding("environment").ok
    assert "course.py install" in finding("environment").text


def test_a_damaged_lock_is_a_problem(monkeypatch):
    def fail(*_args):
        raise ValueError("requirements.lock has other sections")

    monkeypatch.setattr(doctor.environment, "is_ready", fail)

    assert "get requirements.lock again" in finding("environment").text


def test_a_server_of_ones_own_replaces_ours(monkeypatch):
    monkeypatch.setenv("COURSE_DATABASE_URL", "postgresql://localhost/shop")

    assert "your own server" in finding("PostgreSQL").text


def test_a_work_that_is_a_file_is_a_problem(monkeypatch, tmp_path):
    (tmp_path / "work").write_text("a letter")
    monkeypatch.setattr(doctor.workspace, "WORK", tmp_path / "work")

    assert "is a file" in finding("work").text


def test_looking_changes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))

    doctor.examine()

    assert list(tmp_path.iterdir()) == []
