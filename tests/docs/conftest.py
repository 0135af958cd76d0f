"""A server for the documents' commands and programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store

from ..server.served import Served, serving


@pytest.fixture
def served(openrouter_sandbox: Sandbox, tmp_path: Path) -> Iterator[Served]:
    """A server with alice's account."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", master_keys=[MasterKey.fresh()]) as store:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": openrouter_sandbox.api_key})
        with serving(store) as served:
            yield served
