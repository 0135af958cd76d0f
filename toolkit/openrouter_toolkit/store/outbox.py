"""Events on their way to webhooks, written in the transaction of the change itself: none is lost, none invented."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from . import names
from .columns import now
from .database import Database
from .event_types import EVENTS
from .lookups import Lookups
from .tables import DeliveryRow, MarkRow, WebhookRow

WAITING = "waiting"
# A mark from further in the future was made by a clock that went wrong.
_CLOCK_TOLERANCE = timedelta(hours=1)


def emit(session: Session, event: str, **data: Any) -> str:
    """Write an event for each webhook that wants it, in the caller's transaction. Returns the event's id.

    Raises:
        ValueError: there is no such type of event, or its data has other fields.
    """
    webhooks = session.execute(select(WebhookRow.id, WebhookRow.events).where(WebhookRow.off_at.is_(None)))
    wanted = [row.id for row in webhooks if row.events is None or event in row.events]
    return emit_to(session, wanted, event, **data)


def emit_to(session: Session, webhook_ids: list[str], event: str, **data: Any) -> str:
    """Write an event for some webhooks; see `emit`."""
    known = EVENTS.get(event)
    if known is None or data.keys() != known.fields.keys():
        raise ValueError(f"there is no event {event} with {', '.join(data)}")
    at, event_id = now(), names.new_id("evt")
    body = json.dumps({"type": event, "timestamp": at.isoformat(), "data": data})
    session.add_all(
        DeliveryRow(
            id=names.new_id("dlv"),
            webhook_id=webhook_id,
            event_id=event_id,
            event=event,
            body=body,
            state=WAITING,
            attempts=0,
            created_at=at,
            next_at=at,
        )
        for webhook_id in webhook_ids
    )
    return event_id


def first_time(
    database: Database, session: Session, event: str, subject: str, *, again_after: timedelta | None = None
) -> bool:
    """Mark that an event was reported for a subject. Returns False if it is marked already, and not long enough ago."""
    at = now()
    made = session.execute(
        database.insert_missing(MarkRow, event=event, subject=subject, at=at).returning(MarkRow.event)
    ).first()
    if made is not None or again_after is None:
        return made is not None
    too_old = or_(MarkRow.at <= at - again_after, MarkRow.at > at + _CLOCK_TOLERANCE)
    renewed = (
        update(MarkRow)
        .where(MarkRow.event == event, MarkRow.subject == subject, too_old)
        .values(at=at)
        .returning(MarkRow.event)
    )
    return session.execute(renewed).first() is not None


def forget(session: Session, event: str, subject: str) -> None:
    """Remove a mark, so that the event is reported again."""
    session.execute(delete(MarkRow).where(MarkRow.event == event, MarkRow.subject == subject))


def marked(database: Database, event: str) -> frozenset[str]:
    """Return the subjects that are marked for an event."""
    return frozenset(database.read_all(select(MarkRow.subject).where(MarkRow.event == event)))


def is_wanted(database: Database, lookups: Lookups, event: str) -> bool:
    """Whether any webhook wants an event. It is kept in memory while nothing in the database changes."""

    def load() -> set[str]:
        off = WebhookRow.off_at.is_(None)
        chosen = [row.events for row in database.read_all(select(WebhookRow).where(off))]
        return {name for events in chosen for name in (EVENTS if events is None else events)} | {""}

    return event in (lookups.get(load, "wanted events") or ())
