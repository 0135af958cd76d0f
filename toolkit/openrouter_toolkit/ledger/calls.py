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
_DAY = timedelta(days=1)
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
    """A page of calls.

    Attributes:
        next: the cursor of the page of older calls, None on the last.
        newer: what to give as `after` for the page of newer calls, None on the first.
    """

    calls: tuple[CallEntry, ...]
    next: str | None
    newer: str | None = None


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
    database: Database,
    running: RunningCalls,
    wanted: CallFilter,
    *,
    cursor: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> CallPage:
    """Return calls, newest first. Calls that begin while pages are read change nothing on later pages.

    Raises:
        ValueError: the cursor is none, or `limit` is not from 1 to 1000.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page has 1 to {MAX_PAGE} calls")
    edge = _edge(cursor, after)
    # Running ones first: one that ends meanwhile is found twice, and not never.
    begun = running.find(_conditions(wanted, edge, RUNNING), limit + 1, oldest_first=edge.is_newer)
    found = {entry.id: entry for entry in begun}
    with database.read() as session:
        found |= {entry.id: entry for entry in _nearest(session, wanted, edge, limit + 1)}
    nearest = sorted(found, reverse=not edge.is_newer)
    calls = tuple(_to_call(found[number]) for number in sorted(nearest[:limit], reverse=True))
    if not calls:
        return CallPage((), None)
    more = len(nearest) > limit
    has_older, has_newer = (True, more) if edge.is_newer else (more, edge.call_id is not None)
    return CallPage(calls, calls[-1].id if has_older else None, calls[0].id if has_newer else None)


@dataclass(frozen=True)
class _Edge:
    """Where a page begins: at the calls that are older than a call, or newer, or at the newest of all."""

    call_id: int | None
    is_newer: bool = False


def _edge(cursor: str | None, after: str | None) -> _Edge:
    text = cursor if after is None else after
    if text is None:
        return _Edge(None)
    number = id_from_text(text)
    if number is None or (cursor is not None and after is not None):
        raise ValueError("the cursor is none that a page gave")
    return _Edge(number, after is not None)


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


def _nearest(session: Session, wanted: CallFilter, edge: _Edge, limit: int) -> list[Entry]:
    """Return the calls that match and are nearest to the edge of a page.

    The daily sums tell on which days calls of matching groups are, so no index for each column is needed: only days
    with matches are read, by the groups' index if they are few, else in order.
    """
    newer = edge.is_newer
    bounds = _time_bounds(wanted, edge, _call.c)
    conditions = group_conditions(wanted, _group.c)
    if wanted.session_id is not None:
        return _read(session, [*bounds, *conditions, _is_session(wanted.session_id, _call.c)], limit, newer=newer)
    if not conditions:
        return _read(session, bounds, limit, newer=newer)
    found: list[Entry] = []
    first, last = _days(wanted, edge)
    while len(found) < limit:
        span = _span(session, conditions, first, last, limit - len(found), newer=newer)
        if span is None:
            break
        begin, end, matches = span
        within = [_call.c.id >= first_id_at(_midnight(begin)), _call.c.id < first_id_at(_midnight(end + _DAY)), *bounds]
        by_group = matches <= _MAX_SORTED
        found += _read(session, [*within, *conditions], limit - len(found), newer=newer, by_group=by_group)
        first, last = (end + _DAY, last) if newer else (first, begin - _DAY)
    return found


def _span(
    session: Session, conditions: list[ColumnElement[bool]], first: date, last: date, needed: int, *, newer: bool
) -> tuple[date, date, int] | None:
    """Return the first or the last days with as many matches as are needed: their first, their last, the matches.

    It looks at a few days first: most filters match many calls of each.
    """
    groups = select(_group.c.id).where(*conditions)
    near = first if newer else last
    matches = 0
    far: date | None = None
    for days in _WINDOWS:
        if first > last:
            break
        reach = (last - first).days if days is None else min(days, (last - first).days)
        begin, end = (first, first + reach * _DAY) if newer else (last - reach * _DAY, last)
        query = select(_day.c.day, func.sum(_day.c.calls)).where(_day.c.group_id.in_(groups))
        query = query.where(_day.c.day >= begin, _day.c.day <= end).group_by(_day.c.day)
        for day, calls in session.execute(query.order_by(_day.c.day if newer else _day.c.day.desc())):
            if calls:
                far, matches = day, matches + int(calls)
            if far is not None and matches >= needed:
                return min(near, far), max(near, far), matches
        first, last = (end + _DAY, last) if newer else (first, begin - _DAY)
    return None if far is None else (min(near, far), max(near, far), matches)


def _read(
    session: Session, conditions: list[ColumnElement[bool]], limit: int, *, newer: bool, by_group: bool | None = None
) -> list[Entry]:
    """Return the nearest rows that match, by the groups' index or in order; a hint says in which way to SQLite."""
    query = _rows().where(*conditions).order_by(_call.c.id if newer else _call.c.id.desc()).limit(limit)
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


def _conditions(wanted: CallFilter, edge: _Edge, columns: Any) -> list[ColumnElement[bool]]:
    """Return what a filter asks of columns of calls."""
    found = [*_time_bounds(wanted, edge, columns), *group_conditions(wanted, columns)]
    return found if wanted.session_id is None else [*found, _is_session(wanted.session_id, columns)]


def _is_session(session_id: str, columns: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = false() if "\0" in session_id else columns.session_id == session_id
    return found


def _time_bounds(wanted: CallFilter, edge: _Edge, columns: Any) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if edge.call_id is not None:
        found.append(columns.id > edge.call_id if edge.is_newer else columns.id < edge.call_id)
    if wanted.since is not None:
        found.append(columns.id >= first_id_at(wanted.since))
    if wanted.until is not None:
        found.append(columns.id < first_id_at(wanted.until))
    return found


def _days(wanted: CallFilter, edge: _Edge) -> tuple[date, date]:
    """Return the first and the last day on which wanted calls may be."""
    since = [] if wanted.since is None else [first_id_at(wanted.since)]
    until = [new_id()] if wanted.until is None else [first_id_at(wanted.until)]
    if edge.call_id is not None:
        (since if edge.is_newer else until).append(edge.call_id)
    return day_of(max(since, default=0)), day_of(min(until))


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
