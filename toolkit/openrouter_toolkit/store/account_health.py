"""The health of connected accounts: what checks of their keys found out, beside the status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session, selectinload

from . import names, outbox
from .account import ConnectedAccount, Status, to_account
from .account_rows import load_row
from .columns import now
from .database import Database
from .errors import UnknownAccount
from .tables import AccountRow, HealthRow

# A check that fails says nothing about the key; after this time, nothing is known of it any more.
_KNOWN_FOR = timedelta(days=1)
# A time from further in the future was written by a clock that went wrong.
_CLOCK_TOLERANCE = timedelta(minutes=5)
_SOME = 500
UNITS = 10**12


class Health(StrEnum):
    """Whether an account's key works, and will go on to."""

    OK = "ok"
    REFUSED = "refused"
    LOW = "low"
    EXPIRING = "expiring"
    UNKNOWN = "unknown"


# The events of conditions, and which of several conditions is shown: the first.
_EVENTS = {Health.LOW: "account.low", Health.EXPIRING: "account.expiring"}


@dataclass(frozen=True)
class AccountHealth:
    """The health of one account.

    Attributes:
        state: ok, refused, low, expiring or unknown.
        why: the reason in a sentence; None for ok.
        since: since when it is so; None if it was never checked.
        checked_at: when the API last answered about the key.
        expires_at: when the key expires, None if it does not or is not known to.
        spent_elsewhere: US dollars spent with the key by others than this installation, as far as it was noticed.
        spent_elsewhere_at: when that was last noticed.
    """

    state: Health
    why: str | None = None
    since: datetime | None = None
    checked_at: datetime | None = None
    expires_at: datetime | None = None
    spent_elsewhere: Decimal | None = None
    spent_elsewhere_at: datetime | None = None


@dataclass(frozen=True)
class Spending:
    """How a key's usage, as the API reports it, compares with the ledger; in units of 10^-12 US dollars.

    Attributes:
        drift: the usage less what the ledger knows.
        unpriced: how many calls the ledger has whose cost can't be found out.
        elsewhere: what was newly spent elsewhere, 0 if nothing.
    """

    drift: int
    unpriced: int
    elsewhere: int = 0


@dataclass(frozen=True)
class Finding:
    """What a check found out about a key that the API takes.

    Attributes:
        conditions: `Health.LOW` and `Health.EXPIRING` where they hold, each with a sentence.
        expires_at: when the key expires.
        limit: the key's limit in US dollars, and what remains of it.
        limit_remaining: see `limit`.
        spending: how its usage compares with the ledger; None if that is not known.
    """

    conditions: Mapping[Health, str]
    expires_at: datetime | None = None
    limit: Decimal | None = None
    limit_remaining: Decimal | None = None
    spending: Spending | None = None


class HealthOfAccounts:
    """The health of all connected accounts. Safe for many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, accounts: Iterable[ConnectedAccount]) -> dict[str, AccountHealth]:
        """Return the health of some accounts by their ids."""
        by_id = {account.id: account for account in accounts}
        ids = list(by_id)
        rows: dict[str, HealthRow] = {}
        for start in range(0, len(ids), _SOME):
            query = select(HealthRow).where(HealthRow.account_id.in_(ids[start : start + _SOME]))
            rows |= {row.account_id: row for row in self._database.read_all(query)}
        return {account.id: _health(account, rows.get(account.id)) for account in by_id.values()}

    def due(self, toolkits: Sequence[str], interval: timedelta, limit: int) -> list[ConnectedAccount]:
        """Return ACTIVE accounts that were not tried within an interval, those that wait longest first."""
        at = now()
        due = or_(
            HealthRow.account_id.is_(None),
            HealthRow.tried_at.is_(None),
            HealthRow.tried_at <= at - interval,
            HealthRow.tried_at > at + _CLOCK_TOLERANCE,
            HealthRow.version != AccountRow.version,
        )
        query = (
            select(AccountRow)
            .outerjoin(HealthRow, HealthRow.account_id == AccountRow.id)
            .where(AccountRow.status == Status.ACTIVE, AccountRow.toolkit.in_(toolkits), due)
            .order_by(func.coalesce(HealthRow.tried_at, AccountRow.created_at), AccountRow.id)
            .options(selectinload(AccountRow.shares))
            .limit(limit)
        )
        return [to_account(row) for row in self._database.read_all(query)]

    def baseline(self, account: ConnectedAccount) -> tuple[Spending | None, datetime | None]:
        """Return how the usage of an account's present key compared with the ledger at the last check, and its time."""
        query = select(HealthRow).where(HealthRow.account_id == account.id, HealthRow.version == account.version)
        row = self._database.read_first(query)
        if row is None or row.drift is None:
            return None, None
        return Spending(row.drift, row.unpriced or 0), row.checked_at

    def found(self, account: ConnectedAccount, finding: Finding) -> None:
        """Record what a check found out, and emit events for what is new. An account that changed meanwhile stays."""
        at = now()
        with self._database.write(counts_as_change=False) as session:
            row = self._locked(session, account)
            if row is None:
                return
            conditions = [one for one in _EVENTS if one in finding.conditions]
            for condition in conditions:
                if condition not in row.conditions:
                    _emit(session, account, condition, finding)
            state = conditions[0] if conditions else Health.OK
            why = " ".join(finding.conditions[one] for one in conditions) or None
            _set(row, state, why, at)
            row.conditions = [str(one) for one in conditions]
            row.tried_at = row.checked_at = at
            row.expires_at = finding.expires_at
            if finding.spending is not None:
                _compare(session, account, row, finding.spending, at)

    def not_found_out(self, account: ConnectedAccount) -> None:
        """Record that a check had no answer about the key. After a day of that, the health is unknown."""
        at = now()
        with self._database.write(counts_as_change=False) as session:
            row = self._locked(session, account)
            if row is None:
                return
            row.tried_at = at
            if row.checked_at is None:
                row.why = "The key could not be checked yet."
            if row.checked_at is not None and not at - _KNOWN_FOR < row.checked_at <= at + _CLOCK_TOLERANCE:
                _set(row, Health.UNKNOWN, "The key could not be checked for a day.", at)
                row.conditions = []

    def _locked(self, session: Session, account: ConnectedAccount) -> HealthRow | None:
        """Return the health of an account, locked; None if the account was changed since it was read."""
        try:
            current = load_row(session, account.id, lock=True)
        except UnknownAccount:
            return None
        if current.status != Status.ACTIVE or current.version != account.version:
            return None
        return _row_of(session, current)


