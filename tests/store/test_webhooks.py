"""Webhooks in the store: sealed, bound to their rows, sealed anew by a rotation; old deliveries are deleted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from openrouter_toolkit.store import MasterKey, SealBroken, Store, outbox
from openrouter_toolkit.store.audit.origin import Origin, acting
from openrouter_toolkit.store.tables import WebhookRow
from openrouter_toolkit.store.webhooks import Outcome, UnknownWebhook, WebhookRefused

from .conftest import OpenStore, PassTime

ADDRESS = "https://hooks.example.com/canary-address"


def test_address_and_secret_are_sealed(store: Store, tmp_path: Path) -> None:
    webhook, secret = store.webhooks.add("http", ADDRESS, "https://hooks.example.com/…")
    assert secret is not None
    target = store.webhooks.target(webhook.id)
    assert (target.address, target.secrets) == (ADDRESS, (secret,))
    assert "canary" not in repr(target)
    assert secret not in repr(target)
    for path in tmp_path.glob("store.db*"):
        assert b"canary" not in path.read_bytes()
        assert secret.encode() not in path.read_bytes()


def test_what_is_moved_to_another_row_opens_nothing(store: Store) -> None:
    one, _ = store.webhooks.add("http", ADDRESS, ADDRESS)
    other, _ = store.webhooks.add("http", ADDRESS, ADDRESS)
    with store.database.write(audited=False) as session:
        sealed = session.get_one(WebhookRow, one.id).sealed
        session.execute(update(WebhookRow).where(WebhookRow.id == other.id).values(sealed=sealed))
    with pytest.raises(SealBroken):
        store.webhooks.target(other.id)


def test_a_rotation_seals_them_anew(open_store: OpenStore, key: MasterKey) -> None:
    webhook, secret = open_store().webhooks.add("http", ADDRESS, ADDRESS)
    new = MasterKey.fresh()
    rotated = open_store(keys=[new, key]).rotate()
    assert (rotated.resealed, rotated.unreadable) == (1, ())
    assert open_store(keys=[new]).webhooks.target(webhook.id).secrets == (secret,)


def test_a_new_secret_signs_and_for_a_day_the_earlier_one_too(store: Store, pass_time: PassTime) -> None:
    webhook, first = store.webhooks.add("http", ADDRESS, ADDRESS)
    _, second = store.webhooks.replace_secret(webhook.id)
    _, third = store.webhooks.replace_secret(webhook.id)
    assert first != second != third
    assert store.webhooks.target(webhook.id).secrets == (third, second)
    pass_time(timedelta(days=1, seconds=1))
    assert store.webhooks.target(webhook.id).secrets == (third,)
    slack, nothing = store.webhooks.add("slack", ADDRESS, ADDRESS)
    assert nothing is None
    with pytest.raises(WebhookRefused, match="no secret"):
        store.webhooks.replace_secret(slack.id)


def test_changes_are_audited_and_deliveries_are_not(store: Store) -> None:
    webhook, _ = store.webhooks.add("http", f"{ADDRESS}/{'x' * 300}", f"https://hooks.example.com/{'x' * 300}")
    store.webhooks.choose(webhook.id, ["account.low"])
    _, secret = store.webhooks.replace_secret(webhook.id)
    store.webhooks.record(store.webhooks.write_test(webhook.id, "1"), Outcome(True, 200, 1))
    with acting(Origin("server")):
        failed = store.webhooks.write_test(webhook.id, "2")
        store.webhooks.record(failed, Outcome(False, 410, 1, "It answered 410.", off="It answered 410 Gone."))
        store.webhooks.record(failed, Outcome(False, 410, 1, "It answered 410.", off="It answered 410 Gone."))
    store.webhooks.turn_on(webhook.id)
    store.webhooks.turn_on(webhook.id)
    store.webhooks.turn_off(webhook.id)
    store.webhooks.remove(webhook.id)
    entries = store.audit.list(limit=50)[::-1]
    assert [(one.action, one.actor_kind) for one in entries] == [
        ("webhook.added", "program"),
        ("webhook.changed", "program"),
        ("webhook.secret_replaced", "program"),
        ("webhook.switched_off", "server"),
        ("webhook.switched_on", "program"),
        ("webhook.switched_off", "program"),
        ("webhook.removed", "program"),
    ]
    assert {one.object_id for one in entries} == {webhook.id}
    assert entries[1].differences == [("events", "all", "account.low")]
    assert entries[3].differences == [("off", None, "It answered 410 Gone.")]
    for one in entries:
        assert "canary" not in repr(one)
        assert secret not in repr(one)


def test_there_is_an_end_to_how_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrouter_toolkit.store.webhooks.MAX_WEBHOOKS", 3)
    for _ in range(3):
        store.webhooks.add("email", "ops@example.com", "ops@example.com")
    with pytest.raises(WebhookRefused, match="Remove one first"):
        store.webhooks.add("email", "ops@example.com", "ops@example.com")


@pytest.mark.parametrize("name", ["", "wh_", "wh_unknown", "x\0y", "ca_1' OR 1=1"])
def test_ids_that_there_are_not(store: Store, name: str) -> None:
    for ask in (store.webhooks.get, store.webhooks.target, store.webhooks.remove, store.webhooks.resend):
        with pytest.raises(UnknownWebhook):
            ask(name)
    assert list(store.webhooks.deliveries(name)) == []


def test_old_deliveries_are_deleted_and_those_that_wait_are_not(store: Store, pass_time: PassTime) -> None:
    webhook, _ = store.webhooks.add("http", ADDRESS, ADDRESS)
    store.webhooks.record(store.webhooks.write_test(webhook.id, "1"), Outcome(True, 200, 1))
    store.webhooks.write_test(webhook.id, "2")
    pass_time(timedelta(days=29))
    store.tidy()
    assert len(store.webhooks.deliveries()) == 2
    pass_time(timedelta(days=2))
    store.tidy()
    assert [delivery.state for delivery in store.webhooks.deliveries()] == ["waiting"]


def test_an_event_has_the_fields_of_its_type(store: Store) -> None:
    with store.database.write() as session:
        for name, data in (("account.lost", {}), ("account.connected", {"account_id": "ca_1"})):
            with pytest.raises(ValueError, match="there is no event"):
                outbox.emit(session, name, **data)


def test_what_is_reported_once_a_day_is(store: Store, pass_time: PassTime) -> None:
    def first() -> bool:
        with store.database.write() as session:
            return outbox.first_time(store.database, session, "e", "s", again_after=timedelta(days=1))

    assert [first(), first()] == [True, False]
    pass_time(timedelta(days=1, seconds=1))
    assert [first(), first()] == [True, False]
    pass_time(-timedelta(days=100))
    assert first(), "the mark is from a clock that was ahead"
