import contextlib
import gc
import socket
import socketserver
import threading
import time

import httpx2
import pytest

from course_lib.labs.network import tcp_proxy
from course_lib.labs.server import serve


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets; at the end, notes how the connection ended."""

    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
            self.server.endings.append("closed")
        except ConnectionError:
            self.server.endings.append("reset")
        self.server.ended.release()


@pytest.fixture
def echo():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.endings = []
        server.ended = threading.Semaphore(0)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        server.port = server.server_address[1]
        yield server
        server.shutdown()
        thread.join()


def connect(proxy, *, timeout=10.0):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout)


def say(client, words):
    """Send, and read as many bytes back."""
    client.sendall(words)
    return read(client, len(words))


def read(client, count):
    received = b""
    while len(received) < count:
        data = client.recv(count - len(received))
        assert data, f"closed after {received!r}"
        received += data
    return received


def read_to_the_end(client):
    """All bytes until the end, and the end: "closed" or "reset"."""
    received = b""
    try:
        while data := client.recv(65536):
            received += data
    except ConnectionResetError:
        return received, "reset"
    return received, "closed"


def test_bytes_pass_unchanged_and_are_counted(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        assert say(client, b"ping") == b"ping"
        assert (proxy.bytes_up, proxy.bytes_down) == (4, 4)
        assert (proxy.connections, proxy.accepted) == (1, 1)


def test_a_megabyte_passes_unchanged(echo):
    million = bytes(range(256)) * 4096

    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        sender = threading.Thread(target=client.sendall, args=(million,))
        sender.start()
        received = read(client, len(million))
        sender.join()

    assert received == million


def test_an_http_client_works_through_the_proxy():
    with serve() as server, tcp_proxy(server.url) as proxy:
        with httpx2.Client(verify=False) as client:
            assert client.get(f"{proxy.url}/health").json() == {"status": "ok"}


def test_the_end_of_a_connection_is_handed_on_and_the_other_direction_stays_open(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        client.sendall(b"bye")
        client.shutdown(socket.SHUT_WR)

        assert read_to_the_end(client) == (b"bye", "closed")
        echo.ended.acquire()
        assert echo.endings == ["closed"]


def test_a_delay_holds_for_each_direction_and_for_connections_already_open(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        say(client, b"warm")
        proxy.delay = 0.2
        begin = time.monotonic()

        say(client, b"ping")

        assert time.monotonic() - begin >= 0.4 - 0.01


def test_a_delay_keeps_the_order_of_bytes_when_it_becomes_shorter(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        say(client, b"warm")
        proxy.delay = 0.2
        client.sendall(b"first ")
        proxy.delay = 0.0
        client.sendall(b"second")

        assert read(client, 12) == b"first second"


def test_a_throttle_limits_bytes_per_second(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        proxy.throttle(1000)
        begin = time.monotonic()

        say(client, b"x" * 300)

        assert time.monotonic() - begin >= 0.2


def test_a_cut_resets_both_sides_at_once(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        say(client, b"ping")

        proxy.cut()

        assert read_to_the_end(client) == (b"", "reset")
        echo.ended.acquire()
        assert echo.endings == ["reset"]
        assert proxy.connections == 0


def test_a_new_connection_passes_after_a_cut(echo):
    with tcp_proxy(echo.port) as proxy:
        proxy.cut()

        with connect(proxy) as client:
            assert say(client, b"ping") == b"ping"


def test_a_cut_after_some_bytes_lets_no_more_than_those_through(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        say(client, b"ping")
        proxy.cut(after_bytes=3)
        client.sendall(b"abcdef")

        received, ending = read_to_the_end(client)

        assert ending == "reset"
        assert b"abc".startswith(received)  # a reset may overtake what is on its way
        assert proxy.bytes_down == 4 + 3


def test_a_cut_happens_once(echo):
    with tcp_proxy(echo.port) as proxy:
        proxy.cut(after_bytes=0)
        with connect(proxy) as client:
            client.sendall(b"ping")
            assert read_to_the_end(client)[1] == "reset"

        with connect(proxy) as client:
            assert say(client, b"ping") == b"ping"


def test_half_open_lets_bytes_vanish_without_closing(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy, timeout=0.2) as client:
        say(client, b"ping")
        proxy.half_open()
        client.sendall(b"anybody there?")

        with pytest.raises(TimeoutError):
            client.recv(1)
        assert proxy.bytes_up == 4
        assert proxy.connections == 1


def test_half_open_hides_that_the_client_has_gone(echo):
    with tcp_proxy(echo.port) as proxy:
        with connect(proxy) as client:
            say(client, b"ping")
            proxy.half_open()

        assert not echo.ended.acquire(timeout=0.2)
        assert echo.endings == []


def test_healing_resets_connections_with_a_hole_and_serves_new_ones(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy, timeout=0.2) as torn:
        say(torn, b"ping")
        proxy.half_open()
        torn.sendall(b"lost")
        with pytest.raises(TimeoutError):
            torn.recv(1)

        proxy.heal()

        assert read_to_the_end(torn) == (b"", "reset")
        with connect(proxy) as client:
            assert say(client, b"ping") == b"ping"


def test_healing_keeps_connections_that_lost_nothing(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        say(client, b"ping")
        proxy.half_open()
        proxy.delay = 60
        proxy.throttle(1)

        proxy.heal()

        assert say(client, b"pong") == b"pong"
        assert proxy.delay == 0


def test_a_target_that_does_not_listen_looks_like_a_reset():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with tcp_proxy(port) as proxy, contextlib.ExitStack() as clients:
        with contextlib.suppress(ConnectionResetError):
            client = clients.enter_context(connect(proxy))
            assert read_to_the_end(client) == (b"", "reset")


def test_a_reset_by_the_target_reaches_the_client():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with tcp_proxy(listener.getsockname()[1]) as proxy, connect(proxy) as client:
            target, _ = listener.accept()
            with target:
                client.sendall(b"unread")
                target.recv(1)  # closing with bytes unread sends a reset

            assert read_to_the_end(client) == (b"", "reset")


def test_two_proxies_in_a_row_add_their_delays(echo):
    with tcp_proxy(echo.port) as near, tcp_proxy(near.port) as far, connect(far) as client:
        near.delay = far.delay = 0.05
        begin = time.monotonic()

        say(client, b"ping")

        assert time.monotonic() - begin >= 4 * 0.05 - 0.01


async def test_it_works_inside_a_running_event_loop():
    with serve() as server, tcp_proxy(server.url) as proxy:
        async with httpx2.AsyncClient(verify=False) as client:
            answer = await client.get(f"{proxy.url}/health")

    assert answer.status_code == 200


def test_stopping_resets_what_is_open_and_frees_the_port(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        say(client, b"ping")
        proxy.stop()

        assert read_to_the_end(client) == (b"", "reset")
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
        socket.create_server(("127.0.0.1", proxy.port)).close()


def test_stopping_does_not_wait_for_delayed_bytes(echo):
    with tcp_proxy(echo.port) as proxy, connect(proxy) as client:
        proxy.delay = 600
        client.sendall(b"ping")

    assert proxy.connections == 0


def test_stopping_at_the_moment_of_a_connection_leaves_nothing_open(echo):
    for _ in range(20):
        with tcp_proxy(echo.port) as proxy:
            client = connect(proxy)
            proxy.stop()
        client.close()

    gc.collect()  # a socket left open would be reported here


@pytest.mark.parametrize("target", ["127.0.0.1:{}", "localhost:{}", "http://127.0.0.1:{}/path"])
def test_a_target_may_be_written_as_an_address_or_a_url(echo, target):
    with tcp_proxy(target.format(echo.port)) as proxy, connect(proxy) as client:
        assert say(client, b"ping") == b"ping"


@pytest.mark.parametrize(
    "target", ["example.com:80", "10.0.0.7:5432", "http://192.0.2.1:80", "0.0.0.0:80", ":80"]
)
def test_a_target_on_another_machine_is_refused(target):
    with pytest.raises(ValueError, match="connects to this machine only"):
        tcp_proxy(target)


@pytest.mark.parametrize("target", ["127.0.0.1", "http://localhost", 0])
def test_a_target_without_a_port_is_refused(target):
    with pytest.raises(ValueError, match="needs a port"):
        tcp_proxy(target)


def test_settings_that_make_no_sense_are_refused(echo):
    with tcp_proxy(echo.port) as proxy:
        with pytest.raises(ValueError, match="0 s or more"):
            proxy.delay = -1
        with pytest.raises(ValueError, match="above 0"):
            proxy.throttle(0)
        with pytest.raises(ValueError, match="0 bytes or more"):
            proxy.cut(after_bytes=-1)
