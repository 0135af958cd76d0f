"""Reads single calls from the ledger: one by its id, or a page of those that a filter matches, newest first."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, literal_column, select
from sqlalchemy.orm import Session

from ..store.database import Database
from ..store.tables import CallGroupRow, CallRow, UsageDayRow
from .entry import (
    DIMENSIONS,
    UNSETTLED,
    Entry,
    began_at,
    day_of,
    first_id_at,
    id_as_text,
    id_from_text,
    new_id,
    to_dollars,
)
from .running import COLUMNS as RUNNING
from .running import RunningCalls

MAX_PAGE = 1000
# So many matches of the groups are looked up by their index and sorted; for more, the table itself is read in order.
_MAX_SORTED = 5_000
_WINDOWS = (1, 14, None)
_call: Any = CallRow.__table__
_group: Any = CallGroupRow.__table__
_day: Any = UsageDayRow.__table__


@dataclass(frozen=True)
class CallFilter:
    """Which calls are wanted; None for all. Texts match exactly.

    Attributes:
        users: calls of one of these users.
        model: the model that answered, or that was asked for if none did.
        successful: whether the call succeeded.
        since: calls that began at this moment or later.
        until: calls that began before this moment.
    """

    users: tuple[str, ...] | None = None
    toolkit: str | None = None
    action: str | None = None
    model: str | None = None
    provider: str | None = None
    token_id: str | None = None
    account_id: str | None = None
    agent: str | None = None
    session_id: str | None = None
    error_type: str | None = None
    successful: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class CallEntry:
    """One call in the ledger.

    Attributes:
        id: `call_` and 16 hexadecimal digits.
        at: when it began.
        model: the model that answered, or that was asked for if none did; None for a call of no model.
        status: the HTTP status of the last answer.
        attempts: how many requests were sent.
        milliseconds: how long it took; None if it has not ended.
        first_token_ms: milliseconds until a streamed answer began.
        cost: in US dollars; None if it is unknown or there is none.
        billing: how it stands with the cost: `free`, `known`, `unsettled` (it will be looked up), `unknown`, or
            `nothing` was billed.
    """

    id: str
    at: datetime
    toolkit: str
    action: str | None
    user_id: str
    account_id: str | None
    token_id: str | None
    agent: str | None
    session_id: str | None
    request_id: str | None
    request_model: str | None
    model: str | None
    provider: str | None
    successful: bool
    error_type: str | None
    status: int | None
    attempts: int
    milliseconds: int | None
    first_token_ms: int | None
    tokens_in: int | None
    tokens_out: int | None
    cost: Decimal | None
    billing: str
    generation_id: str | None
    streamed: bool
    cached: bool | None


@dataclass(frozen=True)
class CallPage:
    """A page of calls; `next` is the cursor of the next one, None on the last."""

    calls: tuple[CallEntry, ...]
    next: str | None


def find(
    database: Database, running: RunningCalls, text: str, users: tuple[str, ...] | None = None
) -> CallEntry | None:
    """Return a call by its id; None if there is none, or if it is of none of the users."""
    number = id_from_text(text)
    if number is None:
        return None
    found = next(iter(running.find([RUNNING.id == number], 1)), None)  # first, since it may end meanwhile
    with database.read() as session:
        found = ended(session, number) or found
    return None if found is None or (users is not None and found.user_id not in users) else _to_call(found)


def page(
    database: Database, running: RunningCalls, wanted: CallFilter, *, cursor: str | None = None, limit: int = 50
) -> CallPage:
    """Return calls, newest first. Calls that begin while pages are read change nothing on later pages.

    Raises:
        ValueError: the cursor is none, or `limit` is not from 1 to 1000.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page has 1 to {MAX_PAGE} calls")
    before = None if cursor is None else id_from_text(cursor)
    if cursor is not None and before is None:
        raise ValueError("the cursor is none that a page gave")
    # Running ones first: one that ends meanwhile is found twice, and not never.
    found = {entry.id: entry for entry in running.find(_conditions(wanted, before, RUNNING), limit + 1)}
    with database.read() as session:
        found |= {entry.id: entry for entry in _newest(session, wanted, before, limit + 1)}
    entries = [found[number] for number in sorted(found, reverse=True)[: limit + 1]]
    calls = tuple(_to_call(entry) for entry in entries[:limit])
    return CallPage(calls, calls[-1].id if len(entries) > limit else None)


def ended(session: Session, call_id: int) -> Entry | None:
    """Return a call that has ended, by its number."""
    row = session.execute(_rows().where(_call.c.id == call_id)).first()
    return None if row is None else _to_entry(row)


def unsettled(session: Session, limit: int, *, before: int) -> list[Entry]:
    """Return the newest calls that have ended, and whose cost has to be looked up, of those with lower ids."""
    query = _rows().where(_call.c.billing == literal_column(f"'{UNSETTLED}'"), _call.c.id < before)
    return [_to_entry(row) for row in session.execute(query.order_by(_call.c.id.desc()).limit(limit))]


def locked(session: Session, call_id: int) -> Entry | None:
    """Return one call that has ended, whose row is locked until the transaction ends."""
    row = session.execute(_rows().where(_call.c.id == call_id).with_for_update(of=_call)).first()
    return None if row is None else _to_entry(row)


