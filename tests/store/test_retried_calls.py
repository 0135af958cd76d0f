"""A call that is tried again after a wait asks anew: what was disconnected or switched off meanwhile isn't used."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry, manifest
from openrouter_toolkit.execution.hooks import Hooks
from openrouter_toolkit.execution.toolset import Toolset
from openrouter_toolkit.store import ConnectedAccount, Store

from ..openrouter.servers import Exchange, Server, answering, failing
from .conftest import OpenStore

KEY, OTHER_KEY = "sk-or-v1-" + "1" * 64, "sk-or-v1-" + "2" * 64
ACTION = "OPENROUTER_GET_CURRENT_KEY"
Change = Callable[[Store, ConnectedAccount], object]


def called(store: Store, meanwhile: Change) -> tuple[dict[str, Any], list[str]]:
    """What a call of alice's ends with, and the keys it sent, when something changes while its first request waits."""
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    loaded = manifest.load()

    def script(exchange: Exchange) -> None:
        if exchange.number == 0:
            meanwhile(store, account)
            exchange.json({"error": {"message": "Wait", "code": 429}}, 429, Retry_After="1")
        else:
            answering(200)(exchange)

    toolset = Toolset(loaded.actions, lambda: store.switches.off("OPENROUTER"))
    with (
        Server(script) as server,
        ToolRegistry(
            loaded,
            toolset,
            accounts=store.for_registry(),
            hooks=Hooks(),
            client_options={"base_url": server.base_url},
        ) as registry,
    ):
        envelope = registry.execute(ACTION, {}, user_id="alice")
        sent = [request.headers["authorization"].removeprefix("Bearer ") for request in server.requests]
    return json.loads(envelope.data), sent


@pytest.mark.parametrize(
    ("meanwhile", "kind"),
    [
        (lambda store, account: store.accounts.disconnect(account.id), "not_connected"),
        (lambda store, account: store.accounts.disable(account.id), "not_connected"),
        (lambda store, account: store.accounts.fill(account.id, {"api_key": OTHER_KEY}), "not_connected"),
        (lambda store, _: store.switches.turn_off("OPENROUTER", ACTION), "refused_by_policy"),
    ],
    ids=["disconnected", "disabled", "reconnected", "switched off"],
)
def test_what_ended_meanwhile_is_not_used_again(open_store: OpenStore, meanwhile: Change, kind: str) -> None:
    data, sent = called(open_store(), meanwhile)
    assert data["error"]["type"] == kind
    assert sent == [KEY]


def test_what_has_nothing_to_do_with_it_does_not_matter(open_store: OpenStore) -> None:
    def meanwhile(store: Store, account: ConnectedAccount) -> None:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": OTHER_KEY}, alias="another")
        store.accounts.rename(account.id, "first")
        store.switches.turn_off("OPENROUTER", "OPENROUTER_GET_CREDITS")

    data, sent = called(open_store(), meanwhile)
    assert "error" not in data
    assert sent == [KEY, KEY]


def test_after_a_refused_key_the_next_account_is_used_and_the_agent_is_told_so(open_store: OpenStore) -> None:
    store = open_store()
    store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY})
    store.accounts.connect("OPENROUTER", "alice", {"api_key": OTHER_KEY}, alias="another")

    def script(exchange: Exchange) -> None:
        known = exchange.request.headers["authorization"].endswith(OTHER_KEY)
        (answering(200) if known else failing(401))(exchange)

    with (
        Server(script) as server,
        ToolRegistry.from_manifest(
            accounts=store.for_registry(), client_options={"base_url": server.base_url}
        ) as registry,
    ):
        first, second = (registry.execute(ACTION, {}, user_id="alice") for _ in range(2))
        assert "another one is connected: call again." in str(first.error)
        assert second.successful
        store.accounts.disconnect(store.accounts.list()[0].id)
        assert "connect --user-id alice" in str(registry.execute(ACTION, {}, user_id="alice").error)
