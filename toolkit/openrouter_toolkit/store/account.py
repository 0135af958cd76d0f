"""What the store tells about a connected account, and the credentials of one, which it tells to nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NoReturn

from ..accounts import Credentials
from . import names
from .damage import damaged
from .encryption.sealing import Sealer
from .tables import ORGANISATION, AccountRow

# Of a shorter value the last four characters would tell too much.
_SHORTEST_SHOWN = 16


class Status(StrEnum):
    """How a connected account is, in Composio's words. Only the credentials of an ACTIVE one are ever used."""

    INITIALIZING = "INITIALIZING"
    INITIATED = "INITIATED"  # somebody was asked to connect it
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"  # connecting it did not work
    EXPIRED = "EXPIRED"  # its key was refused, or nobody connected it in time
    INACTIVE = "INACTIVE"  # switched off by somebody


@dataclass(frozen=True)
class ConnectedAccount:
    """A connected account, without its secrets.

    Attributes:
        id: `ca_` and random characters.
        toolkit: the toolkit's slug in upper case.
        user_id: whose it is; None for the organisation's.
        alias: what people call it, unique among the owner's of the toolkit.
        status: how it is.
        reason: why it is so, in a sentence, or None.
        default: whether it is the owner's first choice in the toolkit.
        users: who may use an account of the organisation's, None for everybody. Empty for a user's own.
        last_four: the last four characters of each field that is long enough, to tell accounts apart.
        version: counts the times that credentials were put in.
    """

    id: str
    toolkit: str
    user_id: str | None
    alias: str | None
    status: Status
    reason: str | None
    default: bool
    users: frozenset[str] | None
    last_four: Mapping[str, str] = field(hash=False)
    version: int
    created_at: datetime
    updated_at: datetime
    connected_at: datetime | None
    last_used_at: datetime | None

    @property
    def owner(self) -> str:
        """Whose it is, for a sentence: "user alice", or "the organisation"."""
        return names.owner_in_words(self.user_id)


class AccountCredentials(Credentials):
    """The credentials of one connected account. They can't be pickled.

    Attributes:
        account_id: whose they are.
        version: which of the account's credentials, should it have been connected anew meanwhile.
    """

    __slots__ = ("account_id", "version")

    def __init__(self, values: Mapping[str, str], account_id: str, version: int) -> None:
        super().__init__(values)
        self.account_id = account_id
        self.version = version

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled")


def to_account(row: AccountRow) -> ConnectedAccount:
    """A row as it is handed out."""
    everyone = row.owner == ORGANISATION and row.for_everyone
    return ConnectedAccount(
        id=row.id,
        toolkit=row.toolkit,
        user_id=row.owner or None,
        alias=row.alias,
        status=_status(row),
        reason=row.reason,
        default=row.is_default,
        users=None if everyone else frozenset(share.user_id for share in row.shares),
        last_four=dict(row.last_four),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        connected_at=row.connected_at,
        last_used_at=row.last_used_at,
    )


def _status(row: AccountRow) -> Status:
    try:
        return Status(row.status)
    except ValueError:
        raise damaged(f"{row.__tablename__}.status") from None


def fill(sealer: Sealer, row: AccountRow, values: Mapping[str, str]) -> None:
    """Put credentials into a row, sealed for it alone.

    Raises:
        ValueError: there is none, or one is no text or empty. Its value is not told.
    """
    if not values:
        raise ValueError("there are no credentials")
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"the credential {name} is empty or no text")
    row.sealed = sealer.seal(json.dumps(dict(values)), *place(row))
    row.last_four = {name: value[-4:] for name, value in values.items() if len(value) >= _SHORTEST_SHOWN}
    row.version += 1


def opened(sealer: Sealer, row: AccountRow) -> AccountCredentials | None:
    """The credentials of a row, None before they are filled in; raises `SealBroken` where they are another's."""
    if row.sealed is None:
        return None
    return AccountCredentials(json.loads(sealer.open(row.sealed, *place(row))), row.id, row.version)


def place(row: AccountRow) -> tuple[str, ...]:
    """What an account's sealed credentials are bound to."""
    return ("connected account", row.id, row.toolkit, row.owner)
