"""Login sessions of browsers. The browser has the session's secret, the database only its hash."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select

from ..text.sanitize import short_name
from . import names
from .audit.record import Change
from .columns import now
from .database import Database
from .people import Person, to_person
from .tables import PersonRow, SessionRow, convert

LIFETIME = timedelta(days=7)
# A session ends after this time without use.
IDLE = timedelta(days=1)
_MAX_BROWSER = 255
_MAX_ADDRESS = 100
_ID_LENGTH = 20


@dataclass(frozen=True)
class BrowserSession:
    """A session that has not ended.

    Attributes:
        id: `ses_` and a part of its hash, by which it is ended. It is no secret.
        person: who is logged in; None in a session that an earlier release began.
        address: the client's address at the login.
        browser: what the browser called itself then.
    """

    id: str
    person: Person | None
    address: str | None
    browser: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class Sessions:
    """All browser sessions. Safe for many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, person: Person | None = None, *, address: str | None = None, browser: str | None = None) -> str:
        """Create a session and return its secret, for a cookie. It ends after seven days, or one day without use.

        Args:
            person: who logs in.
            address: the client's address.
            browser: what the browser calls itself.
        """
        secret, at = secrets.token_urlsafe(32), now()
        row = SessionRow(
            id_hash=names.hashed(secret),
            created_at=at,
            last_seen_at=at,
            expires_at=at + LIFETIME,
            person_id=None if person is None else person.id,
            address=address and short_name(address, _MAX_ADDRESS),
            browser=browser and short_name(browser, _MAX_BROWSER),
        )
        name = None if person is None else person.name
        with self._database.write() as session:
            session.add(row)
            facts = {"address": row.address, "browser": row.browser}
            line = f"{name or 'somebody'} logged in"
            change = Change("session.begun", _id(row), name, after=facts, line=line)
            self._database.record(session, change)
        return secret

    def find(self, secret: str) -> BrowserSession | None:
        """Return the session with this secret, or None if there is none, it has ended, or its person can't log in.

        Records when it was last seen.
        """
        key = names.hashed(secret)
        with self._database.read() as session:
            row = session.get(SessionRow, key)
            found = None if row is None else session.get(PersonRow, row.person_id or "")
        if row is None or not _is_active(row):
            return None
        if row.person_id is not None and (found is None or found.disabled_at is not None):
            return None
        self._database.record_use(SessionRow.last_seen_at, key, "that a login was used", last=row.last_seen_at)
        if found is not None:
            self._database.record_use(PersonRow.last_seen_at, found.id, "that a person came", last=found.last_seen_at)
        return _to_session(row, None if found is None else to_person(found))

    def of(self, person: Person) -> list[BrowserSession]:
        """Return a person's sessions that have not ended, the one used last first."""
        query = select(SessionRow).where(SessionRow.person_id == person.id, SessionRow.revoked_at.is_(None))
        rows = self._database.read_all(query.order_by(SessionRow.last_seen_at.desc(), SessionRow.id_hash))
        return [_to_session(row, person) for row in rows if _is_active(row)]

    def revoke(self, secret: str) -> None:
        """End a session at once, in all processes; no effect if there is none."""
        self._end(SessionRow.id_hash == names.hashed(secret))

    def end(self, person: Person, session_id: str | None = None, *, but: str | None = None) -> bool:
        """End one of a person's sessions by its id, or all of them but the one with a secret.

        Returns whether there was one.
        """
        of_person = SessionRow.person_id == person.id
        if session_id is None:
            return self._end(of_person & (SessionRow.id_hash != names.hashed(but or "")))
        if not names.possible_id(session_id) or len(session_id) != len("ses_") + _ID_LENGTH:
            return False
        return self._end(of_person & SessionRow.id_hash.startswith(session_id.removeprefix("ses_"), autoescape=True))

    def revoke_all(self) -> None:
        """End all sessions."""
        self._end(SessionRow.id_hash.is_not(None))

    def _end(self, condition: ColumnElement[bool]) -> bool:
        with self._database.write() as session:
            rows = session.scalars(select(SessionRow).where(condition, SessionRow.revoked_at.is_(None))).all()
            for row in rows:
                row.revoked_at = now()
                person = session.get(PersonRow, row.person_id or "")
                name = None if person is None else person.name
                line = f"{name or 'somebody'} logged out"
                self._database.record(session, Change("session.ended", _id(row), name, line=line))
            return bool(rows)


def _is_active(row: SessionRow) -> bool:
    at = now()
    return row.revoked_at is None and at < row.expires_at and at < row.last_seen_at + IDLE


def _to_session(row: SessionRow, person: Person | None) -> BrowserSession:
    return convert(row, BrowserSession, id=_id(row), person=person)


def _id(row: SessionRow) -> str:
    return f"ses_{row.id_hash[:_ID_LENGTH]}"
