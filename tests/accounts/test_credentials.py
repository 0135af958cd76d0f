"""Which values can't be a key, and which of an account's keys an action is executed with."""

from __future__ import annotations

import json

import pytest

from openrouter_toolkit import Envelope, MemoryAccounts, ToolRegistry
from openrouter_toolkit.accounts import Credentials, unusable
from openrouter_toolkit.sandbox import Sandbox

UNUSABLE = {
    "a blank": " ",
    "a blank in front": " sk-or-v1-sandbox",
    "a blank behind": "sk-or-v1-sandbox ",
    "a blank within": "sk-or-v1- sandbox",
    "a tab": "sk-or-v1-\tsandbox",
    "a line break behind": "sk-or-v1-sandbox\n",
    "a header behind a line break": "sk-or-v1-sandbox\r\nX-Evil: 1",
    "a hard blank": "sk-or-v1-\xa0sandbox",
    "a zero-width blank": "sk-or-v1-\u200bsandbox",
    "a zero byte": "sk-or-v1-\x00sandbox",
    "an escape": "sk-or-v1-\x1b[31msandbox",
    "a delete": "sk-or-v1-sandbox\x7f",
    "umlauts": "schlüssel",
    "Cyrillic look-alikes": "sk-оr-v1-sandbox",
    "a dash that is none": "sk–or–v1–sandbox",
    "half a surrogate pair": "sk-or-v1-\ud800",
}
PLACEHOLDERS = [
    "None", "null", "undefined", "nil", "false", "TODO", "changeme", "change-me", "CHANGE_ME", "placeholder", "dummy",
    "api_key", "API-KEY", "apikey", "key", "secret", "token", "xxx", "xxxxxxxx", "XXXX-XXXX", "***", "...", "---",
    "your-api-key", "YOUR_API_KEY", "your_openrouter_api_key", "my-key", "<your-key>", "<API_KEY>", "<key>", "{key}",
    "{{OPENROUTER_API_KEY}}", "$OPENROUTER_API_KEY", "${OPENROUTER_API_KEY}", "[key]", "insert-key", "insert-your-key",
    "paste-key", "paste_your_key", "replace_me", "replace-with-your-key", "key-goes-here", "your-key-here", "key_here",
    "enter_your_api_key_here",
    "sk-or-", "sk-or-v1", "sk-or-v1-", "sk-or-v1-...", "sk-or-v1-…", "sk-or-v1-xxxxxxxxxxxx", "sk-or-v1-XXXX",
    "sk-or-v1-***", "sk-or-v1-your-key", "sk-or-v1-YOUR_KEY", "sk-or-v1-<key>", "%OPENROUTER_API_KEY%",
]  # fmt: skip
REAL = [
    "sk-or-v1-" + "0123456789abcdef" * 4,
    "sk-or-v1-" + "f" * 64,
    "sk-or-v1-sandbox",
    "sk-or-v1-sandbox-management",
    "sk-litellm-1234abcd",
    "sk-proj-Ab_9-zZ",
    "sk-ant-api03-A1b2C3",
    "gsk_0aZ9",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "dXNlcjpwYXNz+/==",
    "9f8c1d",
    "my-proxy-9f8c1d7e",
    "Keystone-2024",
    "tokenize-8d2f",
]


def told(envelope: Envelope) -> str:
    assert json.loads(envelope.data)["error"]["type"] == "not_connected"
    return str(envelope.error)


@pytest.mark.parametrize("key", [*UNUSABLE.values(), *PLACEHOLDERS], ids=[*UNUSABLE, *PLACEHOLDERS])
def test_what_can_not_be_a_key_is_refused_before_anything_is_sent(openrouter_sandbox: Sandbox, key: str) -> None:
    with ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": {"api_key": key}})) as registry:
        error = told(registry.execute("OPENROUTER_LIST_PROVIDERS"))
    assert openrouter_sandbox.requests == []
    assert error.startswith('The api_key of user "default" can\'t be used: it ')
    assert error.endswith("Nothing was sent. A key is made at https://openrouter.ai/keys.")


