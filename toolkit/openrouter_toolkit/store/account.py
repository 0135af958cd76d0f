"""Connected accounts as the store returns them: without secrets, and their credentials separately."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NoReturn

from ..accounts import Credentials
from . import names
from .columns import damaged
from .encryption.sealing import Sealer
from .tables import ORGANISATION, AccountRow, convert, fixed_auth_config

# The last four characters of a shorter value would reveal too much of it.
_MIN_LENGTH_FOR_LAST_FOUR = 16


class Status(StrEnum):
    """The status of a connected account, named as in Composio. Only the credentials of ACTIVE accounts are used."""

    INITIALIZING = "INITIALIZING"
    INITIATED = "INITIATED"  # created, waits for a person to connect it
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"  # connecting it failed
    EXPIRED = "EXPIRED"  # the API refused its key, or it was not connected in time
    INACTIVE = "INACTIVE"  # disabled by a person


@dataclass(frozen=True)
class ConnectedAccount:
    """A connected account, without its secrets.

    Attributes:
        id: `ca_` and random characters.
        toolkit: the toolkit's slug in upper case.
        user_id: the user who owns it; None if the organisation owns it.
        alias: a name given by people, unique among the owner's accounts in the toolkit.
        status: its status.
        reason: the reason for the status, in a sentence, or None.
        default: whether it is the owner's default account in the toolkit.
        users: the users who may use an organisation's account, None for all users. Empty for a user's own account.
        last_four: the last four characters of each credential that is long enough, to distinguish accounts.
        version: incremented each time credentials are stored.
        auth_config_id: the id of its auth config.
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
    auth_config_id: str

    @property
    def owner(self) -> str:
        """The owner as words for a sentence: "user alice", or "the organisation"."""
        return names.owner_in_words(self.user_id)

    def usable_by(self, user_id: str) -> bool:
        """Whether a user's calls may use it: the user's own, or the organisation's that is for this user."""
        if self.user_id is None:
            return self.users is None or user_id in self.users
        return self.user_id == user_id


class AccountCredentials(Credentials):
    """The credentials of one connected account. They can't be pickled.

    Attributes:
        account_id: the id of their account.
        version: the account's `version` when they were read; it changes when the account is connected again.
    """

    __slots__ = ("account_id", "version")

    def __init__(self, values: Mapping[str, str], account_id: str, version: int) -> None:
        super().__init__(values)
        self.account_id = account_id
        self.version = version

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled")


def to_account(row: AccountRow) -> ConnectedAccount:
    """Convert a row to a `ConnectedAccount`; raises `StoreUnavailable` for an unknown status."""
    if row.status not in Status.__members__:
        raise damaged(f"{row.__tablename__}.status")
    everyone = row.owner == ORGANISATION and row.for_everyone
    return convert(
        row,
        ConnectedAccount,
        user_id=row.owner or None,
        status=Status(row.status),
        default=row.is_default,
        users=None if everyone else frozenset(share.user_id for share in row.shares),
        last_four=dict(row.last_four),
        auth_config_id=row.auth_config_id or fixed_auth_config(row.toolkit),
    )


def encrypt_credentials(sealer: Sealer, row: AccountRow, values: Mapping[str, str]) -> None:
    """Encrypt credentials and put them into a row. They can be decrypted for this row only.

    Raises:
        ValueError: there are none, or one is empty or not a string. The message does not contain its value.
    """
    if not values:
        raise ValueError("there are no credentials")
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"the credential {name} is empty or no text")
    row.sealed = sealer.seal(json.dumps(dict(values)), *associated_data(row))
    row.last_four = {name: value[-4:] for name, value in values.items() if len(value) >= _MIN_LENGTH_FOR_LAST_FOUR}
    row.version += 1


def decrypt_credentials(sealer: Sealer, row: AccountRow) -> AccountCredentials | None:
    """Decrypt a row's credentials; None if it has none yet. Raises `SealBroken` if they belong to another row."""
    if row.sealed is None:
        return None
    return AccountCredentials(json.loads(sealer.open(row.sealed, *associated_data(row))), row.id, row.version)


def associated_data(row: AccountRow) -> tuple[str, ...]:
    """Return the associated data of an account's encrypted credentials: its id, toolkit and owner."""
    return ("connected account", row.id, row.toolkit, row.owner)
