import asyncio
import contextlib
import gc
import json
import socket
import threading
import time

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from course_lib.clock import ManualClock
from course_lib.labs.faults import (
    Faults,
    cut,
    error,
    hang,
    latency,
    ok,
    slow_body,
    too_many,
    wrong_length,
)
from course_lib.labs.server import serve


def hello_app():
    """Answers GET /hello with "hello, world" (12 bytes) and keeps count in `asked`."""
    asked = []

    async def hello(request):
        asked.append(request.method)
        return PlainTextResponse("hello, world")

    app = Starlette(routes=[Route("/hello", hello, methods=["GET", "POST"])])
    app.state.asked = asked
    return app


def http(server, **settings):
    """A client library; without certificates, which take 0.2 s to load."""
    return httpx2.Client(base_url=server.url, verify=False, **settings)


def get(server, path, **settings):
    with http(server, **settings) as client:
        return client.get(path)


def connect(server, *, timeout=10.0):
    return socket.create_connection(("127.0.0.1", server.port), timeout=timeout)


def ask(client, *, close=True):
    last = "Connection: close\r\n" if close else ""
    client.sendall(f"GET /hello HTTP/1.1\r\nHost: shop\r\n{last}\r\n".encode())


def read_all(client):
    """Every byte until the server closes."""
    received = b""
    while data := client.recv(65536):
        received += data
    return received


def read_until(client, end):
    received = b""
    while not received.endswith(end):
        data = client.recv(65536)
        assert data, f"closed after {received!r}"
        received += data
    return received


def whole_answer(step, *, close=True):
    """What a raw client receives until the connection closes.

    With `close=False` the client asks to keep it open, so that it is the fault
    that closes it, at once, and not uvicorn after 5 idle seconds.
    """
    with serve(hello_app(), Faults([step])) as server, connect(server, timeout=3) as client:
        ask(client, close=close)
        return read_all(client)


def test_without_faults_the_app_answers():
    with serve(hello_app()) as server:
        answer = get(server, "/hello")

    assert (answer.status_code, answer.text) == (200, "hello, world")


def test_every_request_is_written_down_in_order():
    with serve(hello_app()) as server, http(server) as client:
        client.get("/hello")
        client.post("/hello")
        client.get("/nowhere")

        assert server.requests == [("GET", "/hello"), ("POST", "/hello"), ("GET", "/nowhere")]


def test_the_shop_app_counts_orders():
    with serve() as server, http(server) as client:
        assert client.get("/health").json() == {"status": "ok"}
        assert len(client.get("/products").json()) == 50
        assert [client.post("/orders").json() for _ in range(2)] == [{"order": 1}, {"order": 2}]
        assert client.get("/orders").json() == {"orders": 2}
        assert client.post("/payments").json() == {"payment": 1}


def test_an_error_answers_in_place_of_the_app():
    app = hello_app()

    with serve(app, Faults([error(503)])) as server:
        answer = get(server, "/hello")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {"status": 503, "title": "Service Unavailable"}
    assert app.state.asked == []


def test_latency_delays_the_answer():
    begin = time.monotonic()

    answer = whole_answer(latency(0.2))

    assert answer.endswith(b"hello, world")
    assert time.monotonic() - begin >= 0.19


def test_a_hanging_request_gets_no_byte_and_the_app_is_not_asked():
    app = hello_app()

    with serve(app, Faults([hang()])) as server, connect(server, timeout=0.2) as client:
        ask(client)
        with pytest.raises(TimeoutError):
            client.recv(1)

    assert app.state.asked == []


def test_a_cut_lets_exactly_so_many_bytes_of_the_answer_through():
    assert whole_answer(cut(after_bytes=20), close=False) == whole_answer(ok)[:20]


def test_a_cut_can_fall_into_the_body():
    whole = whole_answer(ok)
    # Without "connection: close", and with "hello" of "hello, world".
    into_the_body = len(whole) - len(b"connection: close\r\n") - 7

    assert whole_answer(cut(into_the_body), close=False).endswith(b"\r\n\r\nhello")


