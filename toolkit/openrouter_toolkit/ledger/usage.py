"""Sums up the ledger: calls, failures, tokens, cost and durations by day, user, model and the like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import case, func, select

from ..store.database import Database
from ..store.tables import CallGroupRow, UsageDayRow
from .calls import CallFilter, group_conditions
from .entry import BOUNDS, SUMS, day_of, first_id_at, to_dollars

By = Literal[
    "day", "toolkit", "action", "user", "model", "provider", "token", "account", "agent", "error_type"
]  # fmt: skip
BY: tuple[By, ...] = get_args(By)
_COLUMNS = {"user": "user_id", "token": "token_id", "account": "account_id"}
_group: Any = CallGroupRow.__table__
_day: Any = UsageDayRow.__table__
_BUCKETS = [f"within_{number}" for number in range(len(BOUNDS) + 1)]
# A sum of 64-bit numbers may be greater than one, so costs are summed in two parts.
_PART = 10**6


@dataclass(frozen=True)
class Usage:
    """The sums of some calls.

    Attributes:
        key: the value of each dimension that usage is broken down by; None where calls have none.
        unpriced: calls that may have cost something, but nobody knows what, or not yet.
        cost: in US dollars, of the calls whose cost is known; None if there is no call that had one.
        milliseconds: the mean duration of those that have ended.
        p50: half of them took at most so many milliseconds, about; None above 30,000.
        p95: 95 of 100 of them.
        first_token_ms: the mean time until streamed answers began.
    """

    key: dict[str, str | None]
    calls: int
    failures: int
    unpriced: int
    tokens_in: int
    tokens_out: int
    cost: Decimal | None
    milliseconds: int | None
    p50: int | None
    p95: int | None
    first_token_ms: int | None


def usage(
    database: Database,
    by: Sequence[By] = (),
    wanted: CallFilter | None = None,
    *,
    limit: int | None = None,
) -> list[Usage]:
    """Return the sums of calls, broken down by some dimensions: the costliest first, or days in order.

    Days are in UTC, and counted as a whole: `since` and `until` of the filter are rounded to the days in which they
    are. `session_id` is not summed up. Without a dimension, it is one sum of all.

    Raises:
        ValueError: there is no such dimension, or the filter has a session.
    """
    wanted = wanted or CallFilter()
    unknown = [name for name in by if name not in BY]
    if unknown:
        raise ValueError(f"usage is broken down by {', '.join(BY)}, not by {unknown[0]}")
    if wanted.session_id is not None:
        raise ValueError("usage is not summed up by session; list its calls instead")
    columns = [_day.c.day if name == "day" else _group.c[_COLUMNS.get(name, name)] for name in by]
    failures = func.sum(case((_group.c.error_type != "", _day.c.calls), else_=0)).label("failures")
    whole = func.sum(_day.c.cost.op("/")(_PART)).label("whole")
    rest = func.sum(_day.c.cost.op("%")(_PART)).label("rest")
    sums = [func.sum(_day.c[name]).label(name) for name in (*SUMS, *_BUCKETS) if name != "cost"]
    query = select(*columns, failures, whole, rest, *sums).join(_group, _group.c.id == _day.c.group_id)
    query = query.where(*group_conditions(wanted, _group.c))
    if wanted.since is not None:
        query = query.where(_day.c.day >= day_of(first_id_at(wanted.since)))
    if wanted.until is not None:
        query = query.where(_day.c.day <= day_of(first_id_at(wanted.until) - 1))
    if by:
        query = query.group_by(*columns)
    query = query.order_by(*([_day.c.day] if "day" in by else []), whole.desc(), func.sum(_day.c.calls).desc())
    with database.read() as session:
        rows = session.execute(query.limit(limit)).all()
    return [_to_usage(by, row) for row in rows if row.calls]


def _to_usage(by: Sequence[By], row: Any) -> Usage:
    names = (*(name for name in SUMS if name != "cost"), *_BUCKETS, "failures", "whole", "rest")
    numbers = {name: int(getattr(row, name)) for name in names}
    buckets = [numbers[name] for name in _BUCKETS]
    ended, streams = sum(buckets), numbers["streams"]
    cost = to_dollars(numbers["whole"] * _PART + numbers["rest"]) if numbers["priced"] else None
    return Usage(
        key={name: _as_text(value) for name, value in zip(by, row, strict=False)},
        calls=numbers["calls"],
        failures=numbers["failures"],
        unpriced=numbers["unpriced"],
        tokens_in=numbers["tokens_in"],
        tokens_out=numbers["tokens_out"],
        cost=cost,
        milliseconds=round(numbers["milliseconds"] / ended) if ended else None,
        p50=_quantile(buckets, 0.5),
        p95=_quantile(buckets, 0.95),
        first_token_ms=round(numbers["first_token_ms"] / streams) if streams else None,
    )


def _as_text(value: object) -> str | None:
    return value.isoformat() if isinstance(value, date) else str(value) or None


def _quantile(buckets: Sequence[int], part: float) -> int | None:
    """Return the upper bound of the bucket in which a quantile is; None for the last one, which has no bound."""
    wanted, seen = part * sum(buckets), 0
    for bound, count in zip(BOUNDS, buckets, strict=False):
        seen += count
        if count and seen >= wanted:
            return bound
    return None
