"""A registry whose calls go to the sandbox over a real socket, and a server that answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import HTTPServer
from typing import Any

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..small_server import Handler, running


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(toolsets=["all"], client_options={"max_attempts": 1}) as registry:
        yield registry


@pytest.fixture
def execute(registry: ToolRegistry) -> Callable[..., Envelope]:
    """Execute an action by the part of its slug that is its own, with its arguments by name or as a dict."""

    def execute(action: str, arguments: dict[str, Any] | None = None, /, **named: Any) -> Envelope:
        return registry.execute(f"OPENROUTER_{action}", {**(arguments or {}), **named})

    return execute


class ToldServer(HTTPServer):
    """Answers every request with the same status, type and body."""

    answer = (200, "application/json", b"{}")


class _Answering(Handler):
    def respond(self) -> None:
        server = self.server
        assert isinstance(server, ToldServer)
        status, content_type, body = server.answer
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.answer(body, status, Content_Type=content_type)


@pytest.fixture
def answered(openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Envelope]]:
    """Execute an action against an answer: `answered("GET_CREDITS", body=b"...", status=200)`."""
    server = ToldServer(("127.0.0.1", 0), _Answering)
    with running(server) as address:
        monkeypatch.setenv("OPENROUTER_BASE_URL", f"{address}/api/v1")

        def answered(
            action: str,
            arguments: dict[str, Any] | None = None,
            *,
            body: bytes,
            status: int = 200,
            content_type: str = "application/json",
            **client_options: Any,
        ) -> Envelope:
            server.answer = (status, content_type, body)
            options = {"max_attempts": 1, **client_options}
            with ToolRegistry.from_manifest(client_options=options) as registry:
                return registry.execute(f"OPENROUTER_{action}", arguments or {})

        yield answered