def connected(session: Session, row: AccountRow) -> None:
    """Forget what is known of an account's earlier key, and emit that it has another."""
    session.execute(delete(HealthRow).where(HealthRow.account_id == row.id))
    outbox.emit(session, "account.connected", **described_row(row))


def refused(session: Session, account_id: str, why: str) -> None:
    """Record that the API refused an account's key, and emit it. The caller has marked the account."""
    account = load_row(session, account_id)
    row, at = _row_of(session, account), now()
    _set(row, Health.REFUSED, names.reason(why), at)
    row.conditions = []
    row.tried_at = row.checked_at = at
    outbox.emit(session, "account.refused", **described_row(account), why=names.reason(why))


def described_row(row: AccountRow) -> dict[str, Any]:
    """Return what events say about an account."""
    return _described(row.id, row.toolkit, row.owner or None, row.alias)


def _of(account: ConnectedAccount) -> dict[str, Any]:
    return _described(account.id, account.toolkit, account.user_id, account.alias)


def _described(account_id: str, toolkit: str, user_id: str | None, alias: str | None) -> dict[str, Any]:
    return {"account_id": account_id, "toolkit": toolkit, "user_id": user_id, "alias": alias}


def _row_of(session: Session, account: AccountRow) -> HealthRow:
    row = session.get(HealthRow, account.id)
    if row is not None and row.version == account.version:
        return row
    if row is not None:
        session.delete(row)
        session.flush()
    row = HealthRow(account_id=account.id, version=account.version, state=Health.UNKNOWN, conditions=[], since=now())
    session.add(row)
    return row


def _set(row: HealthRow, state: Health, why: str | None, at: datetime) -> None:
    if row.state != state:
        row.state, row.since = state, at
    row.why = why


def _emit(session: Session, account: ConnectedAccount, condition: Health, finding: Finding) -> None:
    more: dict[str, Any] = {"why": finding.conditions[condition]}
    if condition == Health.EXPIRING:
        more["expires_at"] = finding.expires_at and finding.expires_at.isoformat()
    else:
        more |= {name: _text(getattr(finding, name)) for name in ("limit", "limit_remaining")}
    outbox.emit(session, _EVENTS[condition], **_of(account), **more)


def _compare(session: Session, account: ConnectedAccount, row: HealthRow, spending: Spending, at: datetime) -> None:
    row.drift, row.unpriced = spending.drift, spending.unpriced
    if spending.elsewhere:
        row.elsewhere = (row.elsewhere or 0) + spending.elsewhere
        row.elsewhere_at = at
        amounts = {"amount": _dollars(spending.elsewhere), "total": _dollars(row.elsewhere)}
        texts = {name: _text(amount) for name, amount in amounts.items()}
        outbox.emit(session, "account.used_elsewhere", **_of(account), **texts)


def _health(account: ConnectedAccount, row: HealthRow | None) -> AccountHealth:
    if row is not None and row.version != account.version:
        row = None
    if account.status == Status.EXPIRED and account.connected_at is not None:
        known = row is not None and row.state == Health.REFUSED
        since = row.since if row is not None and known else account.updated_at
        return AccountHealth(Health.REFUSED, account.reason, since, None if row is None else row.checked_at)
    if row is None:
        if account.status == Status.ACTIVE and _is_later(account.last_used_at, account.connected_at):
            return AccountHealth(Health.OK, since=account.connected_at)
        return AccountHealth(Health.UNKNOWN, "It was not checked yet.")
    state, why = Health(row.state), row.why
    if state == Health.UNKNOWN and _is_later(account.last_used_at, row.since):
        state, why = Health.OK, None  # a call proved what the check could not
    return AccountHealth(
        state,
        why,
        row.since,
        row.checked_at,
        row.expires_at,
        None if row.elsewhere is None else _dollars(row.elsewhere),
        row.elsewhere_at,
    )


def _is_later(used: datetime | None, than: datetime | None) -> bool:
    return used is not None and than is not None and used >= than


def _dollars(units: int) -> Decimal:
    return Decimal(units) / UNITS


def _text(amount: Decimal | None) -> str | None:
    """Return dollars as text, rounded to a hundredth of a cent, without superfluous zeros."""
    return None if amount is None else f"{amount.quantize(Decimal('0.0001')):f}".rstrip("0").rstrip(".")
