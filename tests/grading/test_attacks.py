"""Submissions that try to get marks, secrets or neighbours in another way than by answering.

Each must gain nothing: the marks are those that its honest part earns. And the one that
is marked next, in the same warm process, must get what it would have got anyway.
"""

import json
import os
import re

import pytest

from course_lib.grading.assignments import open_assignment
from course_lib.grading.marking import Marker
from course_lib.grading.notebook_cells import read_handed_in
from course_lib.grading.observing import Observing
from course_lib.grading.seeds import Seed
from course_lib.grading.warm_process import WarmProcess

from .attack_corpus import ATTACKS
from .conftest import ANSWER, ID

SECRET = b"a seed that nobody knows"

WRONG = ANSWER.replace("self.chairs -= n", "self.chairs -= 0").replace("+= n", "+= 0")
"""Gets nothing but by an attack."""


@pytest.fixture(scope="module")
def expected(root, warm):
    """Of the wrong answer without any attack, and of the right one."""
    marker = Marker(warm, open_assignment(ID, root), Seed(SECRET))
    return [marker.mark(read_handed_in("answer.py", text.encode())) for text in (WRONG, ANSWER)]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_gains_no_mark_and_costs_nobody_any(attack, mark, expected):
    wrong, right = expected
    assert (wrong.points, right.points) == (0, 4)

    attacked = mark(f"{WRONG}\n{attack}")

    assert attacked.points == 0
    assert mark(ANSWER) == right


def test_the_corpus_has_as_many_attacks_as_it_must():
    assert len(ATTACKS) >= 60


SAYS = """\
{found}

class TooFew(Exception): pass

class Counter:
    def __init__(self, chairs=10): self.chairs = chairs
    def take(self, n): raise TooFew(repr(look())[:400])
    refill = take
"""


@pytest.fixture(scope="module")
def look(mark):
    """What a submission with this body of `look` sees, as text."""

    def look(body):
        indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
        return mark(SAYS.format(found=f"def look():\n{indented}")).report.text

    return look


def test_solutions_and_history_and_other_right_answers_cannot_be_read(look, root):
    from course_lib.index import ROOT

    hidden = [root / "solutions", ROOT / "solutions", ROOT / ".git", ROOT / "tests", ROOT / "work"]

    text = look(f"import os\nreturn [os.path.exists(p) for p in {[str(p) for p in hidden]}]")

    assert "[False, False, False, False, False]" in text


def test_a_neighbours_files_and_the_seed_file_cannot_be_read(look, tmp_path):
    (tmp_path / "seed").write_text("a seed in a file of its own", encoding="utf-8")
    os.chmod(tmp_path / "seed", 0o666)

    text = look(f"import os\nreturn os.path.exists({str(tmp_path / 'seed')!r})")

    assert "TooFew: False" in text


def test_only_its_own_processes_can_be_seen(look):
    text = look("import os\nreturn sorted(int(p) for p in os.listdir('/proc') if p.isdigit())")

    assert "TooFew: [1]" in text


def test_it_has_no_rights_of_an_administrator(look):
    text = look(
        "import os\n"
        "status = dict(l.split(':', 1) for l in open('/proc/self/status').read().splitlines())\n"
        "return [status['CapEff'].strip(), status['CapPrm'].strip(), status['NoNewPrivs'].strip()]"
    )

    assert "['0000000000000000', '0000000000000000', '1']" in text


def test_nothing_outside_its_scratch_folder_can_be_written(look):
    text = look("""
import os, course_lib
tries = []
for path in (course_lib.__file__, "/usr/x", "/x", "/etc/hosts", "/proc/sys/kernel/hostname"):
    try: open(path, "a").close(); tries.append(path)
    except OSError: pass
return tries
""")

    assert "TooFew: []" in text


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1"])
def test_there_is_no_network(look, address):
    text = look(f"""
import socket
try:
    socket.create_connection(({address!r}, 80), timeout=0.2)
except OSError as error:
    return "no way" if error.errno in (99, 101) else error
""")

    assert "no way" in text


