"""A store of each kind, its ledger, the sandbox as OpenRouter, and a webhook that is never delivered to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from sqlalchemy import select

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.health import AccountChecks
from openrouter_toolkit.jobs import Stop
from openrouter_toolkit.ledger import Ledger
from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store
from openrouter_toolkit.store.columns import now
from openrouter_toolkit.store.tables import DeliveryRow, WebhookRow

from ..scale import scaled
from ..store.conftest import pass_time

__all__ = ["ALICE", "both", "events", "pass_time"]
ALICE = "sk-or-v1-sandbox-alice-0123456789abcdef"
Check = Callable[[], int]


# In a quick run PostgreSQL alone, since all other tests have SQLite.
both = pytest.mark.parametrize("store", scaled(["postgresql"], full=["sqlite", "postgresql"]), indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with one webhook that wants everything: SQLite, and where `both` says so PostgreSQL, too."""
    if getattr(request, "param", "sqlite") == "sqlite":
        url = f"sqlite:///{copyfile(migrated, tmp_path / 'store.db')}"
    else:
        url = request.getfixturevalue("postgresql").new_database()
    with Store.open(url, master_keys=[MasterKey.fresh()]) as store:
        with store.database.write(audited=False) as session:
            at = now()
            session.add(WebhookRow(id="wh_all", kind="http", address="", events=None, created_at=at, updated_at=at))
        yield store


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    with Ledger(store) as ledger:
        yield ledger


@pytest.fixture
def registry(openrouter_sandbox: Sandbox, store: Store, ledger: Ledger) -> Iterator[ToolRegistry]:
    options = {"max_attempts": 1}
    accounts = store.for_registry()
    with ToolRegistry.from_manifest(accounts=accounts, ledger=ledger, client_options=options) as registry:
        yield registry


@pytest.fixture
def check(openrouter_sandbox: Sandbox, store: Store, ledger: Ledger) -> Check:
    """Check the accounts that are due; how many were."""
    loaded = load()
    checks = AccountChecks(store, ledger, lambda: {loaded.toolkit.slug: loaded})
    return lambda: checks.run(Stop())


def events(store: Store) -> list[dict[str, Any]]:
    """The events that were written so far, the oldest first: the data, and the type under `event`."""
    bodies = store.database.read_all(select(DeliveryRow.body).order_by(DeliveryRow.created_at, DeliveryRow.id))
    return [{"event": body["type"], **body["data"]} for body in map(json.loads, bodies)]
