"""What is changed is told in the log, once it is committed, and never with a secret."""

from __future__ import annotations

import logging

import pytest

from openrouter_toolkit.store import AliasTaken

from .conftest import OpenStore

SECRET = "sk-or-v1-" + "7" * 64


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if record.name == "openrouter_toolkit"]
    caplog.clear()
    return found


def test_accounts_switches_tokens_and_logins(open_store: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "openrouter_toolkit")
    store = open_store()
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": SECRET}, alias="work")
    store.accounts.disable(account.id)
    store.accounts.enable(account.id)
    store.accounts.enable(account.id)
    credentials = store.accounts.credentials(account.id)
    assert credentials is not None
    store.for_registry().refused(credentials, "No.")
    store.accounts.fail(account.id, "It was connected before.")
    store.accounts.disconnect(account.id)
    who = f"account {account.id} of user alice (OPENROUTER)"
    assert lines(caplog) == [
        f"{who}: connected",
        f"{who}: switched off",
        f"{who}: switched on",
        f"{who}: EXPIRED: No.",
        f"{who}: disconnected",
    ]
    token, text = store.tokens.create("agents")
    store.tokens.revoke(token.id)
    store.switches.turn_off("OPENROUTER", "OPENROUTER_GET_CREDITS")
    store.return_addresses.register("https://squad.example/tools")
    store.return_addresses.remove("https://squad.example/tools")
    session = store.sessions.create()
    store.sessions.revoke(session)
    told = lines(caplog)
    assert told == [
        f"token {token.id}: made",
        f"token {token.id}: revoked",
        "action OPENROUTER_GET_CREDITS: switched off",
        "return address https://squad.example/tools: registered",
        "return address https://squad.example/tools: removed",
        "somebody logged in",
        "somebody logged out",
    ]
    assert not any(secret in line for line in told for secret in (text, session))


def test_what_is_not_committed_is_not_told(open_store: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "openrouter_toolkit")
    store = open_store()
    store.accounts.connect("OPENROUTER", "alice", {"api_key": SECRET}, alias="work")
    lines(caplog)

    def two_at_once() -> None:
        with store.transaction():
            store.accounts.connect("OPENROUTER", "bob", {"api_key": SECRET})
            store.accounts.connect("OPENROUTER", "alice", {"api_key": SECRET}, alias="work")

    with pytest.raises(AliasTaken):
        two_at_once()
    assert lines(caplog) == []
    with store.transaction():
        store.accounts.connect("OPENROUTER", None, {"api_key": SECRET})
        assert lines(caplog) == []
    (line,) = lines(caplog)
    assert line.endswith(" of the organisation (OPENROUTER): connected")
