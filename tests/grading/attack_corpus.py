"""Attacks: each stands below an answer that gets nothing, and must still get nothing."""

ATTACKS = {
    "an object equal to everything": """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __repr__(self): return "9"
Counter.take = Counter.refill = lambda self, n: Equal()
""",
    "a subclass of int equal to everything": """
class Equal(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__
    __reduce__ = lambda self: (eval, ("6",))
Counter.take = Counter.refill = lambda self, n: Equal(1)
""",
    "the checker is patched": """
from course_lib.practice import running, values, checking, scenarios
values.same = running.plain = lambda *a: True
values.difference = checking.difference = lambda *a, **k: None
checking.judge_scenario = lambda *a, **k: (running.Told(), None)
""",
    "the answer to a request is forged": """
from course_lib.grading import telling
from course_lib.practice.running import Told
telling.tell = lambda *a, **k: Told(value={"points": 4, "right": True})
""",
    "marks are sent instead of an answer": """
from course_lib.grading import telling, channel
channel.Channel.send = lambda self, value, **k: self._end.sendall(b"\\0\\0\\0\\x05right")
""",
    "rubbish is written to every file": """
import os
for number in range(3, 64):
    try: os.write(number, b"\\xff" * 5000)
    except OSError: pass
""",
    "an answer larger than memory is announced": """
import os
for number in range(3, 64):
    try: os.write(number, b"\\xff\\xff\\xff\\xff" + b"[" * 2_000_000)
    except OSError: pass
""",
    "brackets nested without end are sent": """
from course_lib.grading import channel
data = b"[" * 500_000
channel.Channel.send = lambda self, v, **k: self._end.sendall(len(data).to_bytes(4, "big") + data)
""",
    "an integer of a million digits is given": """
Counter.take = Counter.refill = lambda self, n: 10 ** 1_000_000
""",
    "frames are walked for what is expected": """
import sys, gc
def look(self, n):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if type(value) is dict and "expected" in value: return value["expected"]
        frame = frame.f_back
    found = [o for o in gc.get_objects() if type(o) is dict and "takes chairs" in o
             and type(o["takes chairs"]) is int]
    return found[0]["takes chairs"] if found else None
Counter.take = Counter.refill = look
""",
    "the trace function changes results": """
import sys
def trace(frame, event, argument):
    frame.f_locals["answer"] = "refused"
    return trace
sys.settrace(trace)
""",
    "the process ends at once": "import os; os._exit(0)",
    "the process ends when it is asked": """
import os
Counter.take = Counter.refill = lambda self, n: os._exit(0)
""",
    "everything that can be signalled is killed": """
import os, signal
for target in (-1, 0, os.getppid(), *range(1, 400)):
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP):
        try:
            if target != os.getpid(): os.kill(target, number)
        except OSError: pass
""",
    "it crashes in C": "import ctypes; ctypes.string_at(0)",
    "processes without end": """
import os
for _ in range(10_000):
    try:
        if os.fork() == 0:
            while True: pass
    except OSError: break
""",
    "threads without end": """
import threading, time
try:
    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
except RuntimeError: pass
""",
    "memory without end": "hog = []\nwhile True: hog.append(bytearray(2 ** 26))",
    "memory without end in many processes": """
import os, time
for _ in range(8):
    if os.fork() == 0:
        hog = bytearray(b"x") * 2 ** 28
        time.sleep(60)
time.sleep(5)
""",
    "a file without end": """
with open("/scratch/full", "wb") as file:
    while True: file.write(bytes(2 ** 20))
""",
    "output without end": """
import os
Counter.take = Counter.refill = lambda self, n: [print("x" * 10_000) for _ in range(2_000)] and 60
for _ in range(100): os.write(1, b"x" * 100_000)
""",
    "a loop that takes every exception": """
def forever(self, n):
    while True:
        try:
            while True: pass
        except BaseException: pass
Counter.take = Counter.refill = forever
""",
    "a wait in C that nothing interrupts": """
import ctypes, signal
def forever(self, n):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True: ctypes.CDLL(None).sleep(60)
Counter.take = Counter.refill = forever
""",
    "something is left for the end of the process": """
import atexit, os, sys
atexit.register(lambda: print("4 of 4"))
sys.exitfunc = sys.excepthook = lambda *a: os._exit(0)
""",
    "imports are hooked": """
import builtins, sys
real = builtins.__import__
def hook(name, *a, **k):
    found = real(name, *a, **k)
    for attribute in ("same", "difference", "foreign_in"):
        if hasattr(found, attribute): setattr(found, attribute, lambda *a: None)
    return found
builtins.__import__ = hook
sys.meta_path.insert(0, type("Finder", (), {"find_spec": staticmethod(lambda *a: None)}))
""",
    "the warm process is told to stop": """
import os, socket
for number in range(0, 256):
    try: os.close(number)
    except OSError: pass
""",
    "the clock and the chance are patched": """
import random, time
random.Random.randint = lambda self, a, b: a
time.monotonic = lambda: 0.0
""",
    "markup is put into the report": """
class Shown(Exception): pass
def take(self, n): raise Shown("</code><script>alert(1)</script>")
Counter.take = Counter.refill = take
""",
    "every other process is traced": """
import ctypes, os
libc = ctypes.CDLL(None)
ATTACH, SEIZE, TRACEME, KILL = 16, 0x4206, 0, 8
for process in (os.getppid(), *range(1, 200)):
    for request in (ATTACH, SEIZE, KILL): libc.ptrace(request, process, 0, 0)
libc.ptrace(TRACEME, 0, 0, 0)
""",
    "the memory of other processes is read and written": """
import ctypes, os
for process in (os.getppid(), *range(2, 400)):
    for mode in ("rb", "r+b"):
        try:
            with open(f"/proc/{process}/mem", mode) as file:
                file.seek(0x400000); found = file.read(4096); file.write(b"takes chairs")
        except (OSError, ValueError): pass
    here = ctypes.create_string_buffer(4096)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(here), 4096)
    for call in (310, 311): ctypes.CDLL(None).syscall(call, process, vector, 1, vector, 1, 0)
""",
    "what it has inherited no longer waits": """
import fcntl, os, socket
for number in range(256):
    try:
        os.set_blocking(number, False)
        fcntl.fcntl(number, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
        end = socket.socket(fileno=os.dup(number))
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        end.detach()
    except OSError: pass
""",
    "the connection is closed in one direction": """
import os, socket
for number in range(3, 256):
    try: socket.socket(fileno=os.dup(number)).shutdown(socket.SHUT_RD)
    except OSError: pass
""",
    "files are sent instead of an answer": """
import os, socket
for number in range(3, 64):
    try:
        end = socket.socket(fileno=os.dup(number))
        for _ in range(50): socket.send_fds(end, [b"\\0\\0\\0\\2[]"], [0, 1, 2] * 50)
    except OSError: pass
""",
    "a bare integer of 40,000 digits is sent": """
from course_lib.grading import channel
data = b"[" + b"9" * 40_000 + b"]"
real = channel.encode
channel.encode = lambda value: data if "value" in value else real(value)
""",
    "a tagged integer of 40,000 digits is sent": """
from course_lib.grading import channel
data = b'{"dict":[["value",{"int":"0x' + b"f" * 40_000 + b'"}]]}'
real = channel.encode
channel.encode = lambda value: data if "value" in value else real(value)
""",
    "a set of integers that all have one hash is sent": """
from course_lib.grading import channel
alike = ",".join(f'{{"int":"{hex(n * (2**61 - 1))}"}}' for n in range(1, 49_000))
keys = ",".join(f'[{{"int":"{hex(n * (2**61 - 1))}"}},1]' for n in range(1, 20_000))
data = f'{{"dict":[["value",{{"set":[{alike}]}}],["more",{{"dict":[{keys}]}}]]}}'.encode()
real = channel.encode
channel.encode = lambda value: data if "value" in value else real(value)
""",
    "answers are sent before they are asked for": """
from course_lib.grading import channel, encoding
told = {"value": {"points": 4}, "error": "", "line": "", "printed": 0}
told |= {"not_written": False, "too_long": False}
data = encoding.encode(told)
real = channel.Channel.send
def send(self, value, **named):
    real(self, value, **named)
    for _ in range(100): self._end.sendall(len(data).to_bytes(4, "big") + data)
channel.Channel.send = send
""",
    "an answer trickles in": """
import time
from course_lib.grading import channel
real = channel.Channel.send
def send(self, value, **named):
    if "value" not in value: return real(self, value, **named)
    for byte in b"\\0\\0\\1\\0" + b" " * 256:
        self._end.sendall(bytes([byte])); time.sleep(0.4)
channel.Channel.send = send
""",
    "not a number, a truth and a class called int": """
class Int(int): pass
Int.__name__ = Int.__qualname__ = "int"
values = [float("nan"), True, Int(1), 6.0, 6 + 0j, b"6"]
Counter.take = Counter.refill = lambda self, n: values[n % 6]
""",
    "a list that contains itself": """
endless = []; endless.append(endless)
endless.append({"a": endless, 1: (endless,)})
Counter.take = Counter.refill = lambda self, n: endless
""",
    "an object whose text never ends": """
class Meta(type):
    __name__ = property(lambda self: "int")
class Long(metaclass=Meta):
    def __repr__(self):
        while True:
            try:
                while True: pass
            except BaseException: pass
Counter.take = Counter.refill = lambda self, n: Long()
""",
    "an error whose text is a gigabyte": """
class Loud(Exception):
    def __str__(self): return "x" * 2 ** 29
def take(self, n): raise Loud
Counter.take = Counter.refill = take
""",
    "the profile function and monitoring change results": """
import sys, threading
def profile(frame, event, argument):
    if event == "return" and frame.f_code.co_name in ("story", "tell", "_observe"):
        frame.f_locals["answer"] = frame.f_locals["value"] = 6
sys.setprofile(profile); threading.setprofile(profile); threading.settrace(profile)
if hasattr(sys, "monitoring"):
    sys.monitoring.use_tool_id(0, "x")
    sys.monitoring.register_callback(0, sys.monitoring.events.PY_RETURN, lambda *a: 6)
    sys.monitoring.set_events(0, sys.monitoring.events.PY_RETURN)
""",
    "the table of scenarios is found and rewritten": """
import gc
from course_lib.practice.scenarios import Scenario, Checks
for found in gc.get_objects():
    if isinstance(found, Scenario):
        object.__setattr__(found, "story", lambda solution, rng: {"points": 4, "right": True})
        object.__setattr__(found, "points", 100)
        object.__setattr__(found, "needs", ())
    if isinstance(found, Checks): object.__setattr__(found, "names", ())
    if type(found) is dict and "takes chairs" in found: found["takes chairs"] = None
""",
    "what later scenarios say is decided by the first": """
from course_lib.grading import telling
from course_lib.practice import running
said = []
real = telling.tell
def tell(scenario, names, namespace, *, seed):
    said.append(real(scenario, names, namespace, seed=seed))
    return said[0]
telling.tell = running.tell = tell
""",
    "a process that survives waits for the next submission": """
import os, socket, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(256):
            try: os.close(number)
            except OSError: pass
        while True:
            for name in os.listdir("/proc"):
                if name.isdigit() and int(name) != os.getpid():
                    try: os.kill(int(name), 9)
                    except OSError: pass
            open("/scratch/answer.py", "w").write("raise SystemExit")
            time.sleep(0.001)
    os._exit(0)
""",
    "all room for files is used up": """
import os
for folder in ("/scratch", "/dev/shm", "/tmp"):
    try:
        for number in range(100_000): open(f"{folder}/{number}", "w").close()
    except OSError: pass
    try: open(f"{folder}/0", "wb").write(bytes(2 ** 28))
    except OSError: pass
""",
    "it stops itself and the process above it": """
import os, signal
for target in (os.getpid(), 0, os.getppid()):
    for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN):
        try: os.kill(target, number)
        except OSError: pass
if os.fork() == 0:
    os.kill(1, signal.SIGSTOP); os.killpg(os.getpgid(1), signal.SIGSTOP); os._exit(0)
Counter.take = Counter.refill = lambda self, n: os.kill(os.getpid(), signal.SIGSTOP)
""",
    "memory of every kind is left behind": """
import ctypes, os, socket
from multiprocessing import shared_memory
libc = ctypes.CDLL(None)
for number in range(64):
    libc.shmget(number + 1, 2 ** 20, 0o1666); libc.semget(number + 1, 9, 0o1666)
    libc.msgget(number + 1, 0o1666); libc.memfd_create(b"left", 0)
    libc.mq_open(b"/left%d" % number, os.O_CREAT | os.O_RDWR, 0o666, None)
shared_memory.SharedMemory("left", create=True, size=2 ** 20)
""",
    "an accomplice is given code to load": """
import course_lib, os, site, sys, sysconfig
places = [os.path.dirname(course_lib.__file__), *sys.path, *sysconfig.get_paths().values()]
places += [site.getusersitepackages(), os.path.expanduser("~"), "/tmp", "/dev/shm", os.getcwd()]
for place in places:
    for name in ("x.pth", "sitecustomize.py", "usercustomize.py", "answer.py", "json.py",
                 "__pycache__/answer.cpython-311.pyc", ".pythonrc"):
        try:
            os.makedirs(os.path.dirname(f"{place}/{name}"), exist_ok=True)
            open(f"{place}/{name}", "w").write("raise SystemExit(3)")
        except OSError: pass
os.environ["PYTHONSTARTUP"] = os.environ["PYTHONPATH"] = "/scratch"
""",
    "the language, the time and the numbers are changed": """
import decimal, gc, locale, os, sys, time, warnings
os.environ.update(TZ="Pacific/Kiritimati", LC_ALL="de_DE", LANG="tr_TR.UTF-8", PYTHONHASHSEED="7")
time.tzset()
for name in ("de_DE.UTF-8", "C"):
    try: locale.setlocale(locale.LC_ALL, name)
    except locale.Error: pass
warnings.simplefilter("error"); gc.disable(); gc.set_threshold(1)
sys.set_int_max_str_digits(640); sys.setswitchinterval(1000); sys.setrecursionlimit(50)
decimal.setcontext(decimal.Context(prec=1, rounding=decimal.ROUND_UP))
""",
    "the rules of its process are changed": """
import ctypes, os, resource
libc = ctypes.CDLL(None)
DUMPABLE, DEATH_SIGNAL, SUBREAPER, NO_NEW, SECCOMP, TIMER_SLACK = 4, 1, 36, 38, 22, 29
for option, value in ((DUMPABLE, 1), (DEATH_SIGNAL, 0), (SUBREAPER, 1), (NO_NEW, 0),
                      (SECCOMP, 0), (TIMER_SLACK, 10 ** 9), (0x59616D61, -1)):
    libc.prctl(option, value, 0, 0, 0)
for what in range(16):
    try: resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError): pass
for change in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.nice(-20),
               lambda: os.chroot("/proc"), lambda: os.sched_setscheduler(0, 1, os.sched_param(50))):
    try: change()
    except OSError: pass
""",
    "seldom used parts of the kernel are asked": """
import ctypes
libc = ctypes.CDLL(None)
IO_URING, USERFAULTFD, BPF, PERF, ADD_KEY, KEYCTL = 425, 323, 321, 298, 248, 250
OPEN_BY_HANDLE, KEXEC, LOAD_MODULE, HANG_UP = 304, 246, 175, 153
for call in (IO_URING, USERFAULTFD, BPF, PERF, ADD_KEY, KEYCTL,
             OPEN_BY_HANDLE, KEXEC, LOAD_MODULE, HANG_UP):
    for first in (0, 1, 64): libc.syscall(call, first, ctypes.create_string_buffer(256), 0, 0, 0)
""",
    "a world of its own is made, with other files": """
import ctypes, os
import course_lib
libc = ctypes.CDLL(None)
USER, MOUNTS, NETWORK = 0x10000000, 0x20000, 0x40000000
ours = os.path.dirname(course_lib.__file__).encode()
who = os.getuid()
libc.unshare(USER | MOUNTS | NETWORK)
try: open("/proc/self/uid_map", "w").write(f"0 {who} 1")
except OSError: pass
for target in (b"/", b"/proc", b"/scratch", b"/usr", ours):
    libc.umount2(target, 2); libc.mount(b"none", target, None, 32 | 4096, None)
    libc.mount(b"tmpfs", target, b"tmpfs", 0, None)
try: open(course_lib.__file__, "a").write("raise SystemExit")
except OSError: pass
""",
    "links lead to other files": """
import os
import course_lib
root, admin = os.path.dirname(os.path.dirname(course_lib.__file__)), "root"
for number, target in enumerate((
    f"/proc/1/{admin}/{admin}", f"/proc/self/{admin}/../..", "/proc/self/cwd", "/proc/self/exe",
    root, f"/{admin}", "/home", "/etc/shadow", "/var/run/docker.sock", "/scratch/0",
)):
    os.symlink(target, f"/scratch/{number}")
    for path in (f"/scratch/{number}", f"/scratch/{number}/solutions", target):
        for use in (os.listdir, lambda p: open(p, "r+").write("x"),
                    lambda p: os.link(p, "/scratch/l"), os.unlink,
                    lambda p: os.chmod(p, 0o777), os.rmdir):
            try: use(path)
            except (OSError, UnicodeDecodeError): pass
os.makedirs("answer.py", exist_ok=True)
""",
    "threads go on and change what is told": """
import gc, sys, threading
from course_lib.practice import running, values
def change():
    while True:
        running.plain = values.plain = lambda value: 9
        for frame in sys._current_frames().values():
            while frame:
                frame.f_globals["Told"] = lambda *a, **k: None
                frame = frame.f_back
threading.Thread(target=change, daemon=True).start()
""",
    "no timer and no handler works any more": """
import signal, threading, time
from course_lib.practice import limits, running
signal.setitimer = signal.signal = signal.alarm = lambda *a: (0, 0)
limits.run_limited = running.run_limited = lambda function, seconds: function()
def forever(self, n):
    while True: time.sleep(1)
Counter.take = Counter.refill = forever
""",
    "the process aborts and dumps its memory": """
import os, resource, signal
try: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))
except (OSError, ValueError): pass
Counter.take = Counter.refill = lambda self, n: os.abort()
""",
    "the network is asked in every way": """
import os, socket, struct
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_PACKET,
               socket.AF_NETLINK):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            end = socket.socket(family, kind); end.settimeout(0.05)
            if family == socket.AF_INET:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                end.sendto(b"x", ("255.255.255.255", 9)); end.connect(("169.254.169.254", 80))
            if family == socket.AF_UNIX: end.connect("/var/run/docker.sock")
        except (OSError, ValueError): pass
try: socket.getaddrinfo("example.org", 80)
except OSError: pass
""",
    "built-in functions lie": """
import builtins, json, operator, random
builtins.isinstance = builtins.issubclass = builtins.all = lambda *a: True
builtins.type = lambda *a: int
builtins.len = lambda value: 0
json.dumps = lambda *a, **k: "6"
random.Random.seed = lambda self, *a: None
random.Random.random = lambda self: 0.0
""",
    "files of the folder it begins in stand for modules": """
import os, sys
for name in ("json", "random", "decimal", "course_lib"):
    open(f"{name}.py", "w").write("raise SystemExit(0)")
sys.path.insert(0, os.getcwd())
for name in list(sys.modules):
    if not name.startswith(("sys", "builtins", "learner")): sys.modules[name] = None
""",
    "memory that is no process's own": """
import ctypes, mmap, os, socket
libc = ctypes.CDLL(None)
held = []
try:
    for number in range(100):
        libc.shmget(0, 2 ** 26, 0o1666)
        held += [mmap.mmap(-1, 2 ** 24), *socket.socketpair()]
        file = os.memfd_create("x")
        os.write(file, bytes(2 ** 24))
        socket.send_fds(held[-1], [b"x"], [file])
        os.close(file)
except OSError: pass
""",
    "every scenario waits for its cells and dies": """
import os, time
time.sleep(1)
Counter.take = Counter.refill = lambda self, n: os._exit(3)
""",
    "a name that is nearly right has half a letter": """
globals()["Counte\\udc80"] = Counter
del Counter
""",
    "half a letter is sent as the reason": """
from course_lib.grading import channel
def send(self, value, real=channel.Channel.send, **named):
    if "state" in value:
        value = {"state": "unreadable", "cell": "\\ud800", "reason": "\\udc80<b>",
                 "number": 10 ** 30, "text": "\\udfff\\x00\\x1b[2J"}
    return real(self, value, **named)
channel.Channel.send = send
""",
    "half a letter is sent as the name that is missing": """
from course_lib.grading import channel
def send(self, value, real=channel.Channel.send, **named):
    if "state" in value:
        value = {"state": "absent", "name": "\\ud800" * 900, "near": "\\udc80<script>" * 90}
    return real(self, value, **named)
channel.Channel.send = send
""",
}