def _newest(session: Session, wanted: CallFilter, before: int | None, limit: int) -> list[Entry]:
    """Return the newest calls that match.

    The daily sums tell on which days calls of matching groups are, so no index for each column is needed: only days
    with matches are read, by the groups' index if they are few, else in order.
    """
    bounds = _time_bounds(wanted, before, _call.c)
    conditions = group_conditions(wanted, _group.c)
    if wanted.session_id is not None:
        return _read(session, [*bounds, *conditions, _is_session(wanted.session_id, _call.c)], limit)
    if not conditions:
        return _read(session, bounds, limit)
    found: list[Entry] = []
    last = _last_day(wanted, before)
    while len(found) < limit:
        span = _span(session, conditions, wanted, last, limit - len(found))
        if span is None:
            break
        first, end, matches = span
        within = [_call.c.id >= first_id_at(_midnight(first)), *bounds]
        if end is not None:
            within.append(_call.c.id < first_id_at(_midnight(end + timedelta(days=1))))
        by_group = matches <= _MAX_SORTED
        found += _read(session, [*within, *conditions], limit - len(found), by_group=by_group)
        last = first - timedelta(days=1)
    return found


def _span(
    session: Session, conditions: list[ColumnElement[bool]], wanted: CallFilter, last: date | None, needed: int
) -> tuple[date, date | None, int] | None:
    """Return the newest days, up to `last`, that have as many matches as are needed: first day, last one, matches.

    It looks at a few days first: most filters match many calls of each.
    """
    first: date | None = None
    matches = 0
    newest = last or day_of(new_id())
    oldest = date.min if wanted.since is None else day_of(first_id_at(wanted.since))
    until = newest
    for days in _WINDOWS:
        since = oldest if days is None else max(oldest, newest - timedelta(days=days))
        groups = select(_group.c.id).where(*conditions)
        query = select(_day.c.day, func.sum(_day.c.calls)).where(_day.c.group_id.in_(groups))
        query = query.where(_day.c.day >= since, _day.c.day <= until).group_by(_day.c.day)
        for day, calls in session.execute(query.order_by(_day.c.day.desc())):
            if calls:
                first, matches = day, matches + int(calls)
            if first is not None and matches >= needed:
                return first, last, matches
        until = since - timedelta(days=1) if since > date.min else since
        if since == oldest:
            break
    return None if first is None else (first, last, matches)


def _read(
    session: Session, conditions: list[ColumnElement[bool]], limit: int, *, by_group: bool | None = None
) -> list[Entry]:
    """Return the newest rows that match, by the groups' index or in order; a hint says in which way to SQLite."""
    query = _rows().where(*conditions).order_by(_call.c.id.desc()).limit(limit)
    if by_group is not None:
        hint = "INDEXED BY ix_ort_calls_group_id_id" if by_group else "NOT INDEXED"
        query = query.with_hint(_call, hint, "sqlite")
    return [_to_entry(row) for row in session.execute(query)]


def _rows() -> Select[Any]:
    columns = [_call.c[column.name] for column in _call.columns]
    groups = [_group.c[name] for name in DIMENSIONS]
    return select(*columns, *groups).join(_group, _group.c.id == _call.c.group_id)


def group_conditions(wanted: CallFilter, columns: Any) -> list[ColumnElement[bool]]:
    """Return what a filter asks of what calls have in common."""
    found: list[ColumnElement[bool]] = []
    for name in DIMENSIONS:
        value = getattr(wanted, name, None)
        if value is not None:
            found.append(columns[name] == value if "\0" not in value else false())  # PostgreSQL takes no NUL
    if wanted.users is not None:
        found.append(columns["user_id"].in_([user for user in wanted.users if "\0" not in user]))
    if wanted.successful is not None:
        found.append(columns["error_type"] == "" if wanted.successful else columns["error_type"] != "")
    return found


def filtered_dimensions(wanted: CallFilter) -> set[str]:
    """Return the dimensions that a filter asks something of."""
    found = {name for name in DIMENSIONS if getattr(wanted, name, None) is not None}
    found |= set() if wanted.users is None else {"user_id"}
    return found if wanted.successful is None else {*found, "error_type"}


def _conditions(wanted: CallFilter, before: int | None, columns: Any) -> list[ColumnElement[bool]]:
    """Return what a filter asks of columns of calls."""
    found = [*_time_bounds(wanted, before, columns), *group_conditions(wanted, columns)]
    return found if wanted.session_id is None else [*found, _is_session(wanted.session_id, columns)]


def _is_session(session_id: str, columns: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = false() if "\0" in session_id else columns.session_id == session_id
    return found


def _time_bounds(wanted: CallFilter, before: int | None, columns: Any) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if before is not None:
        found.append(columns.id < before)
    if wanted.since is not None:
        found.append(columns.id >= first_id_at(wanted.since))
    if wanted.until is not None:
        found.append(columns.id < first_id_at(wanted.until))
    return found


def _last_day(wanted: CallFilter, before: int | None) -> date | None:
    bounds = [number for number in (before, None if wanted.until is None else first_id_at(wanted.until)) if number]
    return day_of(min(bounds)) if bounds else None


def _midnight(day: date) -> datetime:
    return began_at(0).replace(year=day.year, month=day.month, day=day.day)


def _to_entry(row: Any) -> Entry:
    return Entry(**{field.name: getattr(row, field.name) for field in fields(Entry)})


def _to_call(entry: Entry) -> CallEntry:
    derived = {
        "id": id_as_text(entry.id),
        "at": began_at(entry.id),
        "successful": not entry.error_type,
        "cost": None if entry.cost is None else to_dollars(entry.cost),
    }
    names = {field.name for field in fields(CallEntry)} - derived.keys()
    others = {name: getattr(entry, name) for name in names}
    absent = {name: None for name in DIMENSIONS if name in names and not others[name]}
    kept = {"toolkit": entry.toolkit, "user_id": entry.user_id}
    return CallEntry(**{**others, **absent, **derived, **kept})