def test_a_listening_socket_of_the_machine_cannot_be_reached(look, tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("\0break-it-first-test")
        listening.listen()
        text = look(
            "import socket\n"
            "try: socket.socket(socket.AF_UNIX).connect('\\0break-it-first-test')\n"
            "except OSError as error: return 'no way'\n"
        )

    assert "no way" in text


def test_the_environment_and_the_arguments_hold_no_secret(root, monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_THE_TEACHER", "do not look")
    body = "    import os, sys; return 'A_SECRET_OF_THE_TEACHER' in os.environ or len(sys.argv) > 2"
    text = SAYS.format(found=f"def look():\n{body}")

    with WarmProcess([root / "exercises"]) as warm:
        marker = Marker(warm, open_assignment(ID, root), Seed(SECRET))
        marked = marker.mark(read_handed_in("answer.py", text.encode()))

    assert "TooFew: False" in marked.report.text


def test_what_one_submission_leaves_behind_is_gone_for_the_next(look):
    leave = """
import os, socket, ctypes
os.makedirs("/dev/shm/x", exist_ok=True)
for folder in ("/scratch", "/dev/shm"):
    with open(folder + "/left", "w") as file: file.write("for you")
ctypes.CDLL(None).shmget(4711, 4096, 0o1666)
ADD_KEY, OF_THE_USER = 248, -4
ctypes.CDLL(None).syscall(ADD_KEY, b"user", b"left", b"for you", 7, OF_THE_USER)
if os.fork() == 0:
    os.setsid()
    listening = socket.socket(socket.AF_UNIX); listening.bind("\\0left"); listening.listen()
    import time; time.sleep(60)
return "left"
"""
    find = """
import os, socket, ctypes
found = [f for f in ("/scratch", "/dev/shm") if os.path.exists(f + "/left")]
if ctypes.CDLL(None).shmget(4711, 4096, 0) != -1: found.append("memory")
SEARCH, OF_THE_USER = 10, -4
if ctypes.CDLL(None).syscall(250, SEARCH, OF_THE_USER, b"user", b"left", 0) >= 0:
    found.append("key")
try: socket.socket(socket.AF_UNIX).connect("\\0left"); found.append("process")
except OSError: pass
return found
"""

    assert "TooFew: 'left'" in look(leave)
    assert "TooFew: []" in look(find)


SHARED = {
    "files without a folder, open nowhere but on their way": """
import os, socket
held = [socket.socketpair() for _ in range(200)]
for near, far in held:
    file = os.memfd_create("x")
    for _ in range(8): os.write(file, bytes(2 ** 20))
    socket.send_fds(near, [b"x"], [file])
    os.close(file)
return "1,600 MiB"
""",
    "pages that are moved into pipes": """
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
class Part(ctypes.Structure): _fields_ = [("start", ctypes.c_void_p), ("size", ctypes.c_size_t)]
part = Part(ctypes.addressof(ctypes.c_char.from_buffer(page)), 4096)
if libc.syscall(278, os.pipe()[1], ctypes.byref(part), 1, 0) < 0:
    raise OSError(ctypes.get_errno(), "no pages in pipes")
return "one page, and with it as many as it is one of"
""",
    "semaphores": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for _ in range(100):
    if libc.semget(0, 32_000, 0o1600) < 0: raise OSError(ctypes.get_errno(), "no semaphores")
return "200 MiB"
""",
    "messages that nobody has taken": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.msgget(0, 0o1600) < 0: raise OSError(ctypes.get_errno(), "no messages")
return "16 KiB, and in as many queues as there may be 500 MiB"
""",
    "sockets that hold more than is usual": """
import socket
for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
    try: socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, option, 2 ** 22)
    except PermissionError as error: refused = error
    else: return "8 MiB, times as many sockets as there may be"
socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
raise refused
""",
    "segments that nobody has attached": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for _ in range(40):
    segment = libc.shmget(0, 60 * 2 ** 20, 0o1666)
    if segment < 0: raise OSError(ctypes.get_errno(), "no more segments")
    place = libc.shmat(segment, None, 0)
    ctypes.memset(place, 1, 4096)
    libc.shmdt(ctypes.c_void_p(place))
return "2,400 MiB"
""",
}


@pytest.mark.parametrize("body", SHARED.values(), ids=SHARED)
def test_shared_memory_is_limited_like_any_other(body, look):
    text = look(body)

    assert "TooFew" not in text
    assert re.search("OSError|PermissionError", text)


UNCOUNTED = {
    "shared pages that are let go": """
import mmap, time
for _ in range(24):
    shared = mmap.mmap(-1, 2 ** 26)
    held.append(shared)
    for place in range(0, 2 ** 26, 4096): shared[place] = 1
    shared.madvise(mmap.MADV_DONTNEED)
time.sleep(1)
""",
    "shared pages of which one is still mapped": """
import ctypes, mmap, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
for _ in range(24):
    place = libc.mmap(None, 2 ** 26, 3, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, -1, 0)
    ctypes.memset(place, 1, 2 ** 26)
    libc.munmap(ctypes.c_void_p(place + 4096), 2 ** 26 - 4096)
time.sleep(1)
""",
    "memory of processes whose first thread has ended": """
import ctypes, os, threading, time
def hog():
    time.sleep(0.05)
    held.extend(bytearray(b"x") * 2 ** 26 for _ in range(12))
    time.sleep(3)
    os._exit(0)
for _ in range(2):
    if os.fork() == 0:
        threading.Thread(target=hog).start()
        THREAD_ENDS = 60
        ctypes.CDLL(None).syscall(THREAD_ENDS, 0)
time.sleep(3)
""",
    "shared pages of a process whose first thread has ended": """
import ctypes, mmap, os, threading, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
def hog():
    time.sleep(0.05)
    for _ in range(24):
        place = libc.mmap(None, 2 ** 26, 3, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, -1, 0)
        ctypes.memset(place, 1, 2 ** 26)
        libc.munmap(ctypes.c_void_p(place + 4096), 2 ** 26 - 4096)
    time.sleep(3)
    os._exit(0)
if os.fork() == 0:
    threading.Thread(target=hog).start()
    THREAD_ENDS = 60
    libc.syscall(THREAD_ENDS, 0)
time.sleep(4)
""",
    "what is in sockets": """
import os, socket, time
for _ in range(20):
    if os.fork() == 0:
        held = [end for _ in range(240) for end in socket.socketpair()]
        time.sleep(3)
        os._exit(0)
time.sleep(3)
""",
}


@pytest.mark.parametrize("attack", UNCOUNTED.values(), ids=UNCOUNTED)
def test_memory_that_no_process_shows_is_limited_like_any_other(attack, mark):
    assert "used more than 1,024 MiB of memory" in mark(f"held = []\n{attack}{ANSWER}").report.text


def test_it_stays_on_the_core_that_it_was_given(look):
    text = look("import os\nos.sched_setaffinity(0, range(os.cpu_count()))")

    assert "PermissionError" in text


def test_pages_that_children_inherit_count_once(mark):
    fill = "import mmap, os, time\nheld = []\nfor _ in range({}): held.append(mmap.mmap(-1, 2**26))"
    text = f"{fill}; held[-1].write(bytes(2**26))\nif os.fork() == 0: time.sleep(9)\n"
    text += "for each in held: bytes(each)\ntime.sleep(0.2)\n"

    assert "used more than 1,024 MiB of memory" in mark(text.format(18) + ANSWER).report.text
    assert mark(text.format(9) + ANSWER).points == 4


def test_time_spent_on_starting_again_and_again_is_limited(warm, root):
    assignment = open_assignment(ID, root)
    ends = "Counter.take = Counter.refill = lambda self, n: os._exit(3)"
    text = f"import os, time\ntime.sleep(0.2)\n{ANSWER}\n{ends}"
    cells = read_handed_in("answer.py", text.encode())

    with Observing(warm, assignment, cells, Seed(SECRET)) as observing:
        observing._most_stuck = 0.1
        told = [observing.tell(each).error for each in assignment.checks.scenarios]

    assert [words.split()[0] for words in told] == ["your", "your", "not"]


def test_the_seed_is_not_in_the_memory_of_the_learners_process(look):
    text = look("""
import ctypes, re
secret = re.compile(b"a seed th[a]t nobody knows")
public = re.compile(b"takes ch[a]irs")
found = {"secret": 0, "public": 0}
for line in open("/proc/self/maps"):
    start, end = (int(number, 16) for number in line.split()[0].split("-"))
    if " rw-p " in line and end - start < 2 ** 27:
        data = ctypes.string_at(start, end - start)
        found["secret"] += bool(secret.search(data))
        found["public"] += bool(public.search(data))
return found["secret"], found["public"] > 0
""")

    assert "TooFew: (0, True)" in text


def test_a_scenario_that_kills_the_child_costs_only_its_own_points(mark):
    text = ANSWER.replace("self.chairs += n", "import os; os._exit(3)")

    marked = mark(text)

    assert [each.outcome for each in marked.marks] == ["right", "right", "crashed"]
    assert "your code ended its process with exit code 3" in marked.report.text


def test_scenarios_after_one_that_killed_the_child_are_told(mark):
    text = ANSWER.replace("self.chairs -= n", "import os; os._exit(3)")

    marked = mark(text)

    assert [each.outcome for each in marked.marks] == ["crashed", "left out", "right"]


def test_a_scenario_that_hangs_costs_only_its_own_points(mark):
    text = ANSWER.replace(
        "if n > self.chairs:", "while n > self.chairs:\n            pass\n        if 0:"
    )

    marked = mark(text)

    assert [each.outcome for each in marked.marks] == ["right", "crashed", "right"]
    assert "stopped after 0.5 s" in marked.report.text


@pytest.mark.parametrize(
    ("attack", "why"),
    [
        ("memory without end", "used more than 1,024 MiB of memory"),
        ("memory without end in many processes", "used more than 1,024 MiB of memory"),
        ("processes without end", "had more than 32 processes"),
        ("the process ends at once", "ended its process with exit code 0"),
        ("it crashes in C", "was ended by signal 11"),
    ],
)
def test_a_learner_is_told_which_limit_ended_the_code(mark, attack, why):
    assert why in mark(ANSWER + ATTACKS[attack]).report.text


def test_what_came_back_is_escaped_on_the_page(mark):
    from course_lib.grading.pages import feedback_page
    from course_lib.grading.roster import Learner
    from course_lib.grading.rows import GradedRow

    marked = mark(f"{WRONG}\n{ATTACKS['markup is put into the report']}")

    page = feedback_page(GradedRow(Learner("<b>Ana"), "a.py", "001", marked), "A <title>")

    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<b>" not in page


TURNS = "\x00\x1b[2J\x07\x9b\u202e\u2066"


@pytest.mark.parametrize(
    "shown",
    [
        f"def take(self, n): raise TooFew({TURNS!r})",
        f"take = lambda self, n: type('X', (), {{'__repr__': lambda self: {TURNS!r}}})()",
    ],
    ids=["error", "object"],
)
def test_no_control_characters_reach_the_report(shown, mark):
    text = mark(f"{WRONG}\n{shown}\nCounter.take = take").report.text

    assert "?" in text
    assert not {*TURNS} - {*"[2J"} & {*text}


def test_the_same_submission_and_seed_give_the_same_bytes(mark):
    odd = "print({'a', 'b', 'c'}, object())\n" + WRONG.replace(
        "self.chairs += 0", "raise ValueError({'x', 'y', 'z'}, object(), id(self) and 1)"
    )

    assert mark(odd).to_json() == mark(odd).to_json()
    assert json.loads(mark(odd).to_json())["points"] == 0
