"""Reads the audit log: pages of it, newest first, and all of it for an export."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import ColumnElement, or_, select

from ...text.json_text import json_or
from ..columns import damaged
from ..database import Database
from ..tables import AuditRow, convert
from .origin import Kind
from .record import ACTIONS

_BATCH = 500


@dataclass(frozen=True)
class AuditEntry:
    """One change.

    Attributes:
        id: its number; later changes have higher ones.
        at: when it was made.
        actor_kind: who made it: a person, a token, somebody with a link, a command, a program, or the server.
        actor_id: the id of the person, token or link.
        actor_name: the name that the person or token had, or the command's user on its machine.
        address: the client's address, or the name of the command's machine.
        request_id: what all changes of one request have in common.
        action: what was done, such as `account.shared`.
        object_id: what it was done to.
        object_name: the name that this had.
        user_id: the user whom it concerns.
        before: what was changed, as it was; None for something new.
        after: the same as it is since then; None for what exists no longer.
    """

    id: int
    at: datetime
    actor_kind: Kind
    actor_id: str | None
    actor_name: str | None
    address: str | None
    request_id: str | None
    action: str
    object_id: str | None
    object_name: str | None
    user_id: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def who(self) -> str:
        """Who made the change, in words."""
        if self.actor_kind == "server":
            return "The server"
        unnamed = {"person": "An administrator", "link": "Somebody with a link", "token": "A token"}
        name = self.actor_name or unnamed.get(self.actor_kind, "Somebody")
        by = {"token": "the token {}", "command": "{}, by a command", "program": "{}, by a program"}
        return by[self.actor_kind].format(name) if self.actor_kind in by and self.actor_name else name

    @property
    def what(self) -> str:
        """What was done to what, in words that follow `who`."""
        words = ACTIONS.get(self.action, f"{self.action} {{}}")
        if self.action.startswith("session.") and self.object_name in (None, self.actor_name):
            words = words.removesuffix(" {}")
        return words.format(self.object_name or self.object_id or "")

    @property
    def differences(self) -> list[tuple[str, str | None, str | None]]:
        """The facts that differ: each with its text before and after, None where it has none."""
        before, after = self.before or {}, self.after or {}
        both = [(name, _text(before.get(name)), _text(after.get(name))) for name in {**before, **after}]
        return [one for one in both if one[1:] != (None, None)]


@dataclass(frozen=True)
class AuditFilter:
    """A filter for entries. An entry matches if it matches every attribute that is not None.

    Attributes:
        actor: the id or the name of who made the change.
        action: an action, or its first part: `account` stands for all changes of accounts.
        object: the id or the name of what was changed.
        user_id: the user whom it concerns.
        request_id: a request.
        since: the earliest time.
        until: the time before which it was.
    """

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions."""
        found: list[ColumnElement[bool]] = []
        if self.actor is not None:
            found.append(or_(AuditRow.actor_id == self.actor, AuditRow.actor_name == self.actor))
        if self.action is not None:
            found.append(
                AuditRow.action == self.action
                if "." in self.action
                else AuditRow.action.startswith(f"{self.action}.", autoescape=True)
            )
        if self.object is not None:
            found.append(or_(AuditRow.object_id == self.object, AuditRow.object_name == self.object))
        if self.user_id is not None:
            found.append(AuditRow.user_id == self.user_id)
        if self.request_id is not None:
            found.append(AuditRow.request_id == self.request_id)
        if self.since is not None:
            found.append(AuditRow.at >= self.since)
        if self.until is not None:
            found.append(AuditRow.at < self.until)
        return found


EVERYTHING = AuditFilter()


class AuditLog:
    """All recorded changes. Safe for many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self, which: AuditFilter = EVERYTHING, *, limit: int, before: int | None = None, after: int | None = None
    ) -> list[AuditEntry]:
        """Return at most `limit` entries, the newest first.

        Args:
            which: the filter. A text that can't be in the database matches nothing.
            limit: how many.
            before: only entries with lower numbers: the last number of the page before.
            after: only entries with higher numbers, those closest to it: the first number of the page after.
        """
        texts = (which.actor, which.action, which.object, which.user_id, which.request_id)
        if any(text is not None and not text.isprintable() for text in texts):
            return []
        query = select(AuditRow).where(*which.conditions())
        if before is not None:
            query = query.where(AuditRow.id < before)
        if after is not None:
            query = query.where(AuditRow.id > after).order_by(AuditRow.id)
        else:
            query = query.order_by(AuditRow.id.desc())
        found = [_to_entry(row) for row in self._database.read_all(query.limit(limit))]
        return found if after is None else found[::-1]

    def all(self, which: AuditFilter = EVERYTHING) -> Iterator[AuditEntry]:
        """Yield all entries, the newest first. It reads them in batches, and holds no connection in between."""
        before: int | None = None
        while batch := self.list(which, limit=_BATCH, before=before):
            yield from batch
            before = batch[-1].id


def _text(value: Any) -> str | None:
    """Return a fact as text: names with commas between them, JSON for what is not usual."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False)


def _to_entry(row: AuditRow) -> AuditEntry:
    if row.actor_kind not in get_args(Kind):
        raise damaged(f"{row.__tablename__}.actor_kind")
    return convert(row, AuditEntry, before=_facts(row.before), after=_facts(row.after))


def _facts(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    facts = json_or(text)
    if not isinstance(facts, dict):
        raise damaged(f"{AuditRow.__tablename__}.before or after")
    return facts
