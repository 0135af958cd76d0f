"""Connected accounts as the pages show them. Nothing here has ever seen a key."""

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
_SWITCHED = {Status.ACTIVE: True, Status.INACTIVE: False}
_MOST_NAMED = 5


@dataclass(frozen=True)
class AccountRow:
    """One account, in words.

    Attributes:
        name: its alias, else its owner.
        whose: who it belongs to and who may use it.
        called: the account in a sentence: "work of user alice".
        why: why it can't be used, or None.
        switched: whether it is in use, for one that can be switched off or on; None for others.
        link_wanted: whether its user may have to put a new key in.
        eligible: whether it can be made its owner's first choice.
        endings: for each key its title and its last four characters.
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
    """An account in words."""
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
        switched=_SWITCHED.get(account.status) if account.connected_at else None,
        link_wanted=account.user_id is not None and account.status not in _SWITCHED,
        eligible=account.status == Status.ACTIVE and not account.default,
        endings=[(titles.get(name, name), ending) for name, ending in account.last_four.items()],
        connected_at=account.connected_at,
        last_used_at=account.last_used_at,
    )


def users_of(account: ConnectedAccount) -> str:
    """Who may use an account of the organisation's, for a sentence."""
    if account.users is None:
        return "every user"
    named = ", ".join(sorted(account.users)[:_MOST_NAMED]) or "nobody"
    left = len(account.users) - _MOST_NAMED
    return f"{named}{f' and {left} more' if left > 0 else ''}"
