"""Database queries for accounts: filters for lists, and the accounts that a user's call may use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select

from . import names
from .account import ConnectedAccount, Status
from .tables import ORGANISATION, AccountRow, AuthConfigRow, ShareRow

# The id of an account's auth config, see `tables.fixed_auth_config`.
_AUTH_CONFIG = func.coalesce(
    AccountRow.auth_config_id, literal("ac_").concat(func.lower(func.replace(AccountRow.toolkit, "_", "")))
)


@dataclass(frozen=True)
class Which:
    """A filter for accounts. An account matches if it matches every attribute that is not None.

    Attributes:
        toolkits: slugs.
        users: owners; None in it is the organisation. Accounts that are only shared with a user do not match.
        statuses: account statuses.
        ids: account ids.
        auth_configs: ids of auth configs.
    """

    toolkits: Collection[str] | None = None
    users: Collection[str | None] | None = None
    statuses: Collection[Status] | None = None
    ids: Collection[str] | None = None
    auth_configs: Collection[str] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions. Invalid names match nothing."""
        found: list[ColumnElement[bool]] = []
        if self.toolkits is not None:
            found.append(AccountRow.toolkit.in_([slug.upper() for slug in self.toolkits if names.possible_slug(slug)]))
        if self.users is not None:
            possible = [user for user in self.users if user is None or names.possible_user(user)]
            found.append(AccountRow.owner.in_([ORGANISATION if user is None else user for user in possible]))
        if self.statuses is not None:
            found.append(AccountRow.status.in_(self.statuses))
        if self.ids is not None:
            found.append(AccountRow.id.in_([name for name in self.ids if names.possible_id(name)]))
        if self.auth_configs is not None:
            found.append(
                _AUTH_CONFIG.in_([name for name in self.auth_configs if name.isascii() and name.isprintable()])
            )
        return found


def older_than(account: ConnectedAccount) -> ColumnElement[bool]:
    """Return the condition for the accounts that follow `account` in a list sorted from newest to oldest."""
    at = AccountRow.created_at
    return or_(at < account.created_at, and_(at == account.created_at, AccountRow.id < account.id))


def usable_by(user_id: str, toolkit: str) -> ColumnElement[bool]:
    """Return the condition for accounts that a user owns or may use in a toolkit, in any status."""
    shared = exists(select(ShareRow.user_id).where(ShareRow.account_id == AccountRow.id, ShareRow.user_id == user_id))
    organisation = and_(AccountRow.owner == ORGANISATION, or_(AccountRow.for_everyone, shared))
    return and_(AccountRow.toolkit == toolkit, or_(AccountRow.owner == user_id, organisation))


def of_enabled_auth_config() -> ColumnElement[bool]:
    """Return the condition for accounts whose auth config is not disabled."""
    disabled = select(AuthConfigRow.id).where(AuthConfigRow.id == _AUTH_CONFIG, AuthConfigRow.enabled.is_(False))
    return ~exists(disabled)


# Sort order: the user's own accounts before the organisation's, then the default account, then the oldest.
BEST_FIRST = (
    (AccountRow.owner == ORGANISATION),
    AccountRow.is_default.desc(),
    AccountRow.created_at,
    AccountRow.id,
)
