"""A client that asks nothing, reads nothing or sends no end is disconnected; one that is slow, or waits, is not."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server import connections
from openrouter_toolkit.store import Store

from ..timing import wait_until
from .conftest import both_parsers
from .served import CHAT, PATIENCE, QUESTION, Served, serving

pytestmark = both_parsers
TIMEOUT = 0.9
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """A server that waits for no client for long, and lets a token make many calls."""
    with serving(store, client_timeout=TIMEOUT, calls_per_minute=100_000) as served:
        # Connections inherit it: little of an answer fits into the system's buffers.
        served.server._listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield served


def connect(served: Served, *, receive: int = 0) -> socket.socket:
    parts = urlsplit(served.url)
    connection = socket.socket()
    if receive:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    connection.settimeout(PATIENCE)
    connection.connect((parts.hostname or "", parts.port or 0))
    return connection


def tools(served: Served) -> bytes:
    """A request whose answer is long."""
    head = f"GET /api/tools?extensions=true HTTP/1.1\r\nHost: {urlsplit(served.url).netloc}\r\n"
    return f"{head}Authorization: Bearer {served.token('alice')}\r\n\r\n".encode()


def open_connections(served: Served) -> int:
    return len(served.server.server_state.connections)


def unsent(served: Served) -> int:
    """The bytes that wait in the server for a client to read."""
    return sum(one.transport.get_write_buffer_size() for one in list(served.server.server_state.connections))


def answers(connection: socket.socket) -> list[int]:
    """The statuses of all answers until the server closes the connection."""
    got = b""
    try:
        while more := connection.recv(65536):
            got += more
    except ConnectionResetError:
        pass
    return [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: 1"])
def test_silence_is_ended(served: Served, sent: bytes) -> None:
    with connect(served) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_a_second_request_that_never_ends_its_headers_is_ended(served: Served) -> None:
    with connect(served) as connection:
        connection.sendall(REQUEST)
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(1000)
        connection.sendall(REQUEST[:20])
        assert connection.recv(1000) == b""


@pytest.mark.parametrize(
    "begun", [b"", b"POST /login/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"], ids=["head", "body"]
)
def test_what_trickles_in_is_ended(served: Served, begun: bytes) -> None:
    with connect(served) as connection:
        connection.sendall(begun)
        connection.settimeout(0.05)
        started = time.monotonic()
        for letter in REQUEST[:10] * 100:
            try:
                connection.sendall(bytes([letter]))
                if connection.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() - started < 4


def test_a_slow_answer_is_waited_for(store: Store, sandbox: Sandbox) -> None:
    with serving(store, client_timeout=0.3) as served, served.client(served.token("alice")) as host:
        begun = time.monotonic()
        answer = host.post(f"/api/actions/{CHAT}", json={"arguments": {**QUESTION, "model": "sandbox/slow"}})
        assert time.monotonic() - begun > 0.7, "or it shows nothing"
    assert answer.json()["successful"]


@pytest.mark.parametrize("requests", [1, 12])
def test_an_answer_that_nobody_reads_is_given_up(served: Served, requests: int) -> None:
    """Whether its answer waits for room, or is written and its connection closed by the server."""
    with connect(served, receive=2048) as connection:
        connection.sendall(tools(served) * requests)
        wait_until(lambda: unsent(served) > 0)  # or the system's buffers have taken it all
        wait_until(lambda: not open_connections(served))


class _Endless(BaseHTTPRequestHandler):
    """An OpenRouter that streams without end."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        delta = {"index": 0, "delta": {"content": "word " * 1000}, "finish_reason": None}
        event = f"data: {json.dumps({'id': 'gen-1', 'model': 'acme/atlas-small', 'choices': [delta]})}\n\n".encode()
        with suppress(OSError):
            while True:
                self.wfile.write(event)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_stream_that_nobody_reads_is_given_up_and_its_call_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"arguments": {**QUESTION, "stream": True}}).encode()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endless) as upstream:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        monkeypatch.setenv("OPENROUTER_BASE_URL", f"http://127.0.0.1:{upstream.server_address[1]}/api/v1")
        with serving(store, client_timeout=TIMEOUT) as served, connect(served, receive=2048) as connection:
            head = f"POST /api/actions/{CHAT} HTTP/1.1\r\nHost: {urlsplit(served.url).netloc}\r\n"
            head += f"Authorization: Bearer {served.token('alice')}\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            wait_until(lambda: len(served.state.running))
            wait_until(lambda: not open_connections(served))
            wait_until(lambda: not len(served.state.running))
            wait_until(lambda: served.state.threads.free == served.state.settings.worker_threads)
        upstream.shutdown()


def test_who_reads_slowly_gets_everything(served: Served) -> None:
    whole = 0
    with served.client(served.token("alice")) as host:
        expected = len(host.get("/api/tools?extensions=true").content)
    with connect(served, receive=2048) as connection:
        connection.sendall(tools(served) * 10)
        begun = time.monotonic()
        while whole < expected * 10:
            whole += len(connection.recv(65536))
            time.sleep(0.03)
        assert time.monotonic() - begun > TIMEOUT, "or it shows nothing"


def test_requests_one_after_the_other_are_answered_without_end(served: Served) -> None:
    with served.client() as client:
        assert {client.get("/healthz").status_code for _ in range(3 * connections.MOST_PIPELINED)} == {200}
        assert open_connections(served) == 1


def test_some_requests_at_once_are_answered_in_order(served: Served) -> None:
    with connect(served) as connection:
        connection.sendall(REQUEST * 5 + REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert answers(connection) == [200] * 6


def test_who_sends_many_requests_at_once_is_answered_no_longer(served: Served) -> None:
    with connect(served) as connection:
        connection.sendall(REQUEST * 1000)
        statuses = answers(connection)
    assert set(statuses) <= {200}
    assert len(statuses) <= connections.MOST_PIPELINED


def test_one_address_does_not_take_all_connections(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with serving(store, connections_per_address=3) as served, ExitStack() as stack:
        caplog.set_level(logging.WARNING)
        held = [stack.enter_context(connect(served)) for _ in range(3)]
        wait_until(lambda: open_connections(served) == 3)
        with connect(served) as refused:
            refused.sendall(REQUEST)
            answer = refused.recv(65536)
            assert answer.startswith(b"HTTP/1.1 429 ")
            assert b"retry-after: 1\r\n" in answer
            assert b"content-type: application/json\r\n" in answer
            while more := refused.recv(65536):
                answer += more
            assert b"Too many connections of this address" in answer
        for _ in range(30):  # those beyond are not even told
            stack.enter_context(connect(served))
        wait_until(lambda: open_connections(served) <= 3 + connections._ANSWERED_REFUSALS)
        assert len([record for record in caplog.records if "127.0.0.1 has" in record.getMessage()]) == 1
        held[0].close()
        for connection in held[1:]:
            connection.sendall(REQUEST)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        stack.close()
        wait_until(lambda: not open_connections(served))
        with served.client() as client:
            assert client.get("/healthz").status_code == 200