@pytest.mark.parametrize("key", ["sk-or-v1-canary7 canary8", "<canary7-canary8>", "canary7\u00fccanary8"])
def test_the_refusal_does_not_repeat_the_value(openrouter_sandbox: Sandbox, key: str) -> None:
    with ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": {"api_key": key}})) as registry:
        envelope = registry.execute("OPENROUTER_LIST_PROVIDERS")
    assert "canary" not in str(envelope)


@pytest.mark.parametrize("key", REAL)
def test_what_may_be_a_key_is_taken(key: str) -> None:
    assert unusable(key) is None


def test_credentials_are_a_mapping_that_tells_names_only() -> None:
    credentials = Credentials({"api_key": "k3y", "management_api_key": "m-k3y"})
    assert credentials["api_key"] == "k3y"
    assert list(credentials) == ["api_key", "management_api_key"]
    assert len(credentials) == 2
    assert repr(credentials) == str(credentials) == "Credentials(api_key, management_api_key)"
    with pytest.raises(KeyError):
        credentials["password"]


# Which key an action takes.


def registry_of(**keys: str) -> ToolRegistry:
    return ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": keys}), client_options={"max_attempts": 1})


def test_credits_are_read_with_the_management_key_and_the_rest_with_the_ordinary_one(
    openrouter_sandbox: Sandbox,
) -> None:
    keys = {
        "api_key": openrouter_sandbox.api_key,
        "management_api_key": openrouter_sandbox.management_api_key,
    }
    with registry_of(**keys) as registry:
        assert registry.execute("OPENROUTER_GET_CREDITS").successful
        assert registry.execute("OPENROUTER_GET_CURRENT_KEY").successful
    assert [request.key for request in openrouter_sandbox.requests] == [
        openrouter_sandbox.management_api_key,
        openrouter_sandbox.api_key,
    ]


def test_without_a_management_key_the_ordinary_one_is_tried_and_the_refusal_explained(
    openrouter_sandbox: Sandbox,
) -> None:
    with registry_of(api_key=openrouter_sandbox.api_key) as registry:
        envelope = registry.execute("OPENROUTER_GET_CREDITS")
    assert json.loads(envelope.data)["error"]["type"] == "permission_denied"
    assert "management key" in str(envelope.error)
    assert "OPENROUTER_GET_CURRENT_KEY" in str(envelope.error)
    assert [request.key for request in openrouter_sandbox.requests] == [openrouter_sandbox.api_key]


def test_with_a_management_key_only_credits_can_be_read_and_the_rest_says_what_is_missing(
    openrouter_sandbox: Sandbox,
) -> None:
    with registry_of(management_api_key=openrouter_sandbox.management_api_key) as registry:
        assert registry.execute("OPENROUTER_GET_CREDITS").successful
        error = told(registry.execute("OPENROUTER_LIST_PROVIDERS"))
    assert "No OpenRouter account with api_key is connected" in error
    assert "(only management_api_key)" in error
    assert len(openrouter_sandbox.requests) == 1


def test_an_empty_key_is_none(openrouter_sandbox: Sandbox) -> None:
    assert unusable("") == "it is empty"
    with registry_of(api_key="") as registry:
        assert "No OpenRouter account with api_key is connected" in told(registry.execute("OPENROUTER_LIST_PROVIDERS"))
    assert openrouter_sandbox.requests == []


def test_an_empty_management_key_is_none(openrouter_sandbox: Sandbox) -> None:
    with registry_of(api_key=openrouter_sandbox.api_key, management_api_key="") as registry:
        registry.execute("OPENROUTER_GET_CREDITS")
    assert [request.key for request in openrouter_sandbox.requests] == [openrouter_sandbox.api_key]


def test_an_unusable_management_key_is_told_with_the_page_where_it_is_made(openrouter_sandbox: Sandbox) -> None:
    with registry_of(api_key=openrouter_sandbox.api_key, management_api_key="<key>") as registry:
        error = told(registry.execute("OPENROUTER_GET_CREDITS"))
    assert "The management_api_key of user" in error
    assert "https://openrouter.ai/settings/management-keys" in error
    assert openrouter_sandbox.requests == []