def test_after_a_cut_at_0_the_app_has_done_its_work_and_the_client_knows_nothing():
    with serve(faults=Faults([cut(0)])) as server, http(server) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            client.post("/orders")

        assert client.get("/orders").json() == {"orders": 1}


def test_an_answer_shorter_than_the_cut_arrives_whole_and_the_connection_lives_on():
    with serve(hello_app(), Faults([cut(100_000)])) as server, connect(server) as client:
        for _ in range(2):
            ask(client, close=False)
            read_until(client, b"hello, world")


def test_a_length_that_is_too_long_is_seen_as_missing_bytes():
    answer = whole_answer(wrong_length(5), close=False)

    assert b"content-length: 17\r\n" in answer
    assert answer.endswith(b"\r\n\r\nhello, world")


def test_a_client_library_refuses_a_body_that_ends_too_early():
    with serve(hello_app(), Faults([wrong_length(5)])) as server:
        with pytest.raises(httpx2.RemoteProtocolError):
            get(server, "/hello")


def test_a_length_that_is_too_short_leaves_the_rest_in_the_open_connection():
    with serve(hello_app(), Faults([wrong_length(-5)])) as server, connect(server) as client:
        ask(client, close=False)
        first = read_until(client, b"hello, world")
        ask(client, close=False)
        second = read_until(client, b"hello, world")

    assert b"content-length: 7\r\n" in first
    assert b"content-length: 12\r\n" in second


def test_a_wrong_length_cannot_be_asked_of_an_answer_that_has_no_length():
    async def stream(request):
        return StreamingResponse(iter(["hello"]))

    app = Starlette(routes=[Route("/", stream)])

    with serve(app, Faults([wrong_length(5)])) as server:
        assert get(server, "/").status_code == 500

    assert "needs an answer that has a Content-Length" in server.errors[0]


def test_a_slow_body_comes_in_pieces_with_pauses():
    begin = time.monotonic()

    answer = whole_answer(slow_body(0.05, chunk_bytes=3))

    assert answer.endswith(b"\r\n\r\nhello, world")
    assert b"content-length: 12\r\n" in answer
    assert time.monotonic() - begin >= 4 * 0.05 - 0.01


def test_a_slow_body_passes_every_read_timeout_that_is_longer_than_its_pause():
    with serve(hello_app(), Faults([slow_body(0.05, chunk_bytes=1)])) as server:
        answer = get(server, "/hello", timeout=httpx2.Timeout(10, read=5))

    assert answer.text == "hello, world"


def test_too_many_requests_says_in_seconds_when_to_come_back():
    with serve(hello_app(), Faults([too_many(3)])) as server:
        answer = get(server, "/hello")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


def test_too_many_requests_says_as_a_date_when_to_come_back_and_never_too_early():
    clock = ManualClock(now=1_767_225_600.25)  # a quarter past midnight, in seconds

    with serve(hello_app(), Faults([too_many(3, as_date=True)]), clock=clock) as server:
        answer = get(server, "/hello")

    assert answer.headers["retry-after"] == "Thu, 01 Jan 2026 00:00:04 GMT"


def test_a_plan_can_be_given_per_path():
    plans = {"/payments": Faults(default=error(503))}

    with serve(faults=plans) as server, http(server) as client:
        assert client.post("/payments").status_code == 503
        assert client.post("/orders").status_code == 201


def test_the_plan_knows_what_was_applied():
    plan = Faults([error(503)])

    with serve(hello_app(), plan) as server, http(server) as client:
        client.get("/hello")
        client.get("/hello")

    assert plan.seen == [error(503), ok]


def test_what_the_app_raises_is_written_down_and_answered_with_500(caplog):
    async def broken(request):
        raise KeyError("price")

    with serve(Starlette(routes=[Route("/", broken)])) as server:
        assert get(server, "/").status_code == 500

    assert server.errors == ["KeyError: 'price'"]
    assert caplog.records == []


