"""Connected accounts as the pages show them. This module never handles keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...manifest import Auth
from ...store import ConnectedAccount, Status
from .toolkit_cards import Badge

_BADGES = {
    Status.INITIALIZING: Badge("Waiting for its key", "warn"),
    Status.INITIATED: Badge("Waiting for its key", "warn"),
    Status.ACTIVE: Badge("Active", "good"),
    Status.FAILED: Badge("Failed", "bad"),
    Status.EXPIRED: Badge("Expired", "bad"),
    Status.INACTIVE: Badge("Switched off", "warn"),
}
_IN_USE = {Status.ACTIVE: True, Status.INACTIVE: False}
_MAX_NAMED = 5


@dataclass(frozen=True)
class AccountRow:
    """One account as text.

    Attributes:
        name: its alias, or its owner if it has none.
        whose: its owner and who may use it.
        called: its name within a sentence: "work of user alice".
        why: the reason why it can't be used, or None.
        switched: whether it is switched on; None if it can't be switched.
        link_wanted: whether its user may have to enter a new key.
        eligible: whether it can become its owner's default.
        endings: the title and the last four characters of each key.
    """

    id: str
    organisation: bool
    name: str
    whose: str
    called: str
    status: Badge
    why: str | None
    default: bool
    switched: bool | None
    link_wanted: bool
    eligible: bool
    endings: list[tuple[str, str]]
    connected_at: datetime | None
    last_used_at: datetime | None


def row(account: ConnectedAccount, auth: Auth) -> AccountRow:
    """Return an account as the pages show it."""
    titles = {field.name: field.title for field in auth.fields}
    return AccountRow(
        id=account.id,
        organisation=account.user_id is None,
        name=account.alias or account.user_id or "The organisation",
        whose=f"For {account.user_id} alone" if account.user_id else f"The organisation's, for {users_of(account)}",
        called=f"{account.alias} of {account.owner}" if account.alias else account.owner,
        status=_BADGES[account.status],
        why=None if account.status == Status.ACTIVE else account.reason,
        default=account.default,
        switched=_IN_USE.get(account.status) if account.connected_at else None,
        link_wanted=account.user_id is not None and account.status not in _IN_USE,
        eligible=account.status == Status.ACTIVE and not account.default,
        endings=[(titles.get(name, name), ending) for name, ending in account.last_four.items()],
        connected_at=account.connected_at,
        last_used_at=account.last_used_at,
    )


def users_of(account: ConnectedAccount) -> str:
    """Return who may use an account of the organisation, as part of a sentence."""
    if account.users is None:
        return "every user"
    named = ", ".join(sorted(account.users)[:_MAX_NAMED]) or "nobody"
    left = len(account.users) - _MAX_NAMED
    return f"{named}{f' and {left} more' if left > 0 else ''}"
