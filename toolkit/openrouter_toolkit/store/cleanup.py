"""What is over and done with, put away: yesterday's links and sessions, and accounts that nobody connected in time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, exists, or_, select, update

from . import links, sessions
from .account import Status
from .clock import now
from .database import Database
from .tables import AccountRow, LinkRow, SessionRow

# So long a used or expired link can still say so, and an account why it was not connected.
KEPT = timedelta(days=1)


def tidy(database: Database) -> None:
    """To be called now and then, about once a minute by a server; it may run several times at once."""
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
            delete(AccountRow).where(AccountRow.connected_at.is_(None), AccountRow.updated_at < at - KEPT, ~open_link)
        )
        session.execute(delete(LinkRow).where(LinkRow.expires_at < at - KEPT))
        ended = or_(
            SessionRow.revoked_at < at - KEPT,
            SessionRow.expires_at < at - KEPT,
            SessionRow.last_seen_at < at - sessions.IDLE - KEPT,
        )
        session.execute(delete(SessionRow).where(ended))