def test_two_servers_live_at_once_and_do_not_share_anything():
    with serve() as shop, serve(hello_app(), Faults(default=error(500))) as other:
        assert get(shop, "/health").status_code == 200
        assert get(other, "/hello").status_code == 500
        assert (len(shop.requests), len(other.requests)) == (1, 1)


async def test_it_works_inside_a_running_event_loop():
    with serve(hello_app()) as server:
        async with httpx2.AsyncClient(verify=False) as client:
            answer = await client.get(f"{server.url}/hello")

    assert answer.text == "hello, world"


def test_after_the_block_nobody_listens_and_the_port_can_be_bound_again():
    with serve(hello_app()) as server, connect(server) as client:
        ask(client)
        read_all(client)

    with pytest.raises(ConnectionRefusedError):
        connect(server)
    socket.create_server(("127.0.0.1", server.port)).close()


class Telling(Faults):
    """A plan that tells when a request has arrived."""

    arrived = threading.Semaphore(0)

    def next(self):
        self.arrived.release()
        return super().next()


def test_stopping_does_not_wait_for_hanging_requests():
    plan = Telling(default=hang())
    server = serve(hello_app(), plan)
    with contextlib.ExitStack() as clients:
        for _ in range(3):
            ask(clients.enter_context(connect(server)))
            plan.arrived.acquire()
        begin = time.monotonic()

        server.stop()

        assert time.monotonic() - begin < 5  # the clients would wait for ever


def test_stopping_cancels_an_app_that_sleeps_before_its_lifespan_ends():
    arrived, seen = threading.Event(), []

    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield
        seen.append("lifespan ended")

    async def sleepy(request):
        arrived.set()
        try:
            await asyncio.sleep(600)
        finally:
            seen.append("request ended")

    app = Starlette(routes=[Route("/hello", sleepy)], lifespan=lifespan)

    with serve(app) as server, connect(server) as client:
        ask(client)
        arrived.wait()
        server.stop()

    assert seen == ["request ended", "lifespan ended"]


def test_a_bare_asgi_app_without_a_lifespan_is_served_and_that_is_no_error():
    async def bare(scope, receive, send):
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with serve(bare) as server:
        assert get(server, "/").status_code == 204
        assert server.errors == []


def test_stopping_at_the_moment_of_a_connection_leaves_nothing_open():
    for _ in range(3):
        with serve(hello_app()) as server:
            client = connect(server)
            server.stop()
        client.close()

    gc.collect()  # a socket left open would be reported here


def test_stopping_twice_is_harmless():
    with serve(hello_app()) as server:
        server.stop()


def test_the_lifespan_of_the_app_is_run():
    seen = []

    @contextlib.asynccontextmanager
    async def lifespan(app):
        seen.append("opened")
        yield
        seen.append("closed")

    with serve(Starlette(lifespan=lifespan)):
        assert seen == ["opened"]

    assert seen == ["opened", "closed"]


def test_an_app_that_does_not_start_is_reported_in_one_sentence_and_leaves_nothing():
    @contextlib.asynccontextmanager
    async def lifespan(app):
        raise ValueError("no database")
        yield

    with pytest.raises(RuntimeError) as raised:
        serve(Starlette(lifespan=lifespan))

    assert str(raised.value) == (
        "the app did not start because its lifespan raised ValueError: no database; "
        "mend the lifespan, then serve the app again"
    )


def test_something_that_is_no_app_is_refused():
    with pytest.raises(TypeError, match="takes an ASGI app"):
        serve("shop:app")


def test_a_server_shows_its_state():
    with serve(hello_app()) as server:
        assert repr(server) == "Server(running, 0 requests)"

    assert repr(server) == "Server(stopped, 0 requests)"


def test_the_problem_of_an_unknown_status_is_still_json():
    body = whole_answer(error(599)).split(b"\r\n\r\n")[1]

    assert json.loads(body) == {"status": 599, "title": "Error"}
