"""Webhooks: the addresses that receive events, and the deliveries to them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ..text.sanitize import short_name
from . import names, outbox
from .audit.record import Change
from .columns import now
from .database import Database
from .encryption.key_check import lock_key
from .encryption.sealing import Sealer
from .errors import StoreError
from .event_types import CHOSEN
from .outbox import WAITING
from .tables import DeliveryRow, WebhookRow, convert

DELIVERED, FAILED = "delivered", "failed"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what Standard Webhooks has secrets begin with
_SECRET_BYTES = 32
# A delivery that is being made is due again after this time, in case its process is killed.
_CLAIMED_FOR = timedelta(minutes=2)
# A time from further in the future was written by a clock that went wrong.
_LONGEST_WAIT = timedelta(days=2)
# So long an earlier secret still signs too, beside the new one.
_EARLIER_SECRET_COUNTS_FOR = timedelta(days=1)
_MAX_NAME = 255
_TEST = "webhook.test"
_SWITCHED_OFF = "The webhook was switched off."
MAX_WEBHOOKS = 50


class UnknownWebhook(StoreError, LookupError):
    """There is no webhook, or no delivery, with this id."""


class WebhookRefused(StoreError):
    """Something that can't be done with a webhook as it is. The text says why."""


@dataclass(frozen=True)
class Webhook:
    """An address that receives events, without what is secret in it.

    Attributes:
        id: `wh_` and random characters.
        kind: `http` (Standard Webhooks), `slack` or `email`.
        address: where it leads to, as people are shown it.
        events: the types of events that it receives; None for all.
        off_at: since when it is switched off, None while it is on.
        off_reason: why it was switched off.
        failing_since: since when no delivery was taken; None if the last one was.
        delivered_at: when the last one was taken.
    """

    id: str
    kind: str
    address: str
    events: tuple[str, ...] | None
    created_at: datetime
    updated_at: datetime
    off_at: datetime | None
    off_reason: str | None
    failing_since: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True)
