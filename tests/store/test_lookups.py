"""What calls look up is kept in memory, and yet every change counts for the next call, whoever made it."""

from __future__ import annotations

import contextvars
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from openrouter_toolkit.store import Store, StoreUnavailable, lookups
from openrouter_toolkit.store.lookups import Kept

from .conftest import OpenStore, PassTime

TOOLKIT = "OPENROUTER"


def looked_up(store: Store, token: str) -> tuple[object, ...]:
    """All that a call looks up: whether the token is valid, the key, what is off, what is active."""
    found = store.for_registry().credentials("alice", TOOLKIT)
    off, active = store.switches.off(TOOLKIT), store.switches.activated()
    return store.tokens.find(token) is not None, found and found["api_key"], sorted(off), list(active)


def statements_of(store: Store, work: Callable[[], object]) -> list[str]:
    """The statements that some work runs in transactions."""
    statements: list[str] = []

    def remember(*given: Any) -> None:
        statements.append(given[2])

    event.listen(store._database._engine, "before_cursor_execute", remember)
    work()
    event.remove(store._database._engine, "before_cursor_execute", remember)
    return statements


def test_every_change_counts_at_once_and_nothing_else_is_read_again(store: Store, open_store: OpenStore) -> None:
    other = open_store()
    token, secret = store.tokens.create("a test's", ["alice"])
    withdrawn = list(store.switches.off(TOOLKIT))
    expected: list[Any] = [True, None, withdrawn, []]

    def check() -> None:
        for one in (store, other, store):
            assert looked_up(one, secret) == tuple(expected)

    check()
    for changing in (store, other):
        account = changing.accounts.connect(TOOLKIT, "alice", {"api_key": "first"})
        expected[1] = "first"
        check()
        changing.accounts.fill(account.id, {"api_key": "second"})
        expected[1] = "second"
        check()
        assert statements_of(store, lambda: looked_up(store, secret)) == []
        config = changing.auth_configs.of(account)
        changing.auth_configs.update(config, enabled=False)
        expected[1] = None
        check()
        changing.auth_configs.update(config, enabled=True)
        expected[1] = "second"
        check()
        changing.accounts.disable(account.id)
        expected[1] = None
        check()
        changing.accounts.enable(account.id)
        changing.switches.turn_off(TOOLKIT, "OPENROUTER_GET_CREDITS")
        changing.switches.activate("ECHO")
        expected[1:] = ["second", [*withdrawn, "OPENROUTER_GET_CREDITS"], ["ECHO"]]
        check()
        changing.accounts.disconnect(account.id)
        changing.switches.turn_on(TOOLKIT, "OPENROUTER_GET_CREDITS")
        changing.switches.deactivate("ECHO")
        expected[1:] = [None, withdrawn, []]
        check()
    other.tokens.revoke(token.id)
    expected[0] = False
    check()


def test_a_change_by_hand_counts_too(store: Store) -> None:
    """Or by an older release, which knows nothing of what is kept here."""
    _, secret = store.tokens.create("a test's")
    assert store.tokens.find(secret) is not None
    with store._database._engine.begin() as connection:
        connection.execute(text("DELETE FROM ort_api_tokens"))
    assert store.tokens.find(secret) is None


def test_inside_a_transaction_its_own_changes_count(store: Store) -> None:
    token, secret = store.tokens.create("a test's")
    assert store.tokens.find(secret) is not None

    class Undone(Exception):
        """Rolls back."""

    def revoke() -> None:
        with store.transaction():
            store.tokens.revoke(token.id)
            assert store.tokens.find(secret) is None
            raise Undone

    with pytest.raises(Undone):
        revoke()
    assert store.tokens.find(secret) is not None


def test_what_was_read_before_a_change_is_not_kept_after_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that reads slowly keeps nothing that has changed meanwhile."""
    token, secret = store.tokens.create("a test's")
    load = store.tokens._load

    def slow(hashed: str) -> Any:
        found = load(hashed)
        store.tokens.revoke(token.id)
        assert store.lookups.current() is not None, "others ask meanwhile"
        return found

    monkeypatch.setattr(store.tokens, "_load", slow)
    assert store.tokens.find(secret) == token, "it was asked before"
    monkeypatch.undo()
    assert store.tokens.find(secret) is None


def test_a_requests_check_counts_once_for_each_kind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a call checks once; and before it is tried again, once more."""
    _, secret = store.tokens.create("a test's", ["alice"])
    store.accounts.connect(TOOLKIT, "alice", {"api_key": "first"})
    looked_up(store, secret)  # notes that the token was used, which is a change
    looked_up(store, secret)
    checks: list[Kept | None] = []
    current = store.lookups.current

    def counted(**options: Any) -> Kept | None:
        checks.append(current(**options))
        return checks[-1]

    monkeypatch.setattr(store.lookups, "current", counted)

    def request() -> None:
        store.lookups.use(store.lookups.current())
        assert looked_up(store, secret)[0]
        assert len(checks) == 1
        assert store.for_registry().credentials("alice", TOOLKIT) is not None
        assert len(checks) == 2
        store.lookups.use(store.lookups.current())
        monkeypatch.setattr(lookups, "monotonic", lambda: time.monotonic() + 2)
        assert store.for_registry().credentials("alice", TOOLKIT) is not None
        assert len(checks) == 4, "it was long ago"

    contextvars.copy_context().run(request)


