"""The store as the registry's accounts: selects the account of each call, and records its use and refused keys."""

from __future__ import annotations

import logging
import shlex
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import select

from ..accounts import Accounts, Credentials
from . import account_health, names, outbox
from .account import AccountCredentials, Status, decrypt_credentials
from .account_query import in_use, usable_by
from .account_rows import expire
from .columns import now
from .database import Database
from .encryption.sealing import Sealer
from .errors import StoreError
from .lookups import Lookups
from .tables import ORGANISATION, AccountRow

_FELL_BACK = "account.fell_back"
_MAX_REMEMBERED = 10_000
_log = logging.getLogger("openrouter_toolkit")


class _Chosen(NamedTuple):
    """The account for a user's calls; `own` is the user's own one if it can't be used and the organisation's is."""

    row: AccountRow
    own: AccountRow | None


class StoredAccounts:
    """The `Accounts` of a store, for `ToolRegistry.from_manifest(accounts=...)`. Safe for many threads.

    Each call asks the database for changes, so it sees at once what another process connects or disconnects.
    """

    def __init__(self, database: Database, lookups: Lookups, sealer: Sealer, connect_page: str | None = None) -> None:
        """Created by `Store.for_registry`."""
        self._database = database
        self._lookups = lookups
        self._sealer = sealer
        self._connect_page = connect_page
        self._fallen_back: dict[tuple[str, str], date] = {}

    def __repr__(self) -> str:
        return f"<StoredAccounts in {self._database.name}>"

    def credentials(self, user_id: str, toolkit: str, *, account_id: str | None = None) -> AccountCredentials | None:
        """Return the credentials of the best ACTIVE account that the user may use, or None.

        A user's own accounts come before the organisation's, and in each group the default comes first. With an
        `account_id`, only that account is considered; None if it does not exist or the user may not use it.

        Raises:
            SealBroken: the best account's credentials can't be decrypted. No other account is used instead.
            StoreUnavailable: the database can't be used.
        """
        if not names.possible_user(user_id) or not (account_id is None or names.possible_id(account_id)):
            return None

        def load() -> _Chosen | None:
            named = () if account_id is None else (AccountRow.id == account_id,)
            row = self._database.read_first(usable_by(user_id, toolkit, in_use(), *named))
            if row is None:
                return None
            falls_back = row.owner == ORGANISATION and account_id is None
            return _Chosen(row, self._own(user_id, toolkit) if falls_back else None)

        # What is kept is encrypted: each call decrypts it again.
        chosen = self._lookups.get(load, "account", user_id, toolkit, account_id or "")
        if chosen is None:
            return None
        if chosen.own is not None:
            self._fell_back(chosen.own, chosen.row)
        return decrypt_credentials(self._sealer, chosen.row)

    def knows(self, user_id: str, toolkit: str) -> bool:
        """Return whether there is any account for the user, in any status."""
        if not names.possible_user(user_id):
            return False
        return self._database.read_first(usable_by(user_id, toolkit)) is not None

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """Return what a person has to do; and the reason, if the user has an account that can't be used."""
        if not names.possible_user(user_id):
            return "No account can be connected for such a user_id."
        try:
            row = self._database.read_first(usable_by(user_id, toolkit, AccountRow.status != Status.ACTIVE))
        except StoreError:
            row = None
        is_off = row is not None and row.status == Status.INACTIVE
        if self._connect_page is not None:
            what = "switch it on" if is_off else "connect an account for that user"
            how = f"Somebody has to open {self._connect_page} and {what}."
        else:
            user = f"connect --user-id {shlex.quote(user_id)}"
            command = f"accounts enable {row.id}" if row is not None and is_off else user
            how = f"Somebody has to run `openrouter-toolkit {command}`."
        if row is None:
            return how
        return f"The account {row.alias or row.id} is {row.status}{f': {row.reason}' if row.reason else '.'} {how}"

    def used(self, credentials: Credentials) -> None:
        """Record that an account was used now. Takes the result of `credentials`. Never raises.

        Each account is written at most once a minute over all processes.
        """
        if isinstance(credentials, AccountCredentials):
            self._database.record_use(AccountRow.last_used_at, credentials.account_id, "that an account was used")

    def refused(self, credentials: Credentials, why: str) -> bool:
        """Mark an account EXPIRED after the API refused its key. Takes the result of `credentials`. Never raises.

        Returns whether it was marked: only an ACTIVE account that still has the same credentials is. One that was
        connected again, disabled or disconnected meanwhile does not change.
        """
        if not isinstance(credentials, AccountCredentials):
            return False
        same = (AccountRow.id == credentials.account_id, AccountRow.version == credentials.version)
        query = select(AccountRow).where(*same, AccountRow.status == Status.ACTIVE).with_for_update()
        try:
            with self._database.write() as session:
                row = session.scalar(query)
                if row is not None:
                    expire(self._database, session, row, names.reason(why))
                    account_health.refused(session, row.id, why)
                return row is not None
        except StoreError as error:
            _log.warning("an account was not marked as expired: %s", error)
            return False

    def _own(self, user_id: str, toolkit: str) -> AccountRow | None:
        """Return an account that the user owns and that was connected once."""
        own = select(AccountRow).where(AccountRow.owner == user_id, AccountRow.toolkit == names.slug(toolkit))
        return self._database.read_first(
            own.where(AccountRow.connected_at.is_not(None)).order_by(AccountRow.is_default.desc(), AccountRow.id)
        )

    def _fell_back(self, own: AccountRow, used: AccountRow) -> None:
        """Log and report, once a day, that a user's calls use the organisation's account. Never raises."""
        today, key = now().date(), (own.owner, own.toolkit)
        if self._fallen_back.get(key) == today:
            return
        if len(self._fallen_back) >= _MAX_REMEMBERED:
            self._fallen_back.clear()
        self._fallen_back[key] = today
        why = f"It is {own.status}{f': {own.reason}' if own.reason else '.'}"
        _log.warning("calls of user %s use the organisation's account instead of %s: %s", own.owner, own.id, why)
        try:
            if not outbox.is_wanted(self._database, self._lookups, _FELL_BACK):
                return
            with self._database.write(counts_as_change=False) as session:
                subject = f"{own.toolkit} {own.owner}"
                if outbox.first_time(self._database, session, _FELL_BACK, subject, again_after=timedelta(days=1)):
                    described = account_health.described_row(own)
                    outbox.emit(session, _FELL_BACK, **described, why=why, used_account_id=used.id)
        except StoreError as error:
            _log.warning("that calls use the organisation's account was not reported: %s", error)


class StoredOrEnvironment:
    """The store's accounts; for a user who has none there, in any status, those of `environment`.

    A disabled or expired account is not replaced: a person who disabled it does not want another key to be used.
    """

    def __init__(self, stored: StoredAccounts, environment: Accounts) -> None:
        self._stored = stored
        self._environment = environment
        # What the store says, since there the key is encrypted; it ignores the credentials of the environment.
        self.how_to_connect = stored.how_to_connect
        self.used = stored.used
        self.refused = stored.refused

    def __repr__(self) -> str:
        return f"<StoredOrEnvironment {self._stored!r}, {self._environment!r}>"

    def credentials(self, user_id: str, toolkit: str, *, account_id: str | None = None) -> Credentials | None:
        """Return the best credentials. Errors of the store are raised; no other key is used instead."""
        found = self._stored.credentials(user_id, toolkit, account_id=account_id)
        if found is not None or account_id is not None or self._stored.knows(user_id, toolkit):
            return found
        return self._environment.credentials(user_id, toolkit)
