"""Who hangs up ends the call: the connection to OpenRouter is closed within a second."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox

from ..timing import wait_until
from .conftest import both_parsers
from .served import CHAT, KEY, QUESTION, Served

pytestmark = both_parsers
SILENT = {**QUESTION, "model": "sandbox/silent"}


@contextmanager
def calling(served: Served, path: str, body: object, token: str, **headers: str) -> Iterator[socket.socket]:
    """A request on a socket of its own, which the test may close when it likes."""
    parts = urlsplit(served.url)
    content = json.dumps(body).encode()
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    with closing(socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)) as connection:
        connection.sendall(head.encode() + content)
        yield connection


def closed_upstream(sandbox: Sandbox) -> bool:
    return len(sandbox.requests) == 1 and sandbox.requests[0].closed_by_client


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("abruptly", [False, True])
def test_of_the_api(served: Served, sandbox: Sandbox, stream: bool, abruptly: bool) -> None:
    call = {"arguments": {**SILENT, "stream": stream}}
    with calling(served, f"/api/actions/{CHAT}", call, served.token("alice")) as connection:
        wait_until(lambda: sandbox.requests)
        if stream:
            heard = b""
            while b"event: text" not in heard:
                heard += connection.recv(65536)
        if abruptly:  # a reset, as when a process dies
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_until(lambda: closed_upstream(sandbox))
    wait_until(lambda: not len(served.state.running))


MODERN = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": CHAT,
        "arguments": SILENT,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
LEGACY = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": CHAT, "arguments": SILENT}}


@pytest.mark.parametrize("progress", [False, True])
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_of_mcp(served: Served, sandbox: Sandbox, era: str, progress: bool) -> None:
    call = json.loads(json.dumps(MODERN if era == "modern" else LEGACY))
    if progress:
        call["params"].setdefault("_meta", {})["progressToken"] = "p"
    headers = {"Accept": "application/json, text/event-stream"}
    if era == "modern":
        headers |= {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": CHAT}
    else:
        headers |= {"MCP_Protocol_Version": "2025-11-25"}
    with calling(served, "/mcp", call, served.token("alice"), **headers) as connection:
        wait_until(lambda: sandbox.requests)
        if progress:
            heard = b""
            while b"notifications/progress" not in heard:
                heard += connection.recv(65536)
    wait_until(lambda: closed_upstream(sandbox))
    wait_until(lambda: not len(served.state.running))


def test_a_caller_who_waits_gets_the_answer(served: Served, sandbox: Sandbox) -> None:
    """The watch for who hangs up does not end calls of others, nor later ones on the same connection."""
    with served.client(served.token("alice")) as host:
        for _ in range(3):
            with calling(served, f"/api/actions/{CHAT}", {"arguments": SILENT}, served.token("bob")):
                wait_until(lambda: len(served.state.running))
                assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]


def test_in_the_middle_of_the_body_is_no_news(
    served: Served, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    parts = urlsplit(served.url)
    for path in (f"/api/actions/{CHAT}", "/mcp", "/login/x"):
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {served.token('alice')}\r\n"
            more = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n{"
            connection.sendall(f"{head}{more}".encode())
            time.sleep(0.1)
    time.sleep(0.2)
    assert caplog.text == ""
    assert sandbox.requests == []


def test_many_who_hang_up_leave_no_thread_waiting(served: Served, sandbox: Sandbox) -> None:
    before = threading.active_count()
    token = served.token("alice")
    for _ in range(40):
        with calling(served, f"/api/actions/{CHAT}", {"arguments": SILENT}, token):
            pass
    wait_until(lambda: not len(served.state.running))
    with served.client(token) as host:
        assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
    assert threading.active_count() - before <= 60
