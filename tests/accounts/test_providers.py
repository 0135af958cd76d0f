"""Accounts in memory, which their host connects and forgets, and the account of the environment."""

from __future__ import annotations

import json
import threading

import pytest

from openrouter_toolkit import EnvironmentAccounts, MemoryAccounts, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

VARIABLES = {"api_key": "OPENROUTER_API_KEY", "management_api_key": "OPENROUTER_MANAGEMENT_API_KEY"}


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


def test_it_connects_the_user_default_and_nobody_else() -> None:
    accounts = EnvironmentAccounts(VARIABLES, {"OPENROUTER_API_KEY": "k3y"})
    assert dict(accounts.credentials("default", "OPENROUTER") or {}) == {"api_key": "k3y"}
    for user in ("alice", "Default", "", " default"):
        assert accounts.credentials(user, "OPENROUTER") is None


@pytest.mark.parametrize("environment", [{}, {"OPENROUTER_API_KEY": ""}, {"OTHER": "k3y"}])
def test_an_empty_variable_is_as_good_as_none(environment: dict[str, str]) -> None:
    assert EnvironmentAccounts(VARIABLES, environment).credentials("default", "OPENROUTER") is None


def test_an_empty_variable_beside_a_good_one_is_no_field() -> None:
    environment = {"OPENROUTER_API_KEY": "k3y", "OPENROUTER_MANAGEMENT_API_KEY": ""}
    assert list(EnvironmentAccounts(VARIABLES, environment).credentials("default", "OPENROUTER") or {}) == ["api_key"]


def test_it_is_read_anew_for_each_call(openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with ToolRegistry.from_manifest() as registry:
        for key in ("sk-or-v1-sandbox-1", "sk-or-v1-sandbox-2"):
            monkeypatch.setenv("OPENROUTER_API_KEY", key)
            assert registry.execute("OPENROUTER_GET_CURRENT_KEY").successful
        monkeypatch.delenv("OPENROUTER_API_KEY")
        assert not registry.execute("OPENROUTER_GET_CURRENT_KEY").successful
    assert [request.key for request in openrouter_sandbox.requests] == ["sk-or-v1-sandbox-1", "sk-or-v1-sandbox-2"]


def test_who_is_not_connected_reads_which_variable_to_set(
    openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY")
    with ToolRegistry.from_manifest() as registry:
        envelope = registry.execute("OPENROUTER_LIST_PROVIDERS")
        assert json.loads(envelope.data)["error"]["type"] == "not_connected"
        assert envelope.error == (
            'No OpenRouter account with api_key is connected for user "default". '
            "Set the environment variable OPENROUTER_API_KEY. A key is made at https://openrouter.ai/keys."
        )
        told = str(registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="alice's").error)
        assert (
            "The environment connects only the user 'default' (by OPENROUTER_API_KEY). Connect others by "
            "`openrouter-toolkit connect --user-id 'alice'\"'\"'s'` and `accounts=Store.open().for_registry()`, "
            "or by `accounts=MemoryAccounts(...)`."
        ) in told
    assert openrouter_sandbox.requests == []


def test_its_repr_names_variables_and_shows_no_value() -> None:
    accounts = EnvironmentAccounts(VARIABLES, {"OPENROUTER_API_KEY": "k3y-of-mine"})
    assert repr(accounts) == "EnvironmentAccounts(OPENROUTER_API_KEY, OPENROUTER_MANAGEMENT_API_KEY)"
    assert repr(accounts.credentials("default", "OPENROUTER")) == "Credentials(api_key)"
