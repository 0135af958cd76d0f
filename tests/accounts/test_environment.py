"""The account of the environment: one user, read anew for each call."""

from __future__ import annotations

import json

import pytest

from openrouter_toolkit import EnvironmentAccounts, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

VARIABLES = {"api_key": "OPENROUTER_API_KEY", "management_api_key": "OPENROUTER_MANAGEMENT_API_KEY"}


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