class Target:
    """Where and how to deliver to a webhook.

    Attributes:
        kind: see `Webhook`.
        address: the whole address.
        secrets: what signs deliveries: the secret, and for a day the one that it replaced; none for Slack and e-mail.
    """

    kind: str
    address: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """An event for one webhook, and how it stands with it.

    Attributes:
        id: `dlv_` and random characters.
        event_id: the event's id, the same at each attempt and for all webhooks (the header `webhook-id`).
        event: the type of event.
        body: its JSON.
        state: `waiting`, `delivered` or `failed`.
        attempts: how often it was sent.
        next_at: when it is sent next; None if it is not.
        sent_at: when it was last sent.
        status: the last HTTP status, None if there was no answer.
        milliseconds: how long the last attempt took.
        error: why the last attempt failed.
    """

    id: str
    webhook_id: str
    event_id: str
    event: str
    body: str = field(repr=False)
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime | None
    sent_at: datetime | None
    status: int | None
    milliseconds: int | None
    error: str | None


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt.

    Attributes:
        delivered: whether it was taken.
        status: the HTTP status, if there was one.
        milliseconds: how long it took.
        error: why it was not taken.
        again_after: when to send it again; None for never.
        off: why the webhook is switched off, None to leave it on.
    """

    delivered: bool
    status: int | None
    milliseconds: int
    error: str | None = None
    again_after: timedelta | None = None
    off: str | None = None


class Webhooks:
    """All webhooks and deliveries of a store. Safe for many threads and processes."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def add(
        self, kind: str, address: str, shown: str, events: Iterable[str] | None = None
    ) -> tuple[Webhook, str | None]:
        """Add a webhook. Returns it and, if it is signed, its secret, which is available only here.

        Args:
            kind: `http`, `slack` or `email`.
            address: the whole address, as `webhooks.read_address` returns it.
            shown: the address as people are shown it.
            events: the types of events; None for all, those of later releases too.

        Raises:
            ValueError: there is no such type of event, or none is chosen.
            WebhookRefused: there are too many webhooks.
        """
        chosen = _chosen(events)
        secret = _new_secret() if kind == "http" else None
        at = now()
        row = WebhookRow(id=names.new_id("wh"), kind=kind, address=shown, events=chosen, created_at=at, updated_at=at)
        with self._database.write() as session:
            lock_key(session, self._sealer)
            row.sealed = self._sealed(row, {"address": address} | ({} if secret is None else {"secret": secret}))
            if (session.scalar(select(func.count(WebhookRow.id))) or 0) >= MAX_WEBHOOKS:
                raise WebhookRefused(f"There are {MAX_WEBHOOKS} webhooks already. Remove one first.")
            session.add(row)
            self._database.record(session, _change(row, "added", "added", after=_facts(row)))
            session.flush()
            return _to_webhook(row), secret

    def list(self) -> list[Webhook]:
        """Return all webhooks, the oldest first."""
        query = select(WebhookRow).order_by(WebhookRow.created_at, WebhookRow.id)
        return [_to_webhook(row) for row in self._database.read_all(query)]

    def get(self, webhook_id: str) -> Webhook:
        """Return one webhook. Raises `UnknownWebhook`."""
        with self._database.read() as session:
            return _to_webhook(_load(session, webhook_id))

    def target(self, webhook_id: str) -> Target:
        """Return where to deliver to.

        Raises:
            UnknownWebhook: there is no such webhook.
            SealBroken: its address can't be decrypted.
        """
        with self._database.read() as session:
            row = _load(session, webhook_id)
        values = self._opened(row)
        secrets = [values["secret"]] if "secret" in values else []
        if "earlier" in values and datetime.fromisoformat(values["earlier"]["until"]) > now():
            secrets.append(values["earlier"]["secret"])
        return Target(row.kind, values["address"], tuple(secrets))

    def choose(self, webhook_id: str, events: Iterable[str] | None) -> Webhook:
        """Change the events that a webhook receives. Raises `UnknownWebhook`, and `ValueError` as `add`."""
        chosen = _chosen(events)
        with self._database.write() as session:
            row = _load(session, webhook_id, lock=True)
            before = _facts(row)
            row.events, row.updated_at = chosen, now()
            change = _change(row, "changed", "events changed", before=before, after=_facts(row))
            self._database.record(session, change)
            return _to_webhook(row)

    def replace_secret(self, webhook_id: str) -> tuple[Webhook, str]:
        """Make a new secret, which is available only here. For a day, deliveries are signed with the earlier one too.

        Raises:
            UnknownWebhook: there is no such webhook.
            WebhookRefused: its deliveries are not signed.
            SealBroken: its address can't be decrypted.
        """
        secret, at = _new_secret(), now()
        with self._database.write() as session:
            lock_key(session, self._sealer)
            row = _load(session, webhook_id, lock=True)
            values = self._opened(row)
            if "secret" not in values:
                raise WebhookRefused("Slack and e-mail have no secret: what they receive is not signed.")
            until = at + _EARLIER_SECRET_COUNTS_FOR
            earlier = {"secret": values["secret"], "until": until.isoformat()}
            row.sealed = self._sealed(row, {**values, "secret": secret, "earlier": earlier})
            row.updated_at = at
            facts = {"earlier_secret_until": until}
            self._database.record(session, _change(row, "secret_replaced", "secret replaced", after=facts))
            return _to_webhook(row), secret

    def remove(self, webhook_id: str) -> Webhook:
        """Remove a webhook with its deliveries. Raises `UnknownWebhook`."""
        with self._database.write() as session:
            row = _load(session, webhook_id, lock=True)
            session.delete(row)
            self._database.record(session, _change(row, "removed", "removed", before=_facts(row)))
            return _to_webhook(row)

    def turn_off(self, webhook_id: str, why: str = "Somebody switched it off.") -> Webhook:
        """Switch a webhook off: it receives nothing that happens from now on. Raises `UnknownWebhook`."""
        with self._database.write() as session:
            row = _load(session, webhook_id, lock=True)
            if row.off_at is None:
                self._turn_off(session, row, why)
            return _to_webhook(row)

    def turn_on(self, webhook_id: str) -> Webhook:
        """Undo `turn_off`, and a switching off after failures. Raises `UnknownWebhook`."""
        with self._database.write() as session:
            row = _load(session, webhook_id, lock=True)
            if row.off_at is not None:
                before = _facts(row)
                row.off_at = row.off_reason = row.failing_since = None
                row.updated_at = now()
                change = _change(row, "switched_on", "switched on", before=before, after=_facts(row))
                self._database.record(session, change)
            return _to_webhook(row)

    def deliveries(self, webhook_id: str | None = None, *, limit: int = 50) -> Sequence[Delivery]:
        """Return the newest deliveries, of one webhook or of all."""
        query = select(DeliveryRow).order_by(DeliveryRow.created_at.desc(), DeliveryRow.id.desc()).limit(limit)
        if webhook_id is not None:
            query = query.where(DeliveryRow.webhook_id == (webhook_id if names.possible_id(webhook_id) else ""))
        return [convert(row, Delivery) for row in self._database.read_all(query)]

    def delivery(self, delivery_id: str) -> Delivery:
        """Return one delivery. Raises `UnknownWebhook`."""
        with self._database.read() as session:
            return convert(_load_delivery(session, delivery_id), Delivery)

    def write_test(self, webhook_id: str, message: str) -> Delivery:
        """Write an event of the type `webhook.test` for one webhook. Raises `UnknownWebhook`."""
        with self._database.write(counts_as_change=False) as session:
            row = _load(session, webhook_id)
            event_id = outbox.emit_to(session, [row.id], _TEST, webhook_id=row.id, message=message)
            session.flush()
            made = session.scalars(select(DeliveryRow).where(DeliveryRow.event_id == event_id)).one()
            made.next_at = now() + _CLAIMED_FOR  # the caller delivers it
            return convert(made, Delivery)

    def resend(self, delivery_id: str) -> Delivery:
        """Let a delivery be made again from the beginning, with the same id. Raises `UnknownWebhook`.

        Raises:
            WebhookRefused: its webhook is switched off.
        """
        with self._database.write(counts_as_change=False) as session:
            row = _load_delivery(session, delivery_id, lock=True)
            if _load(session, row.webhook_id).off_at is not None:
                raise WebhookRefused("The webhook is switched off. Switch it on first.")
            row.state, row.attempts, row.next_at = WAITING, 0, now()
            return convert(row, Delivery)

    def due(self) -> Sequence[str]:
        """Return the ids of webhooks that have deliveries to be made now."""
        query = select(DeliveryRow.webhook_id).where(_is_due(now())).distinct()
        on = select(WebhookRow.id).where(WebhookRow.id.in_(query), WebhookRow.off_at.is_(None))
        return self._database.read_all(on)

    def claim(self, webhook_id: str) -> Delivery | None:
        """Return the delivery of a webhook that is due longest, and let no other process make it for two minutes."""
        at = now()
        with self._database.write(counts_as_change=False) as session:
            query = select(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id, _is_due(at))
            query = query.order_by(DeliveryRow.next_at).limit(1).with_for_update(skip_locked=True)
            row = session.scalars(query).first()
            if row is None:
                return None
            row.next_at = at + _CLAIMED_FOR
            return convert(row, Delivery)

    def record(self, delivery: Delivery, outcome: Outcome) -> Delivery:
        """Record what came of an attempt. Raises `UnknownWebhook` if the webhook was removed meanwhile."""
        at = now()
        with self._database.write(counts_as_change=outcome.off is not None, audited=False) as session:
            webhook = _load(session, delivery.webhook_id, lock=True)
            row = _load_delivery(session, delivery.id, lock=True)
            row.attempts += 1
            row.sent_at, row.status, row.milliseconds = at, outcome.status, outcome.milliseconds
            row.error = None if outcome.error is None else names.reason(outcome.error)
            row.next_at = None
            if outcome.delivered:
                row.state = DELIVERED
                webhook.delivered_at, webhook.failing_since = at, None
            else:
                webhook.failing_since = webhook.failing_since or at
                row.state = FAILED
                if outcome.again_after is not None and webhook.off_at is None:
                    row.state, row.next_at = WAITING, at + outcome.again_after
                if outcome.off is not None and webhook.off_at is None:
                    with self._database.write():
                        self._turn_off(session, webhook, outcome.off)
            return convert(row, Delivery)

    def _turn_off(self, session: Session, row: WebhookRow, why: str) -> None:
        before = _facts(row)
        row.off_at = row.updated_at = now()
        row.off_reason = names.reason(why)
        waiting = update(DeliveryRow).where(DeliveryRow.webhook_id == row.id, DeliveryRow.state == WAITING)
        session.execute(waiting.values(state=FAILED, next_at=None, error=_SWITCHED_OFF))
        words = f"switched off: {row.off_reason}"
        self._database.record(session, _change(row, "switched_off", words, before=before, after=_facts(row)))

    def _sealed(self, row: WebhookRow, values: dict[str, Any]) -> str:
        return self._sealer.seal(json.dumps(values), *associated_data(row))

    def _opened(self, row: WebhookRow) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self._sealer.open(row.sealed or "", *associated_data(row)))
        return values


