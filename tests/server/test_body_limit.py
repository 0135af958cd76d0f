"""How much may be sent: 64 KiB by anybody, 32 MiB with a token."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.access.middleware import BODY_WITH_TOKEN, BODY_WITHOUT_TOKEN

from .served import CHAT, KEY, QUESTION, Served
from .test_access import log_in


def pieces(size: int) -> Iterator[bytes]:
    """A body that does not say how long it is."""
    for _ in range(0, size, 65536):
        yield b" " * 65536


@pytest.mark.parametrize("chunked", [False, True])
def test_without_a_token_little_is_taken(served: Served, chunked: bool) -> None:
    with served.client() as nobody:
        for path in (f"/api/actions/{KEY}", "/mcp", "/login/x", "/logout", "/admin/tools/openrouter/activate"):
            content = pieces(BODY_WITHOUT_TOKEN * 2) if chunked else b"x" * (BODY_WITHOUT_TOKEN + 1)
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = nobody.post(path, content=content, headers=form)
            assert answer.status_code in (401, 413), path
            assert answer.status_code == (401 if path.startswith(("/api", "/mcp")) else 413)


def test_nothing_is_read_that_is_too_large_or_of_nobody(served: Served) -> None:
    """The answer comes although the body never does."""
    parts = urlsplit(served.url)
    for path, headers, status in (
        ("/login/x", "", b"413"),
        (f"/api/actions/{KEY}", "", b"401"),
        (f"/api/actions/{KEY}", f"Authorization: Bearer {served.token()}\r\n", b"413"),
        ("/mcp", f"Authorization: Bearer {served.token()}\r\n", b"413"),
    ):
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{headers}Content-Length: 100000000\r\n\r\n"
            connection.sendall(head.encode() + b"x" * 1000)
            assert connection.makefile("rb").readline().split()[1] == status


@pytest.mark.parametrize("path", [f"/api/actions/{KEY}", "/mcp"])
@pytest.mark.parametrize("chunked", [False, True])
def test_with_a_token_there_is_a_limit_too(served: Served, path: str, chunked: bool) -> None:
    with served.client(served.token("alice"), Accept="application/json, text/event-stream") as host:
        content = pieces(BODY_WITH_TOKEN + 65536) if chunked else b" " * (BODY_WITH_TOKEN + 1)
        answer = host.post(path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413, answer.text
        assert answer.json()["error"]["type"] == "too_large"
        assert host.get("/api/tools").status_code == 200


def test_a_document_in_a_prompt_passes(served: Served, sandbox: Sandbox) -> None:
    long = {**QUESTION, "messages": [{"role": "user", "content": "x" * 5_000_000}]}
    with served.client(served.token("alice")) as host:
        envelope = host.post(f"/api/actions/{CHAT}", json={"arguments": long}).json()
    assert len(sandbox.requests[0].body["messages"][0]["content"]) == 5_000_000
    assert "context length" in envelope["error"]


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "nonsense", "9" * 30])
def test_a_length_that_is_none(served: Served, length: str) -> None:
    parts = urlsplit(served.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        head = f"POST /api/actions/{KEY} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.makefile("rb").readline().split()[1] in (b"400", b"401", b"413")


def test_a_logged_in_browser_sends_forms_only(served: Served) -> None:
    with served.client() as browser:
        log_in(served, browser)
        assert browser.post("/logout", data={"csrf": "x" * BODY_WITHOUT_TOKEN}).status_code == 413
