"""Registries that talk to a server of the test's own, and the servers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry, manifest
from openrouter_toolkit.accounts import MemoryAccounts
from openrouter_toolkit.call import Call
from openrouter_toolkit.execution.hooks import Hooks
from openrouter_toolkit.execution.toolset import Toolset
from openrouter_toolkit.manifest import LoadedToolkit
from openrouter_toolkit.sandbox import Sandbox

from .calls import KEY
from .servers import Script, Server

Connect = Callable[..., ToolRegistry]
Serve = Callable[..., Server]


@cache
def _loaded() -> LoadedToolkit:
    return manifest.load(None)


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, certificate, netrc or key of whoever runs the tests gets into them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NETRC", "OPENROUTER_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make a registry whose user `default` holds a key: `connect(base_url, max_attempts=1)`."""

    def connect(base_url: str | None = None, *, key: str = KEY, **client_options: Any) -> ToolRegistry:
        loaded = _loaded()
        registry = ToolRegistry(
            loaded,
            Toolset(loaded.actions),
            accounts=MemoryAccounts({"default": {"api_key": key}}),
            hooks=Hooks(),
            client_options={"base_url": base_url, **client_options},
        )
        return opened.enter_context(registry)

    with ExitStack() as opened:
        yield connect


@pytest.fixture
def registry(connect: Connect, openrouter_sandbox: Sandbox) -> ToolRegistry:
    """A registry that is connected to the sandbox."""
    return connect(openrouter_sandbox.base_url, key=openrouter_sandbox.api_key)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that answers with a script: `serve(answering(200))`."""

    def serve(script: Script, **more: Any) -> Server:
        return opened.enter_context(Server(script, **more))

    with ExitStack() as opened:
        yield serve


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that passes at once: the waits between attempts, in seconds, and nobody sleeps."""
    waited: list[float] = []

    def wait(self: Call, seconds: float) -> None:
        waited.append(seconds)
        self.check()

    monkeypatch.setattr(Call, "wait", wait)
    return waited


@pytest.fixture
def largest_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance always draws the upper end."""
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    monkeypatch.setattr(random, "random", lambda: 1.0)
