"""A store of each kind in which alice is connected, its ledger, and a registry that records its calls there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.ledger import Ledger
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store

ALICE = "sk-or-v1-sandbox-alice-0123456789abcdef"


@pytest.fixture
def master_key() -> MasterKey:
    return MasterKey.fresh()


@pytest.fixture
def store(fresh_database: str, master_key: MasterKey) -> Iterator[Store]:
    with Store.open(fresh_database, master_keys=[master_key]) as store:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
        yield store


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    with Ledger(store) as ledger:
        yield ledger


@pytest.fixture
def registry(openrouter_sandbox: Sandbox, store: Store, ledger: Ledger) -> Iterator[ToolRegistry]:
    options = {"max_attempts": 2}
    accounts = store.for_registry()
    with ToolRegistry.from_manifest(accounts=accounts, ledger=ledger, client_options=options) as registry:
        yield registry
