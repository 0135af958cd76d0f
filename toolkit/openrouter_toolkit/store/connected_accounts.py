"""Connected accounts as people manage them: connected, shared, switched off, disconnected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, selectinload

from . import names
from .account import AccountCredentials, ConnectedAccount, Status, fill, opened, to_account
from .account_query import Which, older_than
from .clock import now
from .database import Database
from .encryption.key_check import hold
from .encryption.sealing import Sealer
from .errors import AliasTaken, StoreError, UnknownAccount
from .tables import ORGANISATION, AccountRow, ShareRow

ALL = Which()


class ConnectedAccounts:
    """All connected accounts. Safe from many threads and processes; each method is one transaction.

    `toolkit` may be given in any case. A malformed name is a `ValueError`, an account that isn't there an
    `UnknownAccount`.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        """See `Store.open`, which is how it is made."""
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
    ) -> ConnectedAccount:
        """A new account that can be used at once. The first of its owner's in the toolkit becomes the default.

        Args:
            toolkit: the toolkit's slug.
            user_id: whose it is; None for the organisation's.
            credentials: its secrets by field name, such as `{"api_key": "..."}`.
            alias: what to call it.
            users: of the organisation's, who may use it; everybody when left out.

        Raises:
            AliasTaken: the owner has one of that name in the toolkit.
        """
        with self._database.write() as session:
            row = self._add(session, toolkit, user_id, alias, users)
            self._fill(session, row, credentials)
            return self._changed_account(session, row, "connected")

    def initiate(
        self, toolkit: str, user_id: str | None, *, alias: str | None = None, users: Iterable[str] | None = None
    ) -> ConnectedAccount:
        """An account that somebody has yet to connect: INITIATED, and not used before `fill`. As in `connect`."""
        with self._database.write() as session:
            return self._changed_account(session, self._add(session, toolkit, user_id, alias, users), "begun")

    def fill(self, account_id: str, credentials: Mapping[str, str]) -> ConnectedAccount:
        """Put credentials into an account, the first or new ones; whatever its status was, it is ACTIVE then."""
        with self._changing(account_id) as (session, row):
            self._fill(session, row, credentials)
            return self._changed_account(session, row, "connected")

    def fail(self, account_id: str, why: str) -> ConnectedAccount:
        """Connecting did not work: an account that was never filled becomes FAILED. Others stay as they are."""
        with self._changing(account_id) as (session, row):
            if row.status not in (Status.INITIALIZING, Status.INITIATED):
                return to_account(row)
            row.status, row.reason = Status.FAILED, names.reason(why)
            return self._changed_account(session, row, f"not connected: {row.reason}")

    def get(self, account_id: str) -> ConnectedAccount:
        """One account."""
        with self._database.read() as session:
            return to_account(_found(session, account_id))

    def hold(self, account_id: str) -> ConnectedAccount:
        """One account, which nobody disconnects before the transaction around this ends (see `Store.transaction`)."""
        with self._database.write() as session:
            return to_account(_found(session, account_id, lock={"read": True}))

    def list(
        self, which: Which = ALL, *, limit: int | None = None, after: ConnectedAccount | None = None
    ) -> list[ConnectedAccount]:
        """The accounts, the newest first: `limit` at the most, behind the last one of the page before."""
        chosen = select(AccountRow).where(*which.conditions()).options(selectinload(AccountRow.shares))
        if after is not None:
            chosen = chosen.where(older_than(after))
        chosen = chosen.order_by(AccountRow.created_at.desc(), AccountRow.id.desc()).limit(limit)
        with self._database.read() as session:
            return [to_account(row) for row in session.scalars(chosen)]

    def count(self, which: Which = ALL) -> int:
        """How many there are."""
        with self._database.read() as session:
            return session.scalar(select(func.count(AccountRow.id)).where(*which.conditions())) or 0

    def credentials(self, account_id: str) -> AccountCredentials | None:
        """An account's credentials whatever its status, to try whether they work; None before they are filled in.

        Raises:
            SealBroken: they can't be opened.
        """
        with self._database.read() as session:
            return opened(self._sealer, _found(session, account_id))

    def rename(self, account_id: str, alias: str | None) -> ConnectedAccount:
        """Give it another alias, or none. `AliasTaken` where the owner has that already."""
        with self._changing(account_id) as (session, row):
            row.alias = _free(session, row, alias)
            return self._changed_account(session, row, "renamed")

    def make_default(self, account_id: str) -> ConnectedAccount:
        """Make it its owner's first choice in the toolkit, in place of the one that was."""
        with self._changing(account_id) as (session, row):
            for former in session.scalars(_siblings(row).where(AccountRow.is_default)):
                former.is_default = False
            session.flush()
            row.is_default = True
            return self._changed_account(session, row, "made the default")

    def share(self, account_id: str, users: Iterable[str] | None) -> ConnectedAccount:
        """Say who may use an account of the organisation's: these users and no others, or with None everybody.

        Raises:
            StoreError: it is a user's own, which is never shared.
        """
        with self._changing(account_id) as (session, row):
            if row.owner != ORGANISATION:
                raise StoreError("This account is a user's own; connect one for the organisation to share it.")
            _share(row, users)
            return self._changed_account(session, row, "shared")

    def disable(self, account_id: str, why: str = "It was switched off.") -> ConnectedAccount:
        """Stop its use from the next call on; nothing is forgotten."""
        with self._changing(account_id) as (session, row):
            row.status, row.reason = Status.INACTIVE, names.reason(why)
            return self._changed_account(session, row, "switched off")

    def enable(self, account_id: str) -> ConnectedAccount:
        """Undo `disable`: ACTIVE again, or INITIATED where it was never filled. Others stay as they are."""
        with self._changing(account_id) as (session, row):
            if row.status != Status.INACTIVE:
                return to_account(row)
            row.status, row.reason = (Status.ACTIVE if row.sealed else Status.INITIATED), None
            return self._changed_account(session, row, "switched on")

    def disconnect(self, account_id: str) -> ConnectedAccount:
        """Forget it, its credentials and its links. If it was the default, the oldest active one becomes it."""
        with self._changing(account_id) as (session, row):
            gone = self._changed_account(session, row, "disconnected" if row.connected_at else "removed")
            heirs = _siblings(row).where(AccountRow.status == Status.ACTIVE)
            session.delete(row)
            session.flush()
            if gone.default:
                for heir in session.scalars(heirs.order_by(AccountRow.created_at, AccountRow.id).limit(1)):
                    heir.is_default = True
            return gone

    def _add(
        self, session: Session, toolkit: str, user_id: str | None, alias: str | None, users: Iterable[str] | None
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
        )
        if user_id is None:
            _share(row, users)
        self.lock_accounts(session, row.toolkit, row.owner)
        self._replace_unconnected(session, row, alias)
        row.alias = _free(session, row, alias)
        session.add(row)
        session.flush()
        return row

    def _fill(self, session: Session, row: AccountRow, credentials: Mapping[str, str]) -> None:
        hold(session, self._sealer)
        fill(self._sealer, row, credentials)
        row.status, row.reason, row.connected_at = Status.ACTIVE, None, now()
        if not row.is_default and session.scalar(_siblings(row).where(AccountRow.is_default)) is None:
            row.is_default = True

    def _replace_unconnected(self, session: Session, row: AccountRow, alias: str | None) -> None:
        """Whoever begins anew under an alias replaces what nobody has connected yet, and its links."""
        if alias is None:
            return
        begun = _siblings(row).where(
            AccountRow.alias == names.alias(alias),
            AccountRow.connected_at.is_(None),
            AccountRow.status != Status.INACTIVE,
        )
        for former in session.scalars(begun.with_for_update()):
            self._changed_account(session, former, "replaced by a new beginning")
            session.delete(former)
        session.flush()

    @contextmanager
    def _changing(self, account_id: str) -> Iterator[tuple[Session, AccountRow]]:
        """An account's row, to be changed in a transaction that nobody else gets in the way of."""
        with self._database.write() as session:
            row = _found(session, account_id)
            self.lock_accounts(session, row.toolkit, row.owner)
            row = _found(session, account_id, lock=True)
            row.updated_at = now()
            yield session, row

    def _changed_account(self, session: Session, row: AccountRow, change: str) -> ConnectedAccount:
        """The account as it is now, and a line in the log about what was done with it."""
        account = to_account(row)
        self._database.log_change(session, f"account {account.id} of {account.owner} ({account.toolkit}): {change}")
        return account

    def lock_accounts(self, session: Session, toolkit: str, owner: str) -> None:
        """Let one at a time change an owner's accounts in a toolkit: they share a default, and aliases."""
        self._database.lock(session, f"accounts {toolkit} {owner}")


