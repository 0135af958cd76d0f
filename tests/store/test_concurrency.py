"""Things done at once to one account: each is done whole or refused, and none waits for another without end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from openrouter_toolkit.store import AliasTaken, LinkRefused, Status, Store, StoreUnavailable, UnknownAccount

from ..postgresql import PostgreSQL
from .conftest import OpenStore, PassTime


def beside(work: Callable[[], object]) -> Callable[[], object]:
    """Do something in another thread; what comes back waits for it, and gives what it returned or raised."""
    ended: list[object] = []

    def run() -> None:
        try:
            ended.append(work())
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> object:
        thread.join(30)
        return ended[0]

    return result


def test_a_link_for_an_account_that_is_just_being_disconnected(open_store: OpenStore) -> None:
    store, other = open_store(), open_store()
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
    with store.transaction():
        store.accounts.disconnect(account.id)
        result = beside(lambda: other.links.to_reconnect(account.id))
        time.sleep(0.2)
    assert isinstance(result(), UnknownAccount)


def test_connecting_and_disconnecting_at_once(open_store: OpenStore) -> None:
    """Each waits for the other to end; neither for what the other waits for."""
    store, other = open_store(), open_store()
    link = store.links.to_connect("OPENROUTER", "bob")
    account_id = link.link.account_id or ""
    with store.transaction():
        store.links.consume(link.secret)
        result = beside(lambda: other.accounts.disconnect(account_id))
        time.sleep(0.2)
        assert store.accounts.fill(account_id, {"api_key": "k"}).status == Status.ACTIVE
    assert getattr(result(), "id", result()) == account_id
    assert store.accounts.count() == 0


def test_connecting_while_it_is_disconnected(open_store: OpenStore) -> None:
    store, other = open_store(), open_store()
    link = store.links.to_connect("OPENROUTER", "bob")
    with store.transaction():
        store.accounts.disconnect(link.link.account_id or "")
        result = beside(lambda: other.links.consume(link.secret))
        time.sleep(0.2)
    refused = result()
    assert isinstance(refused, LinkRefused)
    assert refused.reason == "unknown"


def test_who_reads_does_not_wait_without_end(
    postgresql: PostgreSQL, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openrouter_toolkit.store.postgresql.LOCK_TIMEOUT", 300)
    store, other = open_store(), open_store()
    if not store._database.shared:
        pytest.skip("a SQLite file has no such locks")
    with other._database.write(audited=False) as session:
        session.execute(text("LOCK TABLE ort_connected_accounts IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            store.accounts.count()


def test_a_slow_statement_is_given_up(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrouter_toolkit.store.postgresql.STATEMENT_TIMEOUT", 200)
    store = open_store()
    if not store._database.shared:
        pytest.skip("a SQLite file has no server that could be slow")
    with pytest.raises(StoreUnavailable, match="statement timeout"), store._database.read() as session:
        session.execute(text("SELECT pg_sleep(5)"))


def test_an_emptied_database_is_found_out(open_store: OpenStore) -> None:
    store = open_store()
    store.check()
    with store._database.rebuild() as session:
        for table in ("ort_schema_version", "ort_master_keys"):
            session.execute(text(f"DROP TABLE {table}"))
    with pytest.raises(StoreUnavailable, match="its tables are gone"):
        store.check()


def test_a_column_that_is_just_being_changed_is_an_outage(open_store: OpenStore) -> None:
    store = open_store()
    store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
    with store._database.rebuild() as session:
        session.execute(text("ALTER TABLE ort_connected_accounts RENAME COLUMN reason TO why"))
    with pytest.raises(StoreUnavailable):
        store.accounts.list()


def test_beginning_anew_replaces_what_came_to_nothing(open_store: OpenStore, pass_time: PassTime) -> None:
    store = open_store()
    first = store.links.to_connect("OPENROUTER", "alice", alias="work")
    again = store.links.to_connect("OPENROUTER", "alice", alias="work")
    assert store.links.find(first.secret) is None
    pass_time(timedelta(minutes=11))
    store.tidy()
    last = store.links.to_connect("OPENROUTER", "alice", alias="work")
    assert store.links.find(again.secret) is None
    assert [account.id for account in store.accounts.list()] == [last.link.account_id]


def test_what_was_connected_once_keeps_its_alias(open_store: OpenStore) -> None:
    store: Store = open_store()
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"}, alias="work")
    store.accounts.disable(account.id)
    with pytest.raises(AliasTaken):
        store.links.to_connect("OPENROUTER", "alice", alias="work")
    store.links.to_connect("OPENROUTER", "bob", alias="work")
    assert store.accounts.count() == 2
    begun = store.links.to_connect("OPENROUTER", "carol", alias="work")
    store.accounts.disable(begun.link.account_id or "")
    with pytest.raises(AliasTaken):
        store.links.to_connect("OPENROUTER", "carol", alias="work")
