"""Two readers of a connection never disagree about where a request ends: what can be read in two ways is refused."""

from __future__ import annotations

import logging
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..timing import wait_until
from .conftest import both_parsers
from .served import KEY, Served, serving
from .test_connections import answers, connect

pytestmark = both_parsers

SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture
def served(shared: Served) -> Served:
    """The web application, which these tests leave as it is."""
    return shared


def sent(served: Served, head: bytes, body: bytes, path: str = f"/api/actions/{KEY}") -> list[int]:
    """The statuses that come of a request with these headers and this body, until the connection is closed."""
    with connect(served) as connection:
        connection.sendall(request(served, head, path) + body)
        return answers(connection)


def request(served: Served, head: bytes, path: str = f"/api/actions/{KEY}") -> bytes:
    host = urlsplit(served.url).netloc
    start = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {served.token('alice')}\r\n".encode()
    return start + head + b"\r\n"


@pytest.mark.parametrize("path", [f"/api/actions/{KEY}", "/mcp", "/login/x", "/healthz", "/register", "/nothing"])
@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\n" + CHUNKED,
        CHUNKED + b"Content-Length: 4\r\n",
        b"content-length:0\r\ntransfer-encoding:chunked\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: Chunked\r\n",
    ],
)
def test_a_length_beside_an_encoding_ends_the_connection(
    served: Served, sandbox: Sandbox, head: bytes, path: str
) -> None:
    assert sent(served, head, b"0\r\n\r\n" + SMUGGLED, path) == [400]
    assert sandbox.requests == []


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2, 3\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: -2\r\n",
        b"Content-Length: 0x2\r\n",
        b"Content-Length: 2 2\r\n",
        b"Content-Length:\r\n",
        b"Content-Length : 2\r\n",
        b"Content-Length: 99999999999999999999999999\r\n",
        CHUNKED + CHUNKED,
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"X: a\x00b\r\n",
        b"X\r\n",
    ],
)
def test_headers_that_are_no_http_end_the_connection(served: Served, sandbox: Sandbox, head: bytes) -> None:
    assert sent(served, head, b"{}" + SMUGGLED) == [400]
    assert sandbox.requests == []


def test_the_same_length_twice_is_one_length_or_none(served: Served, sandbox: Sandbox, parser: str) -> None:
    """RFC 9110 lets a reader take it as one, or refuse it; there is no second way to read it."""
    head = b"Content-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n"
    assert sent(served, head, b"{}" + SMUGGLED) == [200 if parser == "h11" else 400]


def test_a_trailer_is_no_header(served: Served, sandbox: Sandbox) -> None:
    """It comes when the headers were checked already."""
    trailer = f"Authorization: Bearer {served.token('alice')}\r\n".encode()
    host = f"Host: {urlsplit(served.url).netloc}\r\n".encode()
    with connect(served) as connection:
        connection.sendall(b"POST /api/actions/" + KEY.encode() + b" HTTP/1.1\r\n" + host + CHUNKED + b"\r\n")
        connection.sendall(b"2\r\n{}\r\n0\r\n" + trailer + b"\r\n")
        assert b" 401 " in connection.recv(65536)
    assert sent(served, CHUNKED + b"Connection: close\r\n", b"2\r\n{}\r\n0\r\n" + trailer + b"\r\n") == [200]


@pytest.mark.parametrize(
    "upgrade", [b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"]
)
def test_an_upgrade_is_not_taken_and_its_body_is_a_body(served: Served, sandbox: Sandbox, upgrade: bytes) -> None:
    """Java's client asks for one with its first request."""
    body = SMUGGLED.replace(b"/healthz", b"/nothing")
    head = upgrade + b"Content-Length: " + str(len(body)).encode() + b"\r\n"
    last = SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with connect(served) as connection:
        connection.sendall(SMUGGLED)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(request(served, head) + body[:5])
        connection.sendall(body[5:] + SMUGGLED + last)
        assert answers(connection) == [400, 200, 200], "the body is no JSON; what follows it are requests"
    assert sandbox.requests == []
    wait_until(lambda: not served.server.server_state.connections)
    assert served.server._acceptor._open == 0


@pytest.mark.parametrize(
    "target", ["http://evil.example/healthz", "*", "//evil.example/healthz", "/nothing#/../healthz"]
)
def test_another_form_of_target_is_no_path_of_this_server(served: Served, target: str) -> None:
    with connect(served) as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: {urlsplit(served.url).netloc}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        assert answers(connection) in ([400], [404])


@pytest.mark.parametrize(
    "endless",
    [b"GET / HTTP/1.1\r\nX: ", b"POST /healthz HTTP/1.1\r\n" + CHUNKED + b"\r\n1;x="],
    ids=["header", "chunk extension"],
)
def test_what_is_parsed_has_a_limit(served: Served, endless: bytes) -> None:
    with connect(served) as connection:
        connection.sendall(endless)
        with suppress(OSError):
            for _ in range(100):
                connection.sendall(b"x" * 4096)
        assert set(answers(connection)) <= {400, 405}


def test_garbage_behind_a_request_does_not_keep_it_from_its_answer(served: Served, sandbox: Sandbox) -> None:
    assert sent(served, b"Content-Length: 2\r\n", b"{}" + b"\x00garbage\r\n\r\n" + SMUGGLED) == [200, 400]
    broken = SMUGGLED[:-2] + CHUNKED + b"\r\nxyz\r\n"
    assert sent(served, b"Content-Length: 2\r\n", b"{}" + SMUGGLED + broken + SMUGGLED) in ([200, 200, 400], [200] * 3)
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"+2\r\n{}\r\n0\r\n\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}0\r\n\r\n",
        b"2\r\n{}xx0\r\n\r\n",
        b"2\r\n{}\r\n0\r\nX y\r\n\r\n",
        b"fffffffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"1\r\n{\r\n2\r\n}\r\n0\r\n\r\n",
    ],
)
def test_chunks_that_are_none_end_the_connection(
    served: Served, sandbox: Sandbox, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert sent(served, CHUNKED, body + SMUGGLED) == [400]
    assert sandbox.requests == []
    assert "Traceback" not in caplog.text


def test_garbage_is_refused_in_json_and_logged_once(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    # The module's shared server runs too, and would count what its own tests have logged already.
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "filters", [])
    with serving(store) as served:
        for _ in range(5):
            with connect(served) as connection:
                connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 50 + b"\r\n\r\n")
                answer = b""
                while more := connection.recv(65536):
                    answer += more
            assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
            assert b'{"error": {"type": "invalid_request"' in answer
            assert b"Connection: close\r\n" in answer
        assert len(caplog.records) == 1


def test_garbage_in_a_body_whose_answer_has_begun_ends_it(
    served: Served, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer does not wait for the body's end here, so that there is nothing left to say."""
    caplog.set_level(logging.WARNING)
    with connect(served) as connection:
        connection.sendall(request(served, CHUNKED, "/nothing") + b"2\r\n{}\r\n")
        connection.settimeout(5)
        assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
        connection.sendall(b"xyz\r\n" + SMUGGLED)
        rest = b""
        try:
            while more := connection.recv(65536):
                rest += more
        except (ConnectionResetError, TimeoutError):
            pass
    assert b"200" not in rest
    assert "Traceback" not in caplog.text
