"""Accounts in memory: connected, replaced and forgotten by their host."""

from __future__ import annotations

import json
import threading

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox


def test_users_are_connected_replaced_and_forgotten() -> None:
    accounts = MemoryAccounts({"alice": {"api_key": "a-1"}})
    accounts.connect("bob", api_key="b-1", management_api_key="b-2")
    accounts.connect("alice", api_key="a-2")
    assert dict(accounts.credentials("alice", "OPENROUTER") or {}) == {"api_key": "a-2"}
    assert dict(accounts.credentials("bob", "OPENROUTER") or {}) == {"api_key": "b-1", "management_api_key": "b-2"}
    accounts.disconnect("alice")
    accounts.disconnect("alice")
    assert accounts.credentials("alice", "OPENROUTER") is None


def test_what_the_host_changes_in_its_own_dict_is_not_followed() -> None:
    values = {"api_key": "a-1"}
    accounts = MemoryAccounts({"alice": values})
    values["api_key"] = "changed"
    assert dict(accounts.credentials("alice", "OPENROUTER") or {}) == {"api_key": "a-1"}


def test_no_repr_shows_a_value() -> None:
    accounts = MemoryAccounts({"alice": {"api_key": "k3y-of-mine"}, "bob": {}})
    assert repr(accounts) == "MemoryAccounts(2 users)"
    assert repr(accounts.credentials("alice", "OPENROUTER")) == "Credentials(api_key)"
    assert str(accounts.credentials("bob", "OPENROUTER")) == "Credentials(none)"
    assert f"{accounts.credentials('alice', 'OPENROUTER')}" == "Credentials(api_key)"


def test_who_is_not_connected_reads_whose_task_it_is(openrouter_sandbox: Sandbox) -> None:
    with ToolRegistry.from_manifest(accounts=MemoryAccounts()) as registry:
        envelope = registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="alice")
    assert json.loads(envelope.data)["error"]["type"] == "not_connected"
    assert envelope.error == (
        'No OpenRouter account with api_key is connected for user "alice". '
        "Ask the operator of this agent to connect an account for that user. "
        "A key is made at https://openrouter.ai/keys."
    )
    assert openrouter_sandbox.requests == []


def test_it_can_be_asked_and_changed_from_many_threads() -> None:
    accounts = MemoryAccounts()
    wrong: list[object] = []

    def work(user: str) -> None:
        for number in range(200):
            accounts.connect(user, api_key=f"{user}-{number}")
            if dict(accounts.credentials(user, "OPENROUTER") or {}) != {"api_key": f"{user}-{number}"}:
                wrong.append((user, number))
            repr(accounts)
            accounts.disconnect(user)

    threads = [threading.Thread(target=work, args=(f"user-{number}",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
