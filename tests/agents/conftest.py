"""No test here reaches further than this machine, and no framework reports to its maker."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def check(host: Any) -> None:
        assert host in (None, "127.0.0.1", b"127.0.0.1", "::1", "localhost"), f"a test wants to reach {host!r}"

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])
        connect(self, address)

    def look_up_here(host: Any, *more: Any, **options: Any) -> Any:
        check(host)
        return look_up(host, *more, **options)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(client_options={"max_attempts": 1}) as registry:
        yield registry
