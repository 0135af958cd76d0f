"""Auth configs: named groups of a toolkit's connected accounts. The accounts of a disabled one are not used."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import delete, select

from . import names
from .account import ConnectedAccount
from .account_query import Which
from .audit.record import Change
from .columns import damaged, now
from .connected_accounts import ConnectedAccounts
from .database import Database
from .tables import AuthConfigRow, convert, fixed_auth_config

Kind = Literal["default", "custom"]
# Clients sort by this time, so it is the same in every process.
_FIXED_SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class AuthConfig:
    """An auth config.

    Attributes:
        id: `ac_` and random characters, or `ac_` and the toolkit's slug for the fixed one.
        toolkit: the toolkit's slug in upper case.
        name: a name given by people.
        kind: `default` for the fixed ones and those made without a login of one's own, else `custom`.
        enabled: whether its accounts are used, and new ones can be connected with it.
        for_sessions: whether tool-router sessions may use its accounts.
        fixed: whether it is the one that each toolkit always has.
    """

    id: str
    toolkit: str
    name: str
    kind: Kind
    enabled: bool
    for_sessions: bool
    fixed: bool
    created_at: datetime
    updated_at: datetime


class AuthConfigs:
    """All auth configs. Safe for many threads and processes.

    Each toolkit has a fixed one, to which all accounts belong that were not connected with another. It is stored only
    after it was changed.
    """

    def __init__(self, database: Database, accounts: ConnectedAccounts) -> None:
        self._database = database
        self._accounts = accounts

    def fixed(self, toolkit: str) -> AuthConfig:
        """Return the fixed auth config of a toolkit."""
        with self._database.read() as session:
            row = session.get(AuthConfigRow, fixed_auth_config(names.slug(toolkit)))
        return _unchanged(names.slug(toolkit)) if row is None else _to_config(row)

    def list(self, toolkits: Iterable[str]) -> list[AuthConfig]:
        """Return the auth configs of some toolkits, the fixed ones first, then the newest."""
        slugs = [names.slug(toolkit) for toolkit in toolkits]
        query = select(AuthConfigRow).where(AuthConfigRow.toolkit.in_(slugs))
        query = query.order_by(AuthConfigRow.created_at.desc(), AuthConfigRow.id)
        stored = {row.id: _to_config(row) for row in self._database.read_all(query)}
        fixed = {fixed_auth_config(slug): _unchanged(slug) for slug in slugs}
        return [*(stored.get(name, one) for name, one in fixed.items()), *(c for c in stored.values() if not c.fixed)]

    def get(self, config_id: str, toolkits: Collection[str] = ()) -> AuthConfig | None:
        """Return an auth config by its id, or None. Of the fixed ones, those of `toolkits` are known."""
        fixed = next((slug for slug in toolkits if fixed_auth_config(slug) == config_id), None)
        if fixed is None and not names.possible_id(config_id):
            return None
        with self._database.read() as session:
            row = session.get(AuthConfigRow, config_id)
        if row is not None:
            return _to_config(row)
        return None if fixed is None else _unchanged(fixed)

    def of(self, account: ConnectedAccount) -> AuthConfig:
        """Return the auth config of an account."""
        found = self.get(account.auth_config_id, [account.toolkit])
        return _unchanged(account.toolkit) if found is None else found

    def create(self, toolkit: str, name: str, kind: Kind) -> AuthConfig:
        """Create an auth config, which is enabled. Raises `ValueError` for a malformed slug or name."""
        at = now()
        row = AuthConfigRow(
            id=names.new_id("ac"),
            toolkit=names.slug(toolkit),
            name=names.name(name),
            kind=kind,
            enabled=True,
            for_sessions=True,
            created_at=at,
            updated_at=at,
        )
        with self._database.write() as session:
            session.add(row)
            self._database.record(session, _change(row, "made", "made", after=_facts(row)))
            return _to_config(row)

    def update(
        self,
        config: AuthConfig,
        *,
        name: str | None = None,
        enabled: bool | None = None,
        for_sessions: bool | None = None,
    ) -> AuthConfig:
        """Change what is not None. Raises `ValueError` for a malformed name."""
        changes: dict[str, str | bool] = {} if name is None else {"name": names.name(name)}
        changes |= {} if enabled is None else {"enabled": enabled}
        changes |= {} if for_sessions is None else {"for_sessions": for_sessions}
        with self._database.write() as session:
            if config.fixed:
                values = {field.name: getattr(config, field.name) for field in fields(config) if field.name != "fixed"}
                session.execute(self._database.insert_missing(AuthConfigRow, **values))
            row = session.get(AuthConfigRow, config.id, with_for_update=True, populate_existing=True)
            if row is None:  # deleted meanwhile
                return config
            before = _facts(row)
            for column, value in changes.items():
                setattr(row, column, value)
            row.updated_at = now()
            words = ", ".join(f"{column} {value}" for column, value in changes.items() if column != "name") or "renamed"
            self._database.record(session, _change(row, "changed", words, before=before, after=_facts(row)))
            return _to_config(row)

    def delete(self, config: AuthConfig) -> None:
        """Delete an auth config with its accounts, their credentials and links. Raises `ValueError` for a fixed one."""
        if config.fixed:
            raise ValueError("a toolkit's fixed auth config is not deleted")
        with self._database.write() as session:
            for account in self._accounts.list(Which(auth_configs=[config.id])):
                self._accounts.disconnect(account.id)
            session.execute(delete(AuthConfigRow).where(AuthConfigRow.id == config.id))
            change = _change(config, "deleted", "deleted with its accounts", before=_facts(config))
            self._database.record(session, change)


def _unchanged(slug: str) -> AuthConfig:
    """Return a toolkit's fixed auth config as it is before any change."""
    name = f"{slug.lower()} (default)"
    return AuthConfig(fixed_auth_config(slug), slug, name, "default", True, True, True, _FIXED_SINCE, _FIXED_SINCE)


def _change(config: AuthConfigRow | AuthConfig, what: str, words: str, **facts: Any) -> Change:
    line = f"auth config {config.id} ({config.toolkit}): {words}"
    return Change(f"auth_config.{what}", config.id, config.name, line=line, **facts)


def _facts(config: AuthConfigRow | AuthConfig) -> dict[str, Any]:
    """Return what is recorded of an auth config."""
    names = ("name", "toolkit", "enabled", "for_sessions")
    return {name: getattr(config, name) for name in names}


def _to_config(row: AuthConfigRow) -> AuthConfig:
    if row.kind not in get_args(Kind):
        raise damaged(f"{row.__tablename__}.kind")
    return convert(row, AuthConfig, fixed=row.id == fixed_auth_config(row.toolkit))
