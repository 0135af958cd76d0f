"""The people who may log in: their names, their roles, and the user_ids that each stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from . import names
from .audit import origin
from .audit.record import Change
from .columns import damaged, now
from .database import Database
from .errors import LastOwner, NameTaken, UnknownPerson
from .tables import LinkRow, PersonRow, SessionRow, convert

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+", re.ASCII)
_MAX_EMAIL = 254
_UNCHANGED: Any = object()


class Role(StrEnum):
    """What a person may do."""

    OWNER = "owner"  # everything, people included
    ADMINISTRATOR = "administrator"  # everything but people
    AUDITOR = "auditor"  # sees everything that is no secret, changes nothing
    MEMBER = "member"  # connects and sees what belongs to the person's user_ids


@dataclass(frozen=True)
class Person:
    """Somebody who may log in.

    Attributes:
        id: `person_` and random characters.
        name: unique, whatever the letter case.
        users: the user_ids that the person stands for.
        created_by: who added the person, in words; None for the first owner.
        joined_at: the time of the first login; None for somebody who was only invited so far.
        disabled_at: since when the person can't log in; None for everybody else.
    """

    id: str
    name: str
    email: str | None
    role: Role
    users: frozenset[str]
    created_at: datetime
    created_by: str | None
    joined_at: datetime | None
    last_seen_at: datetime | None
    disabled_at: datetime | None


class People:
    """All people. Safe for many threads and processes; each method is one transaction.

    The methods raise `UnknownPerson` for somebody who does not exist, `NameTaken` for the name of somebody else,
    `ValueError` for a malformed name, address or user_id, and `LastOwner` where nobody would be left who can manage
    people.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, role: Role, *, email: str | None = None, users: Iterable[str] = ()) -> Person:
        """Add somebody, who can log in by a link that is made for them (`Links.to_log_in`)."""
        with self._locked() as session:
            return to_person(self._add(session, name, role, email, users))

    def first_owner(self, name: str) -> Person | None:
        """Add the first owner, who has joined; None if there is somebody already."""
        with self._locked() as session:
            if session.scalar(select(PersonRow.id).limit(1)) is not None:
                return None
            row = self._add(session, name, Role.OWNER, None, ())
            row.joined_at = row.created_at
            row.created_by = None
            return to_person(row)

    def get(self, person_id: str) -> Person:
        """Return somebody by the id."""
        with self._database.read() as session:
            return to_person(_load(session, person_id))

    def named(self, name: str) -> Person:
        """Return somebody by the name, in any letter case, or by the id."""
        query = select(PersonRow).where(PersonRow.folded_name == _folded(name))
        found = self._database.read_first(query) if name.isprintable() else None
        return self.get(name) if found is None else to_person(found)

    def list(self) -> list[Person]:
        """Return everybody, by name."""
        query = select(PersonRow).order_by(PersonRow.folded_name)
        return [to_person(row) for row in self._database.read_all(query)]

    def only_owner(self) -> Person | None:
        """Return the owner, None if there are none or several. Those who are disabled or never came don't count."""
        found = self._database.read_all(select(PersonRow).where(*_active_owners()).limit(2))
        return to_person(found[0]) if len(found) == 1 else None

    def exist(self) -> bool:
        """Return whether there is anybody."""
        return self._database.read_first(select(PersonRow.id)) is not None

    def change(
        self,
        person_id: str,
        *,
        name: str = _UNCHANGED,
        email: str | None = _UNCHANGED,
        role: Role = _UNCHANGED,
        users: Iterable[str] = _UNCHANGED,
    ) -> Person:
        """Change what is given. It counts from the person's next request on."""
        with self._locked() as session:
            row = _load(session, person_id, lock=True)
            before = _facts(row)
            if name is not _UNCHANGED:
                _set_name(session, row, name)
            if email is not _UNCHANGED:
                row.email = _checked_email(email)
            if role is not _UNCHANGED:
                row.role = Role(role)
            if users is not _UNCHANGED:
                row.users = _user_ids(users)
            return self._changed(session, row, before)

    def disable(self, person_id: str) -> Person:
        """End somebody's sessions and links to log in, and let nobody log in as them."""
        with self._locked() as session:
            row = _load(session, person_id, lock=True)
            before = _facts(row)
            row.disabled_at = row.disabled_at or now()
            self._end_logins(session, row)
            return self._changed(session, row, before)

    def enable(self, person_id: str) -> Person:
        """Undo `disable`."""
        with self._locked() as session:
            row = _load(session, person_id, lock=True)
            before = _facts(row)
            row.disabled_at = None
            return self._changed(session, row, before)

    def remove(self, person_id: str) -> Person:
        """Delete somebody, with their sessions and links. The audit log keeps the name."""
        with self._locked() as session:
            row = _load(session, person_id, lock=True)
            removed, before = to_person(row), _facts(row)
            self._end_logins(session, row)
            session.delete(row)
            session.flush()
            self._check_owners(session, row, before)
            self._database.record(session, _change(row, "removed", before=before))
            return removed

    def joined(self, person_id: str) -> Person:
        """Note that somebody logs in, and when for the first time. Raises `UnknownPerson` for a disabled person too."""
        with self._database.write(audited=False) as session:
            row = _load(session, person_id, lock=True)
            if row.disabled_at is not None:
                raise UnknownPerson("This person can't log in.")
            row.joined_at = row.joined_at or now()
            row.last_seen_at = now()
            return to_person(row)

    @contextmanager
    def _locked(self) -> Iterator[Session]:
        """Open a transaction that alone changes people, so that an owner remains."""
        with self._database.write() as session:
            self._database.lock(session, "people")
            yield session

    def _add(self, session: Session, name: str, role: Role, email: str | None, users: Iterable[str]) -> PersonRow:
        who = origin.current()
        row = PersonRow(
            id=names.new_id("person"),
            email=_checked_email(email),
            role=Role(role),
            users=_user_ids(users),
            created_at=now(),
            created_by=names.reason(f"{who.name or who.kind}")[:100],
        )
        _set_name(session, row, name)
        session.add(row)
        session.flush()
        self._database.record(session, _change(row, "added", after=_facts(row)))
        return row

    def _changed(self, session: Session, row: PersonRow, before: dict[str, Any]) -> Person:
        """Record a change unless there is none, and return the person."""
        session.flush()
        after = _facts(row)
        if after != before:
            self._check_owners(session, row, before)
            self._database.record(session, _change(row, "changed", before=before, after=after))
        return to_person(row)

    def _check_owners(self, session: Session, row: PersonRow, before: dict[str, Any]) -> None:
        """Raise `LastOwner` if a change of a person, who was so before, leaves no owner."""
        was_owner = before["role"] == Role.OWNER and not before["disabled"] and row.joined_at is not None
        if was_owner and session.scalar(select(func.count(PersonRow.id)).where(*_active_owners())) == 0:
            raise LastOwner("There would be no owner left. Make somebody else an owner first.")

    def _end_logins(self, session: Session, row: PersonRow) -> None:
        ended = (SessionRow.person_id == row.id, SessionRow.revoked_at.is_(None))
        session.execute(update(SessionRow).where(*ended).values(revoked_at=now()))
        session.execute(delete(LinkRow).where(LinkRow.person_id == row.id, LinkRow.used_at.is_(None)))