def test_a_token_that_is_kept_is_found_without_a_statement_unless_its_use_has_to_be_noted(
    store: Store, pass_time: PassTime
) -> None:
    made, secret = store.tokens.create("a test's")
    assert store.tokens.find_kept(secret, store.lookups.current()) is None
    assert store.tokens.find(secret) == made
    assert store.tokens.find(secret) is not None, "and now it is kept: noting its use was a change"
    found = store.tokens.find_kept(secret, store.lookups.current())
    assert found is not None
    assert found.id == made.id
    assert store.tokens.find_kept(secret, None) is None
    pass_time(timedelta(minutes=2))
    assert store.tokens.find_kept(secret, store.lookups.current()) is None


def test_the_keys_that_are_kept_are_encrypted(store: Store) -> None:
    store.accounts.connect(TOOLKIT, "alice", {"api_key": "sk-or-v1-canary"})
    assert store.for_registry().credentials("alice", TOOLKIT) is not None
    kept = store.lookups.current()
    assert kept is not None
    (chosen,) = kept.found.values()
    assert chosen.row.sealed
    assert "sk-or-v1-canary" not in repr(vars(chosen.row))


def test_a_check_without_waiting_never_waits(store: Store) -> None:
    store.lookups.current()
    changes = store._database._changes
    with changes._lock:
        assert store.lookups.current(wait=False) is None
    assert (store.lookups.current(wait=False) is None) == store._database.shared


def test_a_lost_connection_is_opened_again(store: Store) -> None:
    _, secret = store.tokens.create("a test's")
    assert store.tokens.find(secret) is not None
    store._database._changes._connection.close()
    statements = statements_of(store, lambda: store.tokens.find(secret))
    assert any("ort_api_tokens" in statement for statement in statements), "what can't be checked is read"
    store._database._changes._next_try = 0.0
    assert store.lookups.current() is not None


@pytest.mark.parametrize("fresh_database", ["sqlite"], indirect=True)
def test_a_writer_that_holds_the_lock_is_waited_for_as_always(store: Store) -> None:
    _, secret = store.tokens.create("a test's")
    assert store.tokens.find(secret) is not None
    path = str(store._database._engine.url.database).removeprefix("file:")
    with sqlite3.connect(path) as writer:
        writer.execute("PRAGMA locking_mode=EXCLUSIVE")
        writer.execute("BEGIN EXCLUSIVE")
        assert store.lookups.current(wait=False) is None
        assert store._database._changes._next_try == 0.0, "it is asked again at once"
        writer.rollback()
    writer.close()
    assert store.tokens.find(secret) is not None


@pytest.mark.parametrize("fresh_database", ["sqlite"], indirect=True)
def test_a_backup_in_the_files_place_counts(store: Store, url: str) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    backup = path.with_name("backup.db")
    shutil.copy(path, backup)
    _, secret = store.tokens.create("a test's")
    assert [store.tokens.find(secret) is None for _ in range(2)] == [False, False]
    backup.replace(path)
    store._database._engine.dispose()  # as after the first error because of it
    assert store.tokens.find(secret) is None
    _, another = store.tokens.create("a test's")
    assert store.tokens.find(another) is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_asks_by_a_connection_of_its_own(store: Store) -> None:
    token, secret = store.tokens.create("a test's")
    assert store.tokens.find(secret) is not None
    pid = os.fork()
    if pid == 0:
        with suppress(Exception):
            store.tokens.revoke(token.id)
            os._exit(0 if store.tokens.find(secret) is None else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert store.tokens.find(secret) is None


def test_an_unusable_database_fails_as_always(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = store.tokens.create("a test's")

    def fail(*_: Any) -> None:
        raise StoreUnavailable("It is gone.")

    monkeypatch.setattr(store._database, "version", lambda *, wait=True: None)
    monkeypatch.setattr(store.tokens, "_load", fail)
    with pytest.raises(StoreUnavailable):
        store.tokens.find(secret)