def associated_data(row: WebhookRow) -> tuple[str, ...]:
    """Return the associated data of a webhook's encrypted address and secret."""
    return ("webhook", row.id, row.kind)


def delete_old(session: Session, before: datetime) -> None:
    """Delete deliveries that ended, from before a time."""
    session.execute(delete(DeliveryRow).where(DeliveryRow.created_at < before, DeliveryRow.next_at.is_(None)))


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def _change(
    row: WebhookRow, what: str, words: str, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> Change:
    """Return the change of a webhook: `what` is the second part of the action, `words` stand in the server's log."""
    address = short_name(row.address, _MAX_NAME)
    line = f"webhook {row.id} to {address}: {words}"
    return Change(f"webhook.{what}", row.id, address, before=before, after=after, line=line)


def _facts(row: WebhookRow) -> dict[str, Any]:
    """Return what the audit log keeps of a webhook."""
    return {
        "kind": row.kind,
        "address": row.address,
        "events": "all" if row.events is None else row.events,
        "off": row.off_reason,
    }


def _chosen(events: Iterable[str] | None) -> list[str] | None:
    if events is None:
        return None
    chosen = list(dict.fromkeys(events))
    unknown = [name for name in chosen if name not in CHOSEN]
    if unknown or not chosen:
        raise ValueError(f"choose among the events {', '.join(CHOSEN)}")
    return chosen


def _is_due(at: datetime) -> ColumnElement[bool]:
    # `next_at` is NULL for those that are not due, and NULL is compared with nothing.
    return or_(DeliveryRow.next_at <= at, DeliveryRow.next_at > at + _LONGEST_WAIT)


def _load(session: Session, webhook_id: str, *, lock: bool = False) -> WebhookRow:
    row = None
    if names.possible_id(webhook_id):
        row = session.get(WebhookRow, webhook_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise UnknownWebhook("There is no such webhook.")
    return row


def _load_delivery(session: Session, delivery_id: str, *, lock: bool = False) -> DeliveryRow:
    row = None
    if names.possible_id(delivery_id):
        row = session.get(DeliveryRow, delivery_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise UnknownWebhook("There is no such delivery.")
    return row


def _to_webhook(row: WebhookRow) -> Webhook:
    return convert(row, Webhook, events=None if row.events is None else tuple(row.events))
