"""Login sessions of browsers. The browser has the session id, the database only its hash."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, insert, select, update

from . import names
from .columns import now
from .database import Database
from .tables import SessionRow, convert

LIFETIME = timedelta(days=7)
# A session ends after this time without use.
IDLE = timedelta(days=1)


@dataclass(frozen=True)
class BrowserSession:
    """A session that has not ended."""

    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class Sessions:
    """All browser sessions. Safe for many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self) -> str:
        """Create a session and return its secret id, for a cookie. It ends after seven days, or one day without use."""
        session_id, at = secrets.token_urlsafe(32), now()
        values = {
            "id_hash": names.hashed(session_id),
            "created_at": at,
            "last_seen_at": at,
            "expires_at": at + LIFETIME,
        }
        self._database.change(insert(SessionRow).values(values), "somebody logged in")
        return session_id

    def find(self, session_id: str) -> BrowserSession | None:
        """Return the session with this id, or None if there is none or it has ended. Records when it was last seen."""
        key, at = names.hashed(session_id), now()
        row = self._database.read_first(select(SessionRow).where(SessionRow.id_hash == key))
        if row is None or row.revoked_at is not None or at >= row.expires_at or at >= row.last_seen_at + IDLE:
            return None
        self._database.record_use(SessionRow.last_seen_at, key, "that a login was used", last=row.last_seen_at)
        return convert(row, BrowserSession)

    def revoke(self, session_id: str) -> None:
        """End a session at once, in all processes; no effect if there is none."""
        self._revoke(SessionRow.id_hash == names.hashed(session_id), "somebody logged out")

    def revoke_all(self) -> None:
        """End all sessions."""
        self._revoke(SessionRow.revoked_at.is_(None), "everybody was logged out")

    def _revoke(self, condition: ColumnElement[bool], change: str) -> None:
        statement = update(SessionRow).where(condition, SessionRow.revoked_at.is_(None)).values(revoked_at=now())
        self._database.change(statement, change)
