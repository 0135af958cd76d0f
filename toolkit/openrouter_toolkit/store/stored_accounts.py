"""The store as the registry's accounts: selects the account of each call, and records its use and refused keys."""

from __future__ import annotations

import logging
import shlex
from datetime import timedelta
from time import monotonic

from sqlalchemy import or_, select, update

from ..accounts import Credentials
from . import names
from .account import AccountCredentials, Status, decrypt_credentials
from .account_query import BEST_FIRST, of_enabled_auth_config, usable_by
from .clock import now
from .database import Database
from .encryption.sealing import Sealer
from .errors import StoreError
from .tables import AccountRow

_log = logging.getLogger("openrouter_toolkit")
_RECORD_INTERVAL = 60.0
_MAX_REMEMBERED = 10_000


class StoredAccounts:
    """The `Accounts` of a store, for `ToolRegistry.from_manifest(accounts=...)`. Safe for many threads.

    Each call reads the database, so it sees at once what another process connects or disconnects.
    """

    def __init__(self, database: Database, sealer: Sealer, connect_page: str | None = None) -> None:
        """Created by `Store.for_registry`."""
        self._database = database
        self._sealer = sealer
        self._connect_page = connect_page
        self._recorded_at: dict[str, float] = {}

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
        if not names.possible_user(user_id):
            return None
        usable = (usable_by(user_id, names.slug(toolkit)), AccountRow.status == Status.ACTIVE, of_enabled_auth_config())
        best = select(AccountRow).where(*usable)
        if account_id is not None and not names.possible_id(account_id):
            return None
        if account_id is not None:
            best = best.where(AccountRow.id == account_id)
        with self._database.read() as session:
            row = session.scalars(best.order_by(*BEST_FIRST).limit(1)).first()
        return None if row is None else decrypt_credentials(self._sealer, row)

    def knows(self, user_id: str, toolkit: str) -> bool:
        """Return whether there is any account for the user, in any status."""
        if not names.possible_user(user_id):
            return False
        with self._database.read() as session:
            return (
                session.scalar(select(AccountRow.id).where(usable_by(user_id, names.slug(toolkit))).limit(1))
                is not None
            )

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """Return what a person has to do; and the reason, if the user has an account that can't be used."""
        if not names.possible_user(user_id):
            return "No account can be connected for such a user_id."
        row = self._best_unusable(user_id, toolkit)
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
        if not isinstance(credentials, AccountCredentials) or not self._should_record_use(credentials.account_id):
            return
        at = now()
        threshold = at - timedelta(seconds=_RECORD_INTERVAL)
        statement = (
            update(AccountRow)
            .where(AccountRow.id == credentials.account_id)
            .where(or_(AccountRow.last_used_at.is_(None), AccountRow.last_used_at < threshold))
            .values(last_used_at=at)
        )
        self._database.write_optional(statement, "that an account was used")

    def refused(self, credentials: Credentials, why: str) -> bool:
        """Mark an account EXPIRED after the API refused its key. Takes the result of `credentials`. Never raises.

        Returns whether it was marked: only an ACTIVE account that still has the same credentials is. One that was
        connected again, disabled or disconnected meanwhile does not change.
        """
        if not isinstance(credentials, AccountCredentials):
            return False
        statement = (
            update(AccountRow)
            .where(AccountRow.id == credentials.account_id, AccountRow.version == credentials.version)
            .where(AccountRow.status == Status.ACTIVE)
            .values(status=Status.EXPIRED, reason=names.reason(why), updated_at=now())
            .returning(AccountRow.owner, AccountRow.toolkit)
        )
        try:
            with self._database.write() as session:
                marked = session.execute(statement).first()
                if marked is not None:
                    owner = f"{names.owner_in_words(marked.owner or None)} ({marked.toolkit})"
                    change = f"account {credentials.account_id} of {owner}: EXPIRED: {names.reason(why)}"
                    self._database.log_change(session, change)
                return marked is not None
        except StoreError as error:
            _log.warning("an account was not marked as expired: %s", error)
            return False

    def _should_record_use(self, account_id: str) -> bool:
        """Return whether a minute has passed since this process recorded the account's use. The call counts as one."""
        at = monotonic()
        if at - self._recorded_at.get(account_id, -_RECORD_INTERVAL) < _RECORD_INTERVAL:
            return False
        if len(self._recorded_at) >= _MAX_REMEMBERED:
            self._recorded_at.clear()
        self._recorded_at[account_id] = at  # a race of two threads is harmless: the statement checks the time again
        return True

    def _best_unusable(self, user_id: str, toolkit: str) -> AccountRow | None:
        """Return the best of the user's accounts that are not ACTIVE; None if there is none or the database fails."""
        best = select(AccountRow).where(usable_by(user_id, names.slug(toolkit)), AccountRow.status != Status.ACTIVE)
        try:
            with self._database.read() as session:
                return session.scalars(best.order_by(*BEST_FIRST).limit(1)).first()
        except StoreError:
            return None