def to_person(row: PersonRow) -> Person:
    """Convert a row; raises `StoreUnavailable` for an unknown role."""
    if row.role not in list(Role):
        raise damaged(f"{row.__tablename__}.role")
    return convert(row, Person, role=Role(row.role), users=frozenset(row.users))


def _load(session: Session, person_id: str, *, lock: bool = False) -> PersonRow:
    row = None
    if names.possible_id(person_id):
        row = session.get(PersonRow, person_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise UnknownPerson("There is nobody of that name.")
    return row


def _active_owners() -> tuple[Any, ...]:
    return PersonRow.role == Role.OWNER, PersonRow.joined_at.is_not(None), PersonRow.disabled_at.is_(None)


def _folded(name: str) -> str:
    return name.strip().casefold()


def _set_name(session: Session, row: PersonRow, name: str) -> None:
    checked = names.name(name)
    if names.possible_id(checked):
        raise ValueError("a name of a person does not look like an id")
    with session.no_autoflush:
        other = session.scalar(select(PersonRow.id).where(PersonRow.folded_name == _folded(checked)))
    if other is not None and other != row.id:
        raise NameTaken("There is somebody of that name already.")
    row.name, row.folded_name = checked, _folded(checked)


def _checked_email(email: str | None) -> str | None:
    if email is None or not email.strip():
        return None
    found = email.strip()
    if not _EMAIL.fullmatch(found) or len(found) > _MAX_EMAIL:
        raise ValueError("an e-mail address is NAME@HOST")
    return found


def _user_ids(users: Iterable[str]) -> list[str]:
    return sorted({names.user(user) for user in users})


def _facts(row: PersonRow) -> dict[str, Any]:
    """Return what is recorded of a person."""
    return {
        "name": row.name,
        "email": row.email,
        "role": str(row.role),
        "users": list(row.users),
        "disabled": row.disabled_at is not None,
    }


def _change(row: PersonRow, what: str, **facts: Any) -> Change:
    return Change(f"person.{what}", row.id, row.name, line=f"person {row.name}: {what}", **facts)
