"""A time limit that code cannot talk its way out of."""

import contextlib
import signal
import threading
import time

import pytest

from course_lib.practice.limits import TooLong, run_limited, watch_ctrl_c

posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
SHORT = 0.05


def spin():
    while True:
        pass


def swallow():
    while True:
        try:
            time.sleep(1000)
        except:  # noqa: E722
            pass


def swallow_twice():
    while True:
        try:
            while True:
                try:
                    time.sleep(1000)
                except:  # noqa: E722
                    continue
        except:  # noqa: E722
            continue


def swallow_and_go_deeper(depth=0):
    try:
        if depth < 20:
            swallow_and_go_deeper(depth + 1)
        time.sleep(1000)
    except BaseException:  # noqa: BLE001
        swallow()


def suppress():
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(1000)


def finally_again():
    try:
        time.sleep(1000)
    finally:
        swallow()


def wait_for_a_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def wait_for_an_event():
    threading.Event().wait()


STUBBORN = [
    spin,
    swallow,
    swallow_twice,
    swallow_and_go_deeper,
    suppress,
    finally_again,
    wait_for_a_lock,
    wait_for_an_event,
    lambda: time.sleep(1000),
]


def test_what_ends_in_time_gives_its_value():
    assert run_limited(lambda: 7, 5) == 7


def test_what_raises_in_time_raises():
    with pytest.raises(ZeroDivisionError):
        run_limited(lambda: 1 / 0, 5)


@posix
@pytest.mark.parametrize("function", STUBBORN)
def test_code_that_never_ends_is_stopped(function):
    with pytest.raises(TooLong):
        run_limited(function, SHORT)


@posix
def test_the_place_where_it_was_stopped_is_known():
    with pytest.raises(TooLong) as caught:
        run_limited(spin, SHORT)

    innermost = caught.value.places[0]
    assert innermost.line in (spin.__code__.co_firstlineno + 1, spin.__code__.co_firstlineno + 2)
    assert innermost.namespace is globals()


@posix
def test_nothing_stays_behind_on_the_main_thread():
    handler = signal.getsignal(signal.SIGALRM)

    for _ in range(20):
        with pytest.raises(TooLong):
            run_limited(spin, 0.005)

    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@posix
def test_an_earlier_timer_goes_on_afterwards():
    fired = threading.Event()
    earlier = signal.signal(signal.SIGALRM, lambda number, frame: fired.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        run_limited(lambda: None, 5)
        assert fired.wait(10)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


def in_thread(function):
    """What `function` returned in a thread that is not the main one."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join(30)
    assert results
    return results[0]


def test_without_signals_values_and_errors_come_back_the_same():
    def both():
        with pytest.raises(ZeroDivisionError):
            run_limited(lambda: 1 / 0, 5)
        return run_limited(lambda: 7, 5)

    assert in_thread(both) == 7


def test_without_signals_a_loop_is_stopped_and_its_place_known():
    def stopped():
        with pytest.raises(TooLong) as caught:
            run_limited(spin, SHORT)
        return caught.value.places[0].namespace

    assert in_thread(stopped) is globals()
    for thread in threading.enumerate():
        if thread.name == "limited":
            thread.join(10)
            assert not thread.is_alive()


def test_without_signals_a_blocked_thread_is_left_behind():
    release = threading.Event()

    def left():
        with pytest.raises(TooLong):
            run_limited(release.wait, SHORT)
        return True

    assert in_thread(left)
    release.set()


def test_a_real_ctrl_c_is_told_from_a_raised_keyboard_interrupt():
    with watch_ctrl_c() as raised:
        with pytest.raises(KeyboardInterrupt):
            raise KeyboardInterrupt
    with watch_ctrl_c() as pressed:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert not raised.pressed
    assert pressed.pressed
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
