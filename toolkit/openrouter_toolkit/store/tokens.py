"""API tokens: `ort_`, 30 random characters, and a checksum that detects typing errors without the database."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from . import names
from .audit.record import EVERY_USER, Change
from .columns import now
from .database import Database
from .lookups import Kept, Lookups
from .tables import TokenRow, convert

PREFIX = "ort_"
_RANDOM_LENGTH = 30
_CHECKSUM_LENGTH = 6
_KIND = "token"
_FORMAT = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_RANDOM_LENGTH}}})([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})", re.ASCII)


@dataclass(frozen=True)
class ApiToken:
    """A token, without its secret.

    Attributes:
        id: `tok_` and random characters.
        name: a name for people.
        users: the user_ids that it may act for, None for all users.
        agent: the label of the agent that has it, which the ledger notes; None if callers name themselves.
    """

    id: str
    name: str
    users: frozenset[str] | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    agent: str | None = None

    def may_act_for(self, user_id: str) -> bool:
        """Return whether a request with this token may act for a user."""
        return self.users is None or user_id in self.users


class ApiTokens:
    """All API tokens. Safe for many threads and processes."""

    def __init__(self, database: Database, lookups: Lookups) -> None:
        self._database = database
        self._lookups = lookups

    def create(
        self, name: str, users: Iterable[str] | None = None, *, agent: str | None = None
    ) -> tuple[ApiToken, str]:
        """Create a token. Returns it and its secret text, which is available only here.

        Args:
            name: a name for people.
            users: the user_ids that it may act for; None for all users.
            agent: the label of the agent that gets it; calls with the token can't name another one.

        Raises:
            ValueError: the name, the label or a user_id is malformed, or `users` is empty.
        """
        user_ids = None if users is None else sorted({names.user(user) for user in users})
        if user_ids == []:
            raise ValueError("a token is for one user at least")
        text = new_text()
        row = TokenRow(
            id=names.new_id("tok"),
            token_hash=names.hashed(text),
            name=names.name(name),
            users=user_ids,
            created_at=now(),
            agent=None if agent is None else names.name(agent),
        )
        with self._database.write() as session:
            session.add(row)
            self._database.record(session, _change(row, "made", after=_facts(row)))
        return _to_token(row), text

    def find(self, text: str) -> ApiToken | None:
        """Return the token with this text, or None if there is none or it was revoked. Records when it was used.

        A text with a wrong checksum causes no database query.
        """
        if not well_formed(text):
            return None
        hashed = names.hashed(text)
        token = self._lookups.get(lambda: self._load(hashed), _KIND, hashed)
        if token is not None:
            self._database.record_use(TokenRow.last_used_at, token.id, "that a token was used", last=token.last_used_at)
        return token

    def find_kept(self, text: str, kept: Kept | None) -> ApiToken | None:
        """Do what `find` does if the token is among what is kept, and that needs no database query; else None."""
        token: ApiToken | None = None if kept is None else kept.found.get((_KIND, names.hashed(text)))
        if token is None or self._database.is_use_due(TokenRow.last_used_at, token.id, token.last_used_at):
            return None
        return token

    def list(self) -> list[ApiToken]:
        """Return all tokens, including revoked ones, the newest first."""
        query = select(TokenRow).order_by(TokenRow.created_at.desc(), TokenRow.id)
        return [_to_token(row) for row in self._database.read_all(query)]

    def revoke(self, token_id: str) -> ApiToken | None:
        """Revoke a token at once, in all processes. Returns it, or None if there is none with this id."""
        if not names.possible_id(token_id):
            return None
        with self._database.write() as session:
            row = session.get(TokenRow, token_id, with_for_update=True)
            if row is None:
                return None
            if row.revoked_at is None:
                row.revoked_at = now()
                self._database.record(session, _change(row, "revoked", before=_facts(row)))
            return _to_token(row)

    def _load(self, hashed: str) -> ApiToken | None:
        row = self._database.read_first(select(TokenRow).where(TokenRow.token_hash == hashed))
        return None if row is None or row.revoked_at is not None else _to_token(row)


def new_text() -> str:
    """Generate the text of a new token."""
    random = names.random_text(_RANDOM_LENGTH)
    return f"{PREFIX}{random}{checksum(random)}"


def well_formed(text: str) -> bool:
    """Return whether a text has the format of a token and the right checksum."""
    found = _FORMAT.fullmatch(text) if isinstance(text, str) else None
    return found is not None and checksum(found[1]) == found[2]


def checksum(text: str) -> str:
    """Return the CRC-32 in six base62 characters, as in GitHub's tokens."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(names.ALPHABET))
        digits = names.ALPHABET[digit] + digits
    return digits


def _facts(row: TokenRow) -> dict[str, Any]:
    """Return what is recorded of a token."""
    return {"users": EVERY_USER if row.users is None else row.users}


def _change(row: TokenRow, what: str, **facts: Any) -> Change:
    return Change(f"token.{what}", row.id, row.name, line=f"token {row.id}: {what}", **facts)


def _to_token(row: TokenRow) -> ApiToken:
    return convert(row, ApiToken, users=None if row.users is None else frozenset(row.users))
