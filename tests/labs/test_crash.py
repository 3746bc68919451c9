import os
import signal
import sqlite3
import sys
import tempfile
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest

from course_lib.labs import crash

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="these functions are no imports")
pytestmark = posix


def save(folder):
    """Replaces the file `data` as one should."""
    new = Path(folder, "data.new")
    with open(new, "wb") as file:
        file.write(b"new")
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, Path(folder, "data"))


@pytest.fixture
def left():
    """Tells which processes this test has started and not ended."""
    others = {*psutil.Process().children()}  # a database, or what multiprocessing keeps
    return lambda: [one for one in psutil.Process().children() if one not in others]


def what_is_there(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_points_are_the_moments_before_each_disk_call(tmp_path):
    found = crash.points(partial(save, tmp_path))
    calls = [point.call for point in found]
    assert calls == ["open", "write", "flush", "fsync", "close", "replace"]
    assert [point.number for point in found] == [1, 2, 3, 4, 5, 6]
    first = save.__code__.co_firstlineno
    assert [point.line - first for point in found] == [3, 4, 5, 6, 3, 7]


def test_the_run_that_lists_the_points_has_its_effect(tmp_path):
    crash.points(partial(save, tmp_path))
    assert what_is_there(tmp_path) == {"data": b"new"}


@pytest.mark.parametrize(
    ("number", "left"),
    [
        (1, {"data": b"old"}),
        (2, {"data": b"old", "data.new": b""}),
        (4, {"data": b"old", "data.new": b"new"}),
        (6, {"data": b"old", "data.new": b"new"}),
    ],
)
def test_a_kill_leaves_what_was_on_the_disk_before_the_call(tmp_path, number, left):
    Path(tmp_path, "data").write_bytes(b"old")
    done = crash.at(partial(save, tmp_path), number)
    assert done.killed == done.points[-1]
    assert done.killed.number == number
    assert what_is_there(tmp_path) == left


def test_a_point_can_be_given_as_object_number_or_name(tmp_path):
    replace = crash.points(partial(save, tmp_path))[-1]
    for point in (replace, 6, "replace"):
        assert crash.at(partial(save, tmp_path), point).killed == replace
    assert str(replace) == f"6: before replace, line {replace.line}"


def test_a_point_that_is_never_reached_lets_the_function_end(tmp_path):
    done = crash.at(partial(save, tmp_path), 7)
    assert done.killed is None
    assert what_is_there(tmp_path) == {"data": b"new"}


def test_bytes_in_a_buffer_are_lost(tmp_path):
    def work():
        with open(tmp_path / "log", "w", encoding="utf-8") as file:
            file.write("a")
            file.write("b")

    crash.at(work, "close")
    assert what_is_there(tmp_path) == {"log": b""}


def test_no_finally_and_no_handler_runs(tmp_path):
    def work():
        try:
            with open(tmp_path / "log", "wb", buffering=0) as file:
                file.write(b"a")
        except BaseException:
            Path(tmp_path, "caught").touch()
            raise
        finally:
            Path(tmp_path, "finally").touch()

    crash.at(work, "write")
    assert what_is_there(tmp_path) == {"log": b""}


def test_the_function_cannot_refuse_to_be_killed(tmp_path):
    def work():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        save(tmp_path)

    crash.at(work, "write")
    assert what_is_there(tmp_path) == {"data.new": b""}


def test_watched_functions_are_points_where_they_are_called(tmp_path):
    def handler(record):
        return record

    def work():
        handler(b"a")
        Path(tmp_path, "out").write_bytes(handler(b"b"))

    found = crash.points(work, watch=[handler])
    assert [point.call for point in found] == ["handler", "handler", "open", "write", "close"]
    assert found[1].line == work.__code__.co_firstlineno + 2
    assert found[2].line == found[1].line  # inside pathlib, called from there


def test_reading_printing_and_memory_are_no_points(tmp_path):
    Path(tmp_path, "in").write_bytes(b"a")

    def work():
        import io

        print("hello")
        sys.stdout.write("hello")
        io.BytesIO().write(b"a")
        with open(tmp_path / "in", "rb") as file:
            file.read()
        os.listdir(tmp_path)

    assert [point.call for point in crash.points(work)] == ["open"]


def test_a_second_close_is_no_point_and_no_trouble(tmp_path):
    def work():
        with open(tmp_path / "log", "wb") as file:
            file.close()
            file.close()

    assert [point.call for point in crash.points(work)] == ["open", "close"]


def test_a_database_loses_an_open_transaction_and_keeps_a_closed_one(tmp_path):
    path = tmp_path / "shop.db"

    def work():
        with closing(sqlite3.connect(path)) as conn:
            conn.execute("CREATE TABLE orders (id INTEGER)")
            with conn:
                conn.execute("INSERT INTO orders VALUES (1)")

    def orders():
        with closing(sqlite3.connect(path)) as conn:
            return conn.execute("SELECT count(*) FROM orders").fetchone()[0]

    calls = [point.call for point in crash.points(work)]
    assert calls == ["execute", "execute", "commit", "close"]
    for call, expected in (("commit", 0), ("close", 1)):
        path.unlink()
        crash.at(work, call)
        assert orders() == expected


def test_an_error_of_the_function_is_told():
    def work():
        raise ValueError("bad line")

    assert crash.run(work) == crash.Run((), None, "ValueError: bad line")
    with pytest.raises(RuntimeError, match=r"^The function ended with ValueError: bad line;"):
        crash.points(work)


def test_a_function_that_ends_its_process_is_told():
    assert crash.run(partial(os._exit, 3)).error == "exit code 3 and no report"


def test_the_childs_memory_is_its_own():
    seen = []
    crash.run(partial(seen.append, 1))
    assert seen == []


def test_a_child_that_does_not_end_is_ended(left):
    with pytest.raises(TimeoutError, match=r"^The child was ended after 0\.2 s;"):
        crash.run(threading.Event().wait, limit=0.2)
    assert left() == []


def test_an_interrupted_wait_ends_the_child(monkeypatch, left):
    def interrupted(pid, end):
        raise KeyboardInterrupt

    monkeypatch.setattr(crash, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        crash.run(threading.Event().wait)
    assert left() == []


def test_threads_are_watched_too(tmp_path):
    def work():
        thread = threading.Thread(target=Path(tmp_path, "log").write_bytes, args=(b"a",))
        thread.start()
        thread.join()

    assert [point.call for point in crash.points(work)] == ["open", "write", "close"]


def test_nothing_is_left_behind(tmp_path, monkeypatch, left):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    (tmp_path / "work").mkdir()
    for number in (2, 99):
        crash.at(partial(save, tmp_path / "work"), number)
    assert list(folder.iterdir()) == []
    assert left() == []


# Where there is no fork, a fresh interpreter imports the function.


@pytest.fixture
def no_fork(tmp_path, monkeypatch):
    code = "from pathlib import Path\n\n\ndef touch(path):\n    Path(path).write_bytes(b'a')\n"
    (tmp_path / "killed_module.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delattr(os, "fork")


def test_without_fork_an_imported_function_is_killed_the_same(tmp_path, no_fork):
    import killed_module

    work = partial(killed_module.touch, tmp_path / "out")
    assert [point.call for point in crash.points(work)] == ["open", "write", "close"]
    assert crash.at(work, "write").killed.line == 5
    assert (tmp_path / "out").read_bytes() == b""


def test_without_fork_a_function_of_a_cell_is_refused(no_fork, monkeypatch):
    def in_a_function():
        pass

    def in_a_cell():
        pass

    in_a_cell.__module__, in_a_cell.__qualname__ = "__main__", "in_a_cell"
    monkeypatch.setattr(sys.modules["__main__"], "in_a_cell", in_a_cell, raising=False)
    for fn in (in_a_function, in_a_cell):
        with pytest.raises(ValueError, match="write it in a module, not in a cell"):
            crash.run(fn)


def test_without_fork_a_child_that_does_not_end_is_ended(no_fork, left):
    with pytest.raises(TimeoutError):
        crash.run(partial(signal.pause), limit=0.2)
    assert left() == []
