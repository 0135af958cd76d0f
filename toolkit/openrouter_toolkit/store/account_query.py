"""Database queries for accounts: filters for lists, and the accounts that a user's call may use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select

from . import names
from .account import Status
from .columns import now
from .tables import ORGANISATION, AccountRow, AuthConfigRow, LinkRow, ShareRow

# How long a link can be used, and a new account waits for its credentials.
LINK_LIFETIME = timedelta(minutes=10)

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
        connected: whether they ever had credentials.
        waiting: whether a person can still connect them for the first time, see `waiting`.
    """

    toolkits: Collection[str] | None = None
    users: Collection[str | None] | None = None
    statuses: Collection[Status] | None = None
    ids: Collection[str] | None = None
    auth_configs: Collection[str] | None = None
    connected: bool | None = None
    waiting: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as SQL conditions. Invalid names match nothing."""
        found: list[ColumnElement[bool]] = []
        if self.toolkits is not None:
            found.append(AccountRow.toolkit.in_([slug.upper() for slug in filter(names.possible_slug, self.toolkits)]))
        if self.users is not None:
            owners = [user or ORGANISATION for user in self.users if user is None or names.possible_user(user)]
            found.append(AccountRow.owner.in_(owners))
        if self.statuses is not None:
            found.append(AccountRow.status.in_(self.statuses))
        if self.ids is not None:
            found.append(AccountRow.id.in_(list(filter(names.possible_id, self.ids))))
        if self.auth_configs is not None:
            possible = [name for name in self.auth_configs if name.isascii() and name.isprintable()]
            found.append(_AUTH_CONFIG.in_(possible))
        if self.connected is not None:
            ever = AccountRow.connected_at.is_not(None)
            found.append(ever if self.connected else ~ever)
        if self.waiting is not None:
            found.append(waiting() if self.waiting else ~waiting())
        return found


def waiting() -> ColumnElement[bool]:
    """Return the condition for accounts that were never connected, and still can be: they are new or have a link."""
    at = now()
    open_link = and_(LinkRow.used_at.is_(None), LinkRow.expires_at > at)
    linked = select(LinkRow.id).where(LinkRow.account_id == AccountRow.id, open_link).exists()
    return and_(
        AccountRow.status.in_([Status.INITIALIZING, Status.INITIATED]),
        AccountRow.connected_at.is_(None),
        or_(AccountRow.created_at >= at - LINK_LIFETIME, linked),
    )


def usable_by(
    user_id: str, toolkit: str, *conditions: ColumnElement[bool], last: tuple[ColumnElement[bool], ...] = ()
) -> Select[AccountRow]:
    """Select the accounts that a user owns or may use in a toolkit, the best first; those that match `last` come last.

    The user's own come before the organisation's, then the default account, then the oldest.
    """
    shared = select(ShareRow.user_id).where(ShareRow.account_id == AccountRow.id, ShareRow.user_id == user_id).exists()
    organisation = and_(AccountRow.owner == ORGANISATION, or_(AccountRow.for_everyone, shared))
    return (
        select(AccountRow)
        .where(AccountRow.toolkit == names.slug(toolkit), or_(AccountRow.owner == user_id, organisation), *conditions)
        .order_by(*last, AccountRow.owner == ORGANISATION, AccountRow.is_default.desc())
        .order_by(AccountRow.created_at, AccountRow.id)
    )


def in_use() -> ColumnElement[bool]:
    """Return the condition for accounts that are ACTIVE and whose auth config is not disabled."""
    disabled = select(AuthConfigRow.id).where(AuthConfigRow.id == _AUTH_CONFIG, AuthConfigRow.enabled.is_(False))
    return and_(AccountRow.status == Status.ACTIVE, ~disabled.exists())
