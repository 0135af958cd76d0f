"""Management of connected accounts: connect, list, rename, share, disable and disconnect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Select, false, func, not_, select, tuple_
from sqlalchemy.orm import Session, selectinload

from . import account_health, names
from .account import AccountCredentials, ConnectedAccount, Status, decrypt_credentials, encrypt_credentials, to_account
from .account_query import Which, in_use, usable_by
from .account_rows import available_alias, change_of, load_row, other_accounts, recorded_facts, remove, share_with
from .columns import now
from .database import Database
from .encryption.key_check import lock_key
from .encryption.sealing import Sealer
from .errors import SealBroken, StoreError, UnknownAccount
from .tables import ORGANISATION, AccountRow, fixed_auth_config

ALL = Which()
SWITCHED_OFF = "It was switched off."
_MAX_COMPARED = 20


class ConnectedAccounts:
    """All connected accounts. Safe for many threads and processes; each method is one transaction.

    `toolkit` may have any letter case. The methods raise `ValueError` for a malformed name, and `UnknownAccount` for
    an account that does not exist.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def connect(
        self,
        toolkit: str,
        user_id: str | None,
        credentials: Mapping[str, str],
        *,
        alias: str | None = None,
        users: Iterable[str] | None = None,
        auth_config: str | None = None,
    ) -> ConnectedAccount:
        """Create an account that is ACTIVE at once. The owner's first account in the toolkit becomes the default.

        Args:
            toolkit: the toolkit's slug.
            user_id: the user who owns it; None for the organisation.
            credentials: its secrets by field name, such as `{"api_key": "..."}`.
            alias: a name for it.
            users: the users who may use an organisation's account; None for all users.
            auth_config: the id of its auth config; by default the toolkit's fixed one.

        Raises:
            AliasTaken: the owner has another account with this alias in the toolkit.
        """
        with self._database.write() as session:
            row = self._add(session, toolkit, user_id, alias, users, auth_config)
            self._fill(session, row, credentials)
            return self._record(session, row, None, "connected")

    def connect_once(
        self,
        toolkit: str,
        user_id: str | None,
        credentials: Mapping[str, str],
        *,
        alias: str | None = None,
        users: Iterable[str] | None = None,
    ) -> tuple[ConnectedAccount, bool]:
        """`connect`, unless the owner has an ACTIVE account with these credentials and users, and the alias if given.

        Returns the account, and whether it is new.
        """
        shared_with = None if users is None else frozenset(users)
        with self._database.write() as session:
            self.lock_accounts(session, names.slug(toolkit), names.owner(user_id))
            same = self.with_credentials(toolkit, user_id, credentials, fixed_auth_config(toolkit))
            if same is not None and alias in (None, same.alias) and (user_id or same.users == shared_with):
                return same, False
            return self.connect(toolkit, user_id, credentials, alias=alias, users=shared_with), True

    def initiate(
        self,
        toolkit: str,
        user_id: str | None,
        *,
        alias: str | None = None,
        users: Iterable[str] | None = None,
        auth_config: str | None = None,
    ) -> ConnectedAccount:
        """Create an account without credentials: it is INITIATED until `fill`. Arguments and errors as `connect`."""
        with self._database.write() as session:
            row = self._add(session, toolkit, user_id, alias, users, auth_config)
            return self._record(session, row, None, "begun")

    def fill(self, account_id: str, credentials: Mapping[str, str]) -> ConnectedAccount:
        """Store an account's credentials, replacing earlier ones, and make it ACTIVE from any status."""
        with self._locked_row(account_id) as (session, row, before):
            self._fill(session, row, credentials)
            return self._record(session, row, before, "connected")

    def fail(self, account_id: str, why: str) -> ConnectedAccount:
        """Mark an account as FAILED if it is INITIALIZING or INITIATED. In any other status it does not change."""
        with self._locked_row(account_id) as (session, row, before):
            if row.status not in (Status.INITIALIZING, Status.INITIATED):
                return to_account(row)
            row.status, row.reason = Status.FAILED, names.reason(why)
            return self._record(session, row, before, "failed", f"not connected: {row.reason}")

    def get(self, account_id: str) -> ConnectedAccount:
        """Return one account."""
        with self._database.read() as session:
            return to_account(load_row(session, account_id))

    def find(self, account_id: str) -> ConnectedAccount | None:
        """Return one account, or None if it does not exist."""
        try:
            return self.get(account_id)
        except UnknownAccount:
            return None

    def hold(self, account_id: str) -> ConnectedAccount:
        """Return one account, and lock it against disconnecting until the transaction ends (`Store.transaction`)."""
        with self._database.write() as session:
            return to_account(load_row(session, account_id, lock={"read": True}))

    def list(
        self, which: Which = ALL, *, limit: int | None = None, after: ConnectedAccount | None = None
    ) -> list[ConnectedAccount]:
        """Return at most `limit` accounts, the newest first. `after` is the last account of the previous page."""
        query = _matching(which)
        order = (AccountRow.created_at, AccountRow.id)
        if after is not None:
            query = query.where(tuple_(*order) < (after.created_at, after.id))
        query = query.order_by(*(column.desc() for column in order)).limit(limit)
        return [to_account(row) for row in self._database.read_all(query)]

    def page(
        self, which: Which, *, order: str, descending: bool, limit: int, offset: int
    ) -> Sequence[ConnectedAccount]:
        """Return a page of accounts, sorted by `created_at` or `updated_at`."""
        column = AccountRow.updated_at if order == "updated_at" else AccountRow.created_at
        keys = (column.desc(), AccountRow.id.desc()) if descending else (column, AccountRow.id)
        query = _matching(which).order_by(*keys).limit(limit).offset(offset)
        return [to_account(row) for row in self._database.read_all(query)]

    def newer(self, account: ConnectedAccount, which: Which) -> int:
        """Return how many of the matching accounts stand before one in a `page` with the newest first."""
        before = tuple_(AccountRow.created_at, AccountRow.id) > (account.created_at, account.id)
        return self._database.read_first(select(func.count(AccountRow.id)).where(*which.conditions(), before)) or 0

    def best(
        self, user_id: str, toolkit: str, *, account_id: str | None = None, auth_config: str | None = None
    ) -> ConnectedAccount | None:
        """Return the account that a user's calls would use, or else the best that can't be used now, or None.

        Only the account `account_id` and those of `auth_config` are considered, where they are given.
        """
        which = Which(
            ids=None if account_id is None else [account_id],
            auth_configs=None if auth_config is None else [auth_config],
        )
        return self._first(usable_by(user_id, toolkit, *which.conditions(), last=(not_(in_use()),)))

    def by_alias(self, toolkit: str, user_id: str, alias: str) -> ConnectedAccount | None:
        """Return an account that a user may use, by its alias: the user's own, else the organisation's, or None."""
        named = AccountRow.alias == alias if alias.isprintable() else false()
        return self._first(usable_by(user_id, toolkit, named))

    def with_credentials(
        self, toolkit: str, user_id: str | None, credentials: Mapping[str, str], auth_config: str
    ) -> ConnectedAccount | None:
        """Return an owner's ACTIVE account of an auth config that has exactly these credentials, or None."""
        which = Which([toolkit], [user_id], [Status.ACTIVE], auth_configs=[auth_config])
        query = select(AccountRow).where(*which.conditions()).order_by(AccountRow.created_at.desc())
        with self._database.read() as session:
            rows = session.scalars(query.limit(_MAX_COMPARED)).all()
            same = (row for row in rows if self._has(row, credentials))
            return next((to_account(row) for row in same), None)

    def count(self, which: Which = ALL) -> int:
        """Return how many accounts match."""
        return self._database.read_first(select(func.count(AccountRow.id)).where(*which.conditions())) or 0

    def credentials(self, account_id: str) -> AccountCredentials | None:
        """Return an account's credentials in any status, to test them; None if it has none yet.

        Raises:
            SealBroken: they can't be decrypted.
        """
        with self._database.read() as session:
            return decrypt_credentials(self._sealer, load_row(session, account_id))

    def rename(self, account_id: str, alias: str | None) -> ConnectedAccount:
        """Change or remove the alias. Raises `AliasTaken` if another account of the owner has it."""
        with self._locked_row(account_id) as (session, row, before):
            row.alias = available_alias(session, row, alias)
            return self._record(session, row, before, "renamed")

    def make_default(self, account_id: str) -> ConnectedAccount:
        """Make it the owner's default account in the toolkit, instead of the present one."""
        with self._locked_row(account_id) as (session, row, before):
            for other in session.scalars(other_accounts(row).where(AccountRow.is_default)):
                other.is_default = False
            session.flush()
            row.is_default = True
            return self._record(session, row, before, "made_default", "made the default")

    def share(self, account_id: str, users: Iterable[str] | None) -> ConnectedAccount:
        """Set who may use an organisation's account: only these users, or all users with None.

        Raises:
            StoreError: a user owns the account; such accounts are never shared.
        """
        with self._locked_row(account_id) as (session, row, before):
            if row.owner != ORGANISATION:
                raise StoreError("This account is a user's own; connect one for the organisation to share it.")
            share_with(row, users)
            return self._record(session, row, before, "shared")

    def disable(self, account_id: str, why: str = SWITCHED_OFF) -> ConnectedAccount:
        """Stop its use, beginning with the next call. Its credentials are kept."""
        with self._locked_row(account_id) as (session, row, before):
            row.status, row.reason = Status.INACTIVE, names.reason(why)
            return self._record(session, row, before, "switched_off")

    def enable(self, account_id: str) -> ConnectedAccount:
        """Undo `disable`: the account is ACTIVE, or INITIATED if it has no credentials. Others do not change."""
        with self._locked_row(account_id) as (session, row, before):
            if row.status != Status.INACTIVE:
                return to_account(row)
            row.status, row.reason = (Status.ACTIVE if row.sealed else Status.INITIATED), None
            return self._record(session, row, before, "switched_on")

    def disconnect(self, account_id: str) -> ConnectedAccount:
        """Delete it, its credentials and its links. If it was the default, the oldest ACTIVE account becomes it."""
        with self._locked_row(account_id) as (session, row, before):
            removed = to_account(row)
            what = "disconnected" if row.connected_at else "removed"
            self._database.record(session, change_of(row, what, what, before=before))
            candidates = other_accounts(row).where(AccountRow.status == Status.ACTIVE)
            session.delete(row)
            session.flush()
            if removed.default:
                for candidate in session.scalars(candidates.order_by(AccountRow.created_at, AccountRow.id).limit(1)):
                    candidate.is_default = True
            return removed

    def lock_accounts(self, session: Session, toolkit: str, owner: str) -> None:
        """Lock an owner's accounts in a toolkit: one writer at a time, since they share a default and the aliases."""
        self._database.lock(session, f"accounts {toolkit} {owner}")

    def _has(self, row: AccountRow, credentials: Mapping[str, str]) -> bool:
        try:
            return dict(decrypt_credentials(self._sealer, row) or {}) == dict(credentials)
        except SealBroken:
            return False

    def _first(self, query: Select[AccountRow]) -> ConnectedAccount | None:
        with self._database.read() as session:
            row = session.scalars(query.limit(1)).first()
            return None if row is None else to_account(row)

    def _add(
        self,
        session: Session,
        toolkit: str,
        user_id: str | None,
        alias: str | None,
        users: Iterable[str] | None,
        auth_config: str | None,
    ) -> AccountRow:
        if users is not None and user_id is not None:
            raise ValueError("only an account of the organisation's is for several users")
        at = now()
        row = AccountRow(
            id=names.new_id("ca"),
            toolkit=names.slug(toolkit),
            owner=names.owner(user_id),
            status=Status.INITIATED,
            for_everyone=False,
            is_default=False,
            version=0,
            last_four={},
            created_at=at,
            updated_at=at,
            auth_config_id=None if auth_config == fixed_auth_config(toolkit) else auth_config,
        )
        if user_id is None:
            share_with(row, users)
        self.lock_accounts(session, row.toolkit, row.owner)
        if alias is not None:
            # An account with the same alias that was never connected, and its links, are replaced.
            unconnected = (AccountRow.connected_at.is_(None), AccountRow.status != Status.INACTIVE)
            same_alias = other_accounts(row).where(AccountRow.alias == names.alias(alias), *unconnected)
            for other in session.scalars(same_alias.with_for_update()):
                remove(self._database, session, other, "replaced by a new beginning")
            session.flush()
        row.alias = available_alias(session, row, alias)
        session.add(row)
        session.flush()
        return row

    def _fill(self, session: Session, row: AccountRow, credentials: Mapping[str, str]) -> None:
        lock_key(session, self._sealer)
        encrypt_credentials(self._sealer, row, credentials)
        row.status, row.reason, row.connected_at = Status.ACTIVE, None, now()
        account_health.connected(session, row)
        if not row.is_default and session.scalar(other_accounts(row).where(AccountRow.is_default)) is None:
            row.is_default = True

    @contextmanager
    def _locked_row(self, account_id: str) -> Iterator[tuple[Session, AccountRow, dict[str, Any]]]:
        """Yield the session of a transaction, an account's row, locked for changes, and what is recorded of it."""
        with self._database.write() as session:
            row = load_row(session, account_id)
            self.lock_accounts(session, row.toolkit, row.owner)
            row = load_row(session, account_id, lock=True)
            yield session, row, recorded_facts(row)

    def _record(
        self, session: Session, row: AccountRow, before: dict[str, Any] | None, what: str, words: str | None = None
    ) -> ConnectedAccount:
        """Record the change of an account, and return the account with it. `before` is None for a new one."""
        row.updated_at = now()
        words = words or what.replace("_", " ")
        self._database.record(session, change_of(row, what, words, before=before, after=recorded_facts(row)))
        return to_account(row)


def _matching(which: Which) -> Select[AccountRow]:
    return select(AccountRow).where(*which.conditions()).options(selectinload(AccountRow.shares))
