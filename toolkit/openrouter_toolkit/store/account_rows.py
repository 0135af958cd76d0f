"""The rows of connected accounts: loaded, compared with the owner's others, shared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from . import names
from .account import Status
from .audit.record import EVERY_USER, Change
from .columns import now
from .database import Database
from .errors import AliasTaken, UnknownAccount
from .tables import ORGANISATION, AccountRow, ShareRow


def load_row(session: Session, account_id: str, *, lock: bool | dict[str, bool] = False) -> AccountRow:
    """Return an account's row, locked if wanted. Raises `UnknownAccount`."""
    row = None
    if names.possible_id(account_id):
        row = session.get(AccountRow, account_id, with_for_update=lock or None, populate_existing=bool(lock))
    if row is None:
        raise UnknownAccount("There is no such connected account.")
    return row


def other_accounts(row: AccountRow) -> Select[AccountRow]:
    """Select the owner's other accounts in the toolkit."""
    same = (AccountRow.toolkit == row.toolkit, AccountRow.owner == row.owner)
    return select(AccountRow).where(*same, AccountRow.id != row.id)


def available_alias(session: Session, row: AccountRow, alias: str | None) -> str | None:
    """Return the alias, stripped; raise `AliasTaken` if another account of the owner has it."""
    if alias is None:
        return None
    alias = names.alias(alias)
    if session.scalar(other_accounts(row).where(AccountRow.alias == alias)) is not None:
        raise AliasTaken("There is another account with that alias.")
    return alias


def expire(database: Database, session: Session, row: AccountRow, why: str) -> None:
    """Mark an account as EXPIRED, and record it."""
    before = recorded_facts(row)
    row.status, row.reason, row.updated_at = Status.EXPIRED, why, now()
    database.record(session, change_of(row, "expired", f"EXPIRED: {why}", before=before, after=recorded_facts(row)))


def remove(database: Database, session: Session, row: AccountRow, words: str = "removed") -> None:
    """Delete an account that was never connected, and record it."""
    database.record(session, change_of(row, "removed", words, before=recorded_facts(row)))
    session.delete(row)


def change_of(row: AccountRow, what: str, words: str, **facts: dict[str, Any] | None) -> Change:
    """Return the change of an account: `what` is the second part of the action, `words` stand in the server's log."""
    owner = row.owner or None
    line = f"account {row.id} of {names.owner_in_words(owner)} ({row.toolkit}): {words}"
    return Change(f"account.{what}", row.id, row.alias, owner, line=line, **facts)


def recorded_facts(row: AccountRow) -> dict[str, Any]:
    """Return what the audit log keeps of an account: of its keys, the last four characters that the pages show."""
    facts: dict[str, Any] = {
        "toolkit": row.toolkit,
        "status": row.status,
        "reason": row.reason,
        "alias": row.alias,
        "default": row.is_default,
        "auth_config": row.auth_config_id,
        "keys": dict(row.last_four),
        "version": row.version,
    }
    if row.owner == ORGANISATION:
        facts["users"] = EVERY_USER if row.for_everyone else sorted(share.user_id for share in row.shares)
    return facts


def share_with(row: AccountRow, users: Iterable[str] | None) -> None:
    """Set the users of an organisation's account; None for all users."""
    user_ids = {names.user(user) for user in users or ()}
    row.for_everyone = users is None
    kept = [share for share in row.shares if share.user_id in user_ids]
    added = user_ids - {share.user_id for share in kept}
    row.shares = kept + [ShareRow(user_id=user) for user in sorted(added)]
