"""composio-core as it is, without network: what is not loopback is refused in every test."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

# Composio reads it when it is first imported, and makes folders there.
os.environ["COMPOSIO_CACHE_DIR"] = tempfile.mkdtemp(prefix="composio-core-tests-")

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.accounts import MemoryAccounts
from openrouter_toolkit.agents.composio.core import local_toolset
from openrouter_toolkit.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPOSIO_API_KEY", raising=False)
    connect, find = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> Any:
        assert address[0] == "127.0.0.1", f"a connection to {address}"
        return connect(self, address)

    def find_here(host: Any, *more: Any, **options: Any) -> Any:
        assert host == "127.0.0.1", f"a look-up of {host}"
        return find(host, *more, **options)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", find_here)


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    """All actions; alice is connected, default too."""
    key = {"api_key": openrouter_sandbox.api_key}
    with ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": key, "alice": key})) as registry:
        yield registry


@pytest.fixture
def toolset(registry: ToolRegistry) -> Any:
    """Composio's own toolset."""
    return local_toolset(registry)


@pytest.fixture
def openai_toolset(registry: ToolRegistry) -> Any:
    """That of composio_openai."""
    return local_toolset(registry, package="composio_openai")
