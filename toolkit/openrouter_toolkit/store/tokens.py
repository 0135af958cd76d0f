"""API tokens: `ort_`, 30 random characters, and a checksum by which a mistyped one is known without looking it up."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from . import names
from .clock import now
from .database import Database
from .tables import TokenRow

PREFIX = "ort_"
_RANDOM = 30
_CHECKSUM = 6
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_CHECKSUM}}})", re.ASCII)
_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class ApiToken:
    """A token, without its secret.

    Attributes:
        id: `tok_` and random characters.
        name: what people call it.
        users: the user_ids that it may act for, None for all.
    """

    id: str
    name: str
    users: frozenset[str] | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def may_act_for(self, user_id: str) -> bool:
        """Whether a request with this token may be made in a user's name."""
        return self.users is None or user_id in self.users


class ApiTokens:
    """All API tokens. Safe from many threads and processes."""

    def __init__(self, database: Database) -> None:
        """See `Store.open`, which is how it is made."""
        self._database = database

    def create(self, name: str, users: Iterable[str] | None = None) -> tuple[ApiToken, str]:
        """A new token, and its text, which is told this one time.

        Args:
            name: what to call it.
            users: the user_ids that it may act for; all when left out.

        Raises:
            ValueError: the name or a user_id is malformed, or `users` is empty.
        """
        listed = None if users is None else sorted({names.user(user) for user in users})
        if listed == []:
            raise ValueError("a token is for one user at least")
        text = new_text()
        row = TokenRow(
            id=names.new_id("tok"),
            token_hash=names.hashed(text),
            name=names.name(name),
            users=listed,
            created_at=now(),
        )
        with self._database.write() as session:
            session.add(row)
            self._database.log_change(session, f"token {row.id}: made")
        return _to_token(row), text

    def find(self, text: str) -> ApiToken | None:
        """The token of a text, or None when there is none or it was revoked. That it was used is noted.

        A text whose checksum is wrong does not get as far as the database.
        """
        if not well_formed(text):
            return None
        with self._database.read() as session:
            row = session.scalar(select(TokenRow).where(TokenRow.token_hash == names.hashed(text)))
        if row is None or row.revoked_at is not None:
            return None
        self._note_use(row)
        return _to_token(row)

    def list(self) -> list[ApiToken]:
        """All tokens, revoked ones too, the newest first."""
        with self._database.read() as session:
            rows = session.scalars(select(TokenRow).order_by(TokenRow.created_at.desc(), TokenRow.id))
            return [_to_token(row) for row in rows]

    def revoke(self, token_id: str) -> ApiToken | None:
        """End a token, everywhere and at once. The token, or None when there is none of that id."""
        if not names.possible_id(token_id):
            return None
        with self._database.write() as session:
            row = session.get(TokenRow, token_id, with_for_update=True)
            if row is None:
                return None
            row.revoked_at = row.revoked_at or now()
            self._database.log_change(session, f"token {row.id}: revoked")
            return _to_token(row)

    def _note_use(self, row: TokenRow) -> None:
        """At most once a minute, and not at any price: a request does not fail for it."""
        at = now()
        if row.last_used_at is not None and at < row.last_used_at + _USED_EVERY:
            return
        note = update(TokenRow).where(TokenRow.id == row.id).values(last_used_at=at)
        self._database.write_optional(note, "that a token was used")


def new_text() -> str:
    """A fresh token."""
    random = names.random_text(_RANDOM)
    return f"{PREFIX}{random}{checksum(random)}"


def well_formed(text: str) -> bool:
    """Whether a text has a token's form and the right checksum."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    return found is not None and checksum(found[1]) == found[2]


def checksum(text: str) -> str:
    """CRC-32 in six characters of base62, as GitHub's tokens have it."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(names.ALPHABET))
        digits = names.ALPHABET[digit] + digits
    return digits


def _to_token(row: TokenRow) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        users=None if row.users is None else frozenset(row.users),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
