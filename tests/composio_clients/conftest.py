"""Composio's clients, unmodified, with this server in Composio's place; nobody but loopback is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from composio import Composio

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store

from ..loopback import stay_on_loopback
from ..sandboxes import *  # noqa: F403
from ..server.served import PATIENCE, Served, serving

DOCUMENTED = "20260316_00"
ALICE, HOST = "sk-or-v1-sandbox-alice-0123456789abcdef", "sk-or-v1-sandbox-host-89abcdef01234567"


@pytest.fixture(scope="session")
def served(_running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with alice's account."""
    database = f"sqlite:///{tmp_path_factory.mktemp('composio') / 'store.db'}"
    with pytest.MonkeyPatch.context() as patch, Store.open(database, master_keys=[MasterKey.fresh()]) as store:
        patch.delenv("OPENROUTER_API_KEY", raising=False)
        patch.setenv("OPENROUTER_BASE_URL", _running_sandbox.base_url)
        store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
        with serving(store) as served:
            yield served


@pytest.fixture(scope="session")
def _token(served: Served) -> str:
    return served.token()


@pytest.fixture(autouse=True)
def _as_a_host(monkeypatch: pytest.MonkeyPatch, served: Served, _token: str, sandbox: Sandbox) -> Iterator[None]:
    """A host's environment."""
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("COMPOSIO_BASE_URL", served.url)
    monkeypatch.setenv("COMPOSIO_API_KEY", _token)
    strangers = stay_on_loopback(monkeypatch)
    yield
    assert strangers == []


@pytest.fixture
def host(served: Served) -> Iterator[Callable[..., Any]]:
    """Make a host's client."""
    with ExitStack() as opened:

        def host(**options: Any) -> Any:
            given = {"base_url": served.url, "timeout": PATIENCE, "toolkit_versions": {"openrouter": DOCUMENTED}}
            composio = Composio(**{"allow_tracking": False, **given, **options})
            opened.enter_context(composio.client)
            return composio

        yield host


@pytest.fixture
def composio(host: Callable[..., Any]) -> Any:
    """A host's client."""
    return host()
