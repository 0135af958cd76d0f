"""The store as the registry's accounts: whose key a call is made with, and what becomes known about it."""

from __future__ import annotations

import logging
import shlex
from datetime import timedelta
from time import monotonic

from sqlalchemy import or_, select, update

from ..accounts import Credentials
from . import names
from .account import AccountCredentials, Status, decrypt_credentials
from .account_query import BEST_FIRST, usable_by
from .clock import now
from .database import Database
from .encryption.sealing import Sealer
from .errors import StoreError
from .tables import AccountRow

_log = logging.getLogger("openrouter_toolkit")
_USED_EVERY = 60.0
_MOST_REMEMBERED = 10_000


class StoredAccounts:
    """The `Accounts` of a store, for `ToolRegistry.from_manifest(accounts=...)`. Safe from many threads.

    Each call asks the database anew, so what another process connects or disconnects counts at once.
    """

    def __init__(self, database: Database, sealer: Sealer, connect_page: str | None = None) -> None:
        """See `Store.for_registry`, which is how it is made."""
        self._database = database
        self._sealer = sealer
        self._connect_page = connect_page
        self._used: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<StoredAccounts in {self._database.name}>"

    def credentials(self, user_id: str, toolkit: str, *, account_id: str | None = None) -> AccountCredentials | None:
        """The credentials of the best account that is ACTIVE and that the user may use, or None.

        A user's own come before the organisation's, and among each the default first. With an `account_id`, it is
        that account or none: one that the user may not use is as one that does not exist.

        Raises:
            SealBroken: the best account's can't be opened. No other is used in its place.
            StoreUnavailable: the database can't be used.
        """
        if not names.possible_user(user_id):
            return None
        best = select(AccountRow).where(usable_by(user_id, names.slug(toolkit)), AccountRow.status == Status.ACTIVE)
        if account_id is not None and not names.possible_id(account_id):
            return None
        if account_id is not None:
            best = best.where(AccountRow.id == account_id)
        with self._database.read() as session:
            row = session.scalars(best.order_by(*BEST_FIRST).limit(1)).first()
        return None if row is None else decrypt_credentials(self._sealer, row)

    def knows(self, user_id: str, toolkit: str) -> bool:
        """Whether there is any account that the user may use, or could if it were not off, expired or unfinished."""
        if not names.possible_user(user_id):
            return False
        with self._database.read() as session:
            return (
                session.scalar(select(AccountRow.id).where(usable_by(user_id, names.slug(toolkit))).limit(1))
                is not None
            )

    def how_to_connect(self, user_id: str, toolkit: str) -> str:
        """What somebody has to do; and why, where the user has an account that can't be used."""
        if not names.possible_user(user_id):
            return "No account can be connected for such a user_id."
        row = self._unusable(user_id, toolkit)
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
        """Note that an account was used just now; to be called with what `credentials` gave. Never raises.

        Each account is written at most once a minute, by one of the processes.
        """
        if not isinstance(credentials, AccountCredentials) or not self._due(credentials.account_id):
            return
        at = now()
        since = at - timedelta(seconds=_USED_EVERY)
        note = (
            update(AccountRow)
            .where(AccountRow.id == credentials.account_id)
            .where(or_(AccountRow.last_used_at.is_(None), AccountRow.last_used_at < since))
            .values(last_used_at=at)
        )
        self._database.write_optional(note, "that an account was used")

    def refused(self, credentials: Credentials, why: str) -> bool:
        """Mark the account EXPIRED whose key the API just refused; to be called with what `credentials` gave.

        Only if it has the same credentials still, and is ACTIVE: an account that was connected anew, switched off
        or disconnected meanwhile stays as it is. Never raises; whether it was marked.
        """
        if not isinstance(credentials, AccountCredentials):
            return False
        mark = (
            update(AccountRow)
            .where(AccountRow.id == credentials.account_id, AccountRow.version == credentials.version)
            .where(AccountRow.status == Status.ACTIVE)
            .values(status=Status.EXPIRED, reason=names.reason(why), updated_at=now())
            .returning(AccountRow.owner, AccountRow.toolkit)
        )
        try:
            with self._database.write() as session:
                marked = session.execute(mark).first()
                if marked is not None:
                    whose = f"{names.owner_in_words(marked.owner or None)} ({marked.toolkit})"
                    change = f"account {credentials.account_id} of {whose}: EXPIRED: {names.reason(why)}"
                    self._database.log_change(session, change)
                return marked is not None
        except StoreError as error:
            _log.warning("an account was not marked as expired: %s", error)
            return False

    def _due(self, account_id: str) -> bool:
        """Whether this process wrote nothing about the account's use for a minute; asking counts as writing."""
        at = monotonic()
        if at - self._used.get(account_id, -_USED_EVERY) < _USED_EVERY:
            return False
        if len(self._used) >= _MOST_REMEMBERED:
            self._used.clear()
        self._used[account_id] = at  # two threads at once may both do so: the statement itself looks again
        return True

    def _unusable(self, user_id: str, toolkit: str) -> AccountRow | None:
        """The best of the user's accounts that can't be used; None without one, or if the database fails."""
        best = select(AccountRow).where(usable_by(user_id, names.slug(toolkit)), AccountRow.status != Status.ACTIVE)
        try:
            with self._database.read() as session:
                return session.scalars(best.order_by(*BEST_FIRST).limit(1)).first()
        except StoreError:
            return None
