"""What a store of accounts learns from the calls that are made with its credentials."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.accounts import Credentials, TracksUse
from openrouter_toolkit.sandbox import Sandbox

WRONG = "sk-or-v1-0123456789abcdef"


class Learning:
    """A store of one account that writes down what it is told."""

    def __init__(self, **values: str) -> None:
        self.held = Credentials(values)
        self.told: list[tuple[Credentials, str]] = []

    def credentials(self, user_id: str, toolkit: str) -> Credentials:
        return self.held

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        return f"Run connect for {user_id}."

    def used(self, credentials: Credentials) -> None:
        self.told.append((credentials, "used"))

    def refused(self, credentials: Credentials, why: str) -> None:
        self.told.append((credentials, why))


@pytest.fixture
def registry_of(openrouter_sandbox: Sandbox) -> Callable[[Learning], ToolRegistry]:
    return lambda store: ToolRegistry.from_manifest(accounts=store)


def test_a_call_that_the_api_took_counts_as_a_use(
    registry_of: Callable[[Learning], ToolRegistry], openrouter_sandbox: Sandbox
) -> None:
    store = Learning(api_key=openrouter_sandbox.api_key)
    assert isinstance(store, TracksUse)
    assert registry_of(store).execute("OPENROUTER_GET_CURRENT_KEY", {}).successful
    assert store.told == [(store.held, "used")]
    assert store.told[0][0] is store.held


def test_a_key_that_the_api_does_not_know_is_reported_and_the_agent_told_how_to_connect(
    registry_of: Callable[[Learning], ToolRegistry],
) -> None:
    store = Learning(api_key=WRONG)
    envelope = registry_of(store).execute("OPENROUTER_GET_CURRENT_KEY", {}, user_id="alice")
    (told,) = store.told
    assert told[0] is store.held
    assert told[1] not in ("", "used")
    assert "Run connect for alice." in str(envelope.error)
    assert WRONG not in told[1]


def test_an_account_goes_on_without_a_key_that_only_some_actions_prefer(
    registry_of: Callable[[Learning], ToolRegistry], openrouter_sandbox: Sandbox
) -> None:
    store = Learning(api_key=openrouter_sandbox.api_key, management_api_key=WRONG)
    envelope = registry_of(store).execute("OPENROUTER_GET_CREDITS", {})
    assert json.loads(envelope.data)["error"]["type"] == "authentication"
    assert "Run connect for default." in str(envelope.error)
    assert store.told == []


def test_other_failures_say_nothing_about_the_key(
    registry_of: Callable[[Learning], ToolRegistry], openrouter_sandbox: Sandbox
) -> None:
    store = Learning(api_key=openrouter_sandbox.api_key)
    question = {"model": "sandbox/no-credits", "messages": [{"role": "user", "content": "Hello"}]}
    assert not registry_of(store).execute("OPENROUTER_CREATE_CHAT_COMPLETION", question).successful
    assert not registry_of(store).execute("OPENROUTER_GET_GENERATION", {}).successful
    assert store.told == []


@pytest.mark.parametrize("key", [WRONG, Sandbox.api_key])
def test_a_store_that_fails_to_learn_fails_no_call(
    registry_of: Callable[[Learning], ToolRegistry], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Learning):
        def used(self, credentials: Credentials) -> None:
            raise OSError(f"gone, with {key}")

        def refused(self, credentials: Credentials, why: str) -> None:
            raise OSError(f"gone, with {key}")

    envelope = registry_of(Broken(api_key=key)).execute("OPENROUTER_GET_CURRENT_KEY", {})
    assert envelope.successful is (key == Sandbox.api_key)
    if not envelope.successful:
        assert json.loads(envelope.data)["error"]["type"] == "authentication"
    assert "the account store failed" in caplog.text
    assert key not in caplog.text
