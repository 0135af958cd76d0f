"""Who connects and asks nothing is not waited for without end; who asks is."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server import connections

from .served import CHAT, PATIENCE, QUESTION, Served


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LOOK_EVERY", 0.3)


def connect(served: Served) -> socket.socket:
    parts = urlsplit(served.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE)


REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


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


def test_headers_that_trickle_are_ended(served: Served) -> None:
    with connect(served) as connection:
        connection.settimeout(0.05)
        begun = time.monotonic()
        for letter in REQUEST[:10] * 100:
            try:
                connection.sendall(bytes([letter]))
                if connection.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() - begun < 4


def test_a_slow_answer_is_waited_for(served: Served, sandbox: Sandbox) -> None:
    question = {**QUESTION, "model": "sandbox/slow"}
    with served.client(served.token("alice")) as host:
        begun = time.monotonic()
        answer = host.post(f"/api/actions/{CHAT}", json={"arguments": question})
    assert time.monotonic() - begun > 0.7, "or it shows nothing"
    assert answer.json()["successful"]
