"""The rows of connected accounts: loaded, compared with the owner's others, shared."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from . import names
from .errors import AliasTaken, UnknownAccount
from .tables import AccountRow, ShareRow


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


def share_with(row: AccountRow, users: Iterable[str] | None) -> None:
    """Set the users of an organisation's account; None for all users."""
    user_ids = {names.user(user) for user in users or ()}
    row.for_everyone = users is None
    kept = [share for share in row.shares if share.user_id in user_ids]
    added = user_ids - {share.user_id for share in kept}
    row.shares = kept + [ShareRow(user_id=user) for user in sorted(added)]
