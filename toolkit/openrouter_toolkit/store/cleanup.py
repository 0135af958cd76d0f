"""Periodic cleanup: delete old links and sessions, and expire accounts that were not connected in time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, exists, or_, select, update

from . import links, sessions
from .account import Status
from .clock import now
from .database import Database
from .tables import AccountRow, LinkRow, SessionRow

# How long used and expired links, and accounts that were never connected, stay readable before they are deleted.
_RETENTION = timedelta(days=1)


def clean_up(database: Database) -> None:
    """Run the cleanup. A server calls it about once a minute; concurrent runs are safe."""
    at = now()
    open_link = exists(
        select(LinkRow.id).where(
            LinkRow.account_id == AccountRow.id, LinkRow.used_at.is_(None), LinkRow.expires_at > at
        )
    )
    with database.write() as session:
        session.execute(
            update(AccountRow)
            .where(AccountRow.status.in_([Status.INITIALIZING, Status.INITIATED]))
            .where(AccountRow.created_at < at - links.LIFETIME, ~open_link)
            .values(status=Status.EXPIRED, reason="Nobody connected it in time.", updated_at=at)
        )
        session.execute(
            delete(AccountRow).where(
                AccountRow.connected_at.is_(None), AccountRow.updated_at < at - _RETENTION, ~open_link
            )
        )
        session.execute(delete(LinkRow).where(LinkRow.expires_at < at - _RETENTION))
        ended = or_(
            SessionRow.revoked_at < at - _RETENTION,
            SessionRow.expires_at < at - _RETENTION,
            SessionRow.last_seen_at < at - sessions.IDLE - _RETENTION,
        )
        session.execute(delete(SessionRow).where(ended))
