"""Whose key a call is made with, and what becomes of an account whose key was used or refused."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from openrouter_toolkit import Credentials, MemoryAccounts, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import AccountCredentials, Status, Store, StoreUnavailable
from openrouter_toolkit.tool_calling import ToolCall

from .conftest import OpenStore, PassTime
from .processes import Child, Say

TOOLKIT = "OPENROUTER"


def connect(store: Store, user: str | None, key: str, users: list[str] | None = None) -> str:
    return store.accounts.connect(TOOLKIT, user, {"api_key": key}, users=users).id


def chosen(store: Store, user: str) -> str | None:
    found = store.for_registry().credentials(user, TOOLKIT)
    return None if found is None else found["api_key"]


def test_the_users_default_then_the_users_others_then_the_organisations(store: Store) -> None:
    ours = connect(store, None, "ours-1")
    connect(store, None, "ours-2")
    first, second, third = (connect(store, "alice", f"alice-{number}") for number in (1, 2, 3))
    store.accounts.make_default(third)
    assert chosen(store, "alice") == "alice-3"
    store.accounts.disable(third)
    assert chosen(store, "alice") == "alice-1"
    store.accounts.disable(first)
    assert chosen(store, "alice") == "alice-2"
    store.accounts.disable(second)
    assert chosen(store, "alice") == "ours-1"
    store.accounts.disable(ours)
    assert chosen(store, "alice") == "ours-2"
    store.accounts.enable(third)
    assert chosen(store, "alice") == "alice-3"


def test_nobody_gets_anothers(store: Store) -> None:
    connect(store, "alice", "alice-1")
    store.accounts.connect("ECHO", "bob", {"api_key": "echo"})
    for user in ("bob", "Alice", "alice ", "", "%", "ali_e", "\ud800", "a\0", "x" * 5000):
        assert chosen(store, user) is None
    assert chosen(store, "alice") == "alice-1"


def test_the_organisations_is_for_everybody_or_for_those_listed(store: Store) -> None:
    ours = connect(store, None, "ours", users=["bob"])
    assert (chosen(store, "bob"), chosen(store, "alice")) == ("ours", None)
    store.accounts.share(ours, None)
    assert (chosen(store, "bob"), chosen(store, "alice")) == ("ours", "ours")
    store.accounts.share(ours, [])
    assert (chosen(store, "bob"), chosen(store, "alice")) == (None, None)


def test_even_the_organisations_is_for_people_only(store: Store) -> None:
    connect(store, None, "ours")
    for user in ("", "x" * 256, "a\nb", "\ud800"):
        assert chosen(store, user) is None
        assert "user_id" in store.for_registry().how_to_connect(user, TOOLKIT)


@pytest.mark.parametrize("status", [Status.INITIATED, Status.FAILED, Status.EXPIRED, Status.INACTIVE])
def test_only_active_ones_are_used(store: Store, status: Status) -> None:
    accounts = store.for_registry()
    made = store.accounts.initiate(TOOLKIT, "alice")
    if status == Status.FAILED:
        store.accounts.fail(made.id, "No.")
    elif status != Status.INITIATED:
        store.accounts.fill(made.id, {"api_key": "k"})
        if status == Status.INACTIVE:
            store.accounts.disable(made.id)
        else:
            credentials = accounts.credentials("alice", TOOLKIT)
            assert credentials is not None
            accounts.refused(credentials, "No.")
    assert store.accounts.get(made.id).status == status
    assert chosen(store, "alice") is None
    assert accounts.credentials("alice", TOOLKIT, account_id=made.id) is None


def test_a_named_account_is_one_that_the_user_may_use_or_none(store: Store) -> None:
    accounts = store.for_registry()
    connect(store, "alice", "alice-1")
    second = connect(store, "alice", "alice-2")
    bobs, ours = connect(store, "bob", "bob-1"), connect(store, None, "ours", users=["bob"])
    named = accounts.credentials("alice", TOOLKIT, account_id=second)
    assert named is not None
    assert named["api_key"] == "alice-2"
    for foreign in (bobs, ours, "ca_unknown", "", "\0", "' OR 1=1 --"):
        assert accounts.credentials("alice", TOOLKIT, account_id=foreign) is None
    assert accounts.credentials("alice", "ECHO", account_id=second) is None


def test_what_another_process_changes_counts_at_the_next_call(open_store: OpenStore) -> None:
    here = open_store()
    account = connect(here, "alice", "alice-1")
    accounts = here.for_registry()

    def change(say: Say) -> None:
        there = open_store()
        there.accounts.disconnect(account)
        say("disconnected")

    assert accounts.credentials("alice", TOOLKIT) is not None
    with Child(change) as child:
        assert child.said() == "disconnected"
        assert accounts.credentials("alice", TOOLKIT) is None


def test_a_refused_key_expires_its_account_and_the_next_is_chosen(store: Store) -> None:
    accounts = store.for_registry()
    first = connect(store, "alice", "alice-1")
    connect(store, None, "ours")
    credentials = accounts.credentials("alice", TOOLKIT)
    assert isinstance(credentials, AccountCredentials)
    assert credentials.account_id == first
    assert accounts.refused(credentials, "OpenRouter refused its api_key.")
    expired = store.accounts.get(first)
    assert (expired.status, expired.reason) == (Status.EXPIRED, "OpenRouter refused its api_key.")
    assert chosen(store, "alice") == "ours"
    assert not accounts.refused(credentials, "Again."), "it was told already"
    assert store.accounts.get(first).reason == "OpenRouter refused its api_key."


def test_a_refusal_that_comes_late_does_not_hit_what_was_done_meanwhile(store: Store) -> None:
    accounts = store.for_registry()
    account = connect(store, "alice", "old")
    other = connect(store, "alice", "other")
    late = accounts.credentials("alice", TOOLKIT)
    assert late is not None
    store.accounts.fill(account, {"api_key": "new"})
    assert not accounts.refused(late, "No.")
    assert store.accounts.get(account).status == Status.ACTIVE
    late = accounts.credentials("alice", TOOLKIT)
    assert late is not None
    store.accounts.disable(account, "An administrator did it.")
    assert not accounts.refused(late, "No.")
    assert store.accounts.get(account).reason == "An administrator did it."
    store.accounts.enable(account)
    store.accounts.fill(account, {"api_key": "new"})
    assert not accounts.refused(late, "No."), "the same key put in again is a new try"
    store.accounts.disconnect(account)
    assert not accounts.refused(late, "No.")
    assert store.accounts.get(other).status == Status.ACTIVE
    assert not accounts.refused(Credentials({"api_key": "of the host's"}), "No.")


def test_a_strangers_reason_is_kept_on_one_line_and_short(store: Store) -> None:
    accounts = store.for_registry()
    account = connect(store, "alice", "alice-1")
    credentials = accounts.credentials("alice", TOOLKIT)
    assert credentials is not None
    assert accounts.refused(credentials, "No\0 \ud800 \x1b[31m\nuser\u202e found. " + "x" * 10_000)
    reason = store.accounts.get(account).reason
    assert reason is not None
    assert reason.startswith("No user found. xxx")
    assert len(reason) == 300


def test_the_last_use_is_noted_once_a_minute(open_store: OpenStore, pass_time: PassTime) -> None:
    store = open_store()
    accounts, others = store.for_registry(), open_store().for_registry()
    account = connect(store, "alice", "alice-1")
    credentials = accounts.credentials("alice", TOOLKIT)
    assert credentials is not None
    made = store.accounts.get(account)
    assert made.last_used_at is None
    for _ in range(3):
        accounts.used(credentials)
    first = store.accounts.get(account)
    assert first.last_used_at is not None
    assert first.updated_at == made.updated_at, "being used is no change"
    pass_time(timedelta(seconds=30))
    others.used(credentials)  # another process, which knows nothing of the first's notes
    assert store.accounts.get(account).last_used_at == first.last_used_at
    pass_time(timedelta(seconds=31))
    accounts.used(credentials)
    later = store.accounts.get(account).last_used_at
    assert later is not None
    assert timedelta(seconds=60) < later - first.last_used_at < timedelta(seconds=70)
    accounts.used(Credentials({"api_key": "of the host's"}))


def test_a_use_that_can_not_be_noted_is_told_as_such(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = store.for_registry()
    connect(store, "alice", "alice-1")
    credentials = accounts.credentials("alice", TOOLKIT)
    assert credentials is not None

    def refuse(**_: object) -> None:
        raise StoreUnavailable("The database is locked.")

    monkeypatch.setattr(store._database, "write", refuse)
    accounts.used(credentials)
    said = "that an account was used was not noted, and everything else goes on: The database is locked."
    assert said in caplog.messages


def test_a_use_is_noted_without_asking_the_database_again_and_again(store: Store) -> None:
    accounts = store.for_registry()
    connect(store, "alice", "alice-1")
    credentials = accounts.credentials("alice", TOOLKIT)
    assert credentials is not None
    accounts.used(credentials)
    statements: list[str] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for _ in range(1000):
        accounts.used(credentials)
    assert statements == []


def test_asking_takes_one_statement_after_a_change_and_little_beside_it(store: Store) -> None:
    accounts = store.for_registry()
    with store.transaction():
        for number in range(200):
            connect(store, f"user-{number}", f"key-{number}")

    def cpu_time(run: Callable[[], object]) -> float:
        started = time.process_time()
        for _ in range(20):
            run()
        return time.process_time() - started

    def bare_statement() -> None:
        with store._database._engine.connect() as connection:
            connection.exec_driver_sql("SELECT id FROM ort_connected_accounts LIMIT 1").all()

    bare = min(cpu_time(bare_statement) for _ in range(5))
    statements: list[str] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    asking = min(cpu_time(lambda: accounts.credentials("user-7", TOOLKIT)) for _ in range(5))
    assert sum(statement.startswith("SELECT ort_connected") for statement in statements) == 1
    connect(store, "user-7", "another")
    statements.clear()
    accounts.credentials("user-7", TOOLKIT)
    assert sum(statement.startswith("SELECT ort_connected") for statement in statements) == 1
    assert asking < 100 * bare  # and not the work of 200 accounts


def test_it_can_be_asked_from_many_threads(store: Store) -> None:
    accounts = store.for_registry()
    with store.transaction():
        for number in range(8):
            connect(store, f"user-{number}", f"key-{number}")
    wrong: list[object] = []

    def ask(number: int) -> None:
        for _ in range(25):
            found = accounts.credentials(f"user-{number}", TOOLKIT)
            if found is None or found["api_key"] != f"key-{number}":
                wrong.append((number, found))
            else:
                accounts.used(found)

    threads = [threading.Thread(target=ask, args=(number % 8,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_who_is_not_connected_reads_what_somebody_has_to_do(store: Store) -> None:
    accounts = store.for_registry()
    assert accounts.how_to_connect("alice", TOOLKIT) == (
        "Somebody has to run `openrouter-toolkit connect --user-id alice`."
    )
    assert accounts.how_to_connect("it's; rm -rf /", TOOLKIT).endswith("--user-id 'it'\"'\"'s; rm -rf /'`.")
    page = store.for_registry("https://tools.example.org/connect")
    assert page.how_to_connect("alice", TOOLKIT) == (
        "Somebody has to open https://tools.example.org/connect and connect an account for that user."
    )
    connect(store, "alice", "alice-1")
    credentials = accounts.credentials("alice", TOOLKIT)
    assert credentials is not None
    accounts.refused(credentials, "OpenRouter refused its api_key.")
    store.accounts.rename(credentials.account_id, "work")
    assert accounts.how_to_connect("alice", TOOLKIT).startswith(
        "The account work is EXPIRED: OpenRouter refused its api_key. Somebody has to run `openrouter-toolkit connect"
    )
    store.accounts.disable(credentials.account_id)
    assert accounts.how_to_connect("alice", TOOLKIT) == (
        "The account work is INACTIVE: It was switched off. "
        f"Somebody has to run `openrouter-toolkit accounts enable {credentials.account_id}`."
    )
    assert page.how_to_connect("alice", TOOLKIT).endswith(
        "Somebody has to open https://tools.example.org/connect and switch it on."
    )


def test_credentials_are_not_pickled_and_show_nothing(store: Store) -> None:
    connect(store, "alice", "alice-secret")
    credentials = store.for_registry().credentials("alice", TOOLKIT)
    assert repr(credentials) == "Credentials(api_key)"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(credentials)


def test_the_registry_calls_with_the_stored_key(store: Store, openrouter_sandbox: Sandbox) -> None:
    with ToolRegistry.from_manifest(accounts=store.for_registry()) as registry:
        refused = registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="alice")
        assert refused.error == (
            'No OpenRouter account with api_key is connected for user "alice". '
            "Somebody has to run `openrouter-toolkit connect --user-id alice`. "
            "A key is made at https://openrouter.ai/keys."
        )
        assert json.loads(refused.data)["error"]["type"] == "not_connected"
        connect(store, "alice", openrouter_sandbox.api_key)
        assert registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="alice").successful
        assert not registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="bob").successful


def test_a_call_may_name_the_account(store: Store, openrouter_sandbox: Sandbox) -> None:
    named = connect(store, "alice", openrouter_sandbox.api_key)
    connect(store, "alice", "sk-or-v1-" + "0" * 64)
    bobs = connect(store, "bob", openrouter_sandbox.api_key)
    action = "OPENROUTER_GET_CURRENT_KEY"
    with ToolRegistry.from_manifest(accounts=store.for_registry()) as registry:
        assert registry.execute(action, user_id="alice", account_id=named).successful
        assert not registry.call_tool(action, user_id="alice", account_id=named).failed
        assert asyncio.run(registry.execute_async(action, user_id="alice", account_id=named)).successful
        assert asyncio.run(registry.call_tools_async([ToolCall("1", action, {})], user_id="bob", account_id=bobs))
        for other in (bobs, "ca_unknown"):
            refused = registry.execute(action, user_id="alice", account_id=other)
            assert str(refused.error).startswith(f'No OpenRouter account "{other}" with api_key is connected for user')
            assert json.loads(refused.data)["error"]["type"] == "not_connected"
        store.accounts.disable(named)
        assert not registry.execute(action, user_id="alice", account_id=named).successful


def test_accounts_without_ids_have_no_account_of_that_id() -> None:
    registry = ToolRegistry.from_manifest(accounts=MemoryAccounts({"alice": {"api_key": "sk-or-v1-" + "0" * 64}}))
    refused = registry.execute("OPENROUTER_GET_CREDITS", user_id="alice", account_id="ca_1").action_error
    assert refused is not None
    assert refused.type == "not_connected"
    with pytest.raises(TypeError, match="account_id"):
        registry.execute("OPENROUTER_GET_CREDITS", account_id=1)  # type: ignore[arg-type]