def _found(session: Session, account_id: str, *, lock: bool | dict[str, bool] = False) -> AccountRow:
    row = None
    if names.possible_id(account_id):
        row = session.get(AccountRow, account_id, with_for_update=lock or None, populate_existing=bool(lock))
    if row is None:
        raise UnknownAccount("There is no such connected account.")
    return row


def _siblings(row: AccountRow) -> Select[AccountRow]:
    """The owner's other accounts in the toolkit."""
    same = (AccountRow.toolkit == row.toolkit, AccountRow.owner == row.owner)
    return select(AccountRow).where(*same, AccountRow.id != row.id)


def _free(session: Session, row: AccountRow, alias: str | None) -> str | None:
    """The alias, if no sibling has it."""
    if alias is None:
        return None
    alias = names.alias(alias)
    if session.scalar(_siblings(row).where(AccountRow.alias == alias)) is not None:
        raise AliasTaken("There is another account with that alias.")
    return alias


def _share(row: AccountRow, users: Iterable[str] | None) -> None:
    wanted = {names.user(user) for user in users or ()}
    row.for_everyone = users is None
    kept = [share for share in row.shares if share.user_id in wanted]
    added = wanted - {share.user_id for share in kept}
    row.shares = kept + [ShareRow(user_id=user) for user in sorted(added)]
