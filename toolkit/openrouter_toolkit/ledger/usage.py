"""Sums up the ledger: calls, failures, tokens, cost and durations by day, user, model and the like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import Select, case, func, select, text

from ..store.database import Database
from ..store.tables import CallGroupRow, UsageDayRow, UsageRollupRow
from .calls import CallFilter, filtered_dimensions, group_conditions
from .entry import BOUNDS, SUMS, day_of, first_id_at, to_dollars

By = Literal[
    "day", "toolkit", "action", "user", "model", "provider", "token", "account", "agent", "error_type"
]  # fmt: skip
BY: tuple[By, ...] = get_args(By)
# By what sums are in order, the greatest first; `milliseconds` is the mean.
Order = Literal["cost", "calls", "failures", "tokens", "milliseconds"]
_COLUMNS = {"user": "user_id", "token": "token_id", "account": "account_id"}
_group: Any = CallGroupRow.__table__
_day: Any = UsageDayRow.__table__
_rollup: Any = UsageRollupRow.__table__
# All calls have a toolkit, and there are only a few.
_FEWEST = "toolkit"
_BUCKETS = [f"within_{number}" for number in range(len(BOUNDS) + 1)]
# A sum of 64-bit numbers may be greater than one, so costs are summed in two parts.
PART = 10**6


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
    among: Sequence[str] | None = None,
    order: Order = "cost",
    limit: int | None = None,
) -> list[Usage]:
    """Return the sums of calls, broken down by some dimensions: the greatest first, or days in order.

    Days are in UTC, and counted as a whole: `since` and `until` of the filter are rounded to the days in which they
    are. `session_id` is not summed up. Without a dimension, it is one sum of all. With `among`, only these values of
    the last dimension are there; an empty text is that of calls that have none.

    Raises:
        ValueError: there is no such dimension, or the filter has a session.
    """
    wanted = wanted or CallFilter()
    unknown = [name for name in by if name not in BY]
    if unknown:
        raise ValueError(f"usage is broken down by {', '.join(BY)}, not by {unknown[0]}")
    if wanted.session_id is not None:
        raise ValueError("usage is not summed up by session; list its calls instead")
    names = [_COLUMNS.get(name, name) for name in by]
    dimensions = {name for name in names if name != "day"} | filtered_dimensions(wanted)
    table = _rollup.c if len(dimensions) < 2 else _day.c
    query = _of_rollup(names, wanted, *dimensions) if table is _rollup.c else _of_groups(names, wanted)
    if among is not None:
        query = query.where((_rollup.c.value if table is _rollup.c else _group.c[names[-1]]).in_(among))
    if wanted.since is not None:
        query = query.where(table.day >= day_of(first_id_at(wanted.since)))
    if wanted.until is not None:
        query = query.where(table.day <= day_of(first_id_at(wanted.until) - 1))
    query = query.order_by(*([table.day] if "day" in by else []), *_order(order, table))
    with database.read() as session:
        rows = session.execute(query.limit(limit)).all()
    return [_to_usage(by, row) for row in rows if row.calls]


def _order(order: Order, table: Any) -> list[Any]:
    """Return what to sort by, with names of the sums; the costliest come first among equals."""
    first: dict[Order, Any] = {
        "calls": func.sum(table.calls).desc(),
        "failures": text("failures DESC"),
        "tokens": (func.sum(table.tokens_in) + func.sum(table.tokens_out)).desc(),
        "milliseconds": (func.sum(table.milliseconds) / func.nullif(func.sum(table.calls), 0)).desc().nulls_last(),
    }
    return [*([first[order]] if order in first else []), text("whole DESC"), func.sum(table.calls).desc()]


def _of_rollup(names: Sequence[str], wanted: CallFilter, dimension: str = _FEWEST) -> Select[Any]:
    """Return the sums from the rows of one dimension."""
    columns = {"day": _rollup.c.day, dimension: _rollup.c.value}
    query = _sums([columns[name] for name in names], _rollup.c, func.sum(_rollup.c.failures))
    return query.where(_rollup.c.dimension == dimension, *group_conditions(wanted, columns))


def _of_groups(names: Sequence[str], wanted: CallFilter) -> Select[Any]:
    """Return the sums from the rows of the groups, which have all dimensions."""
    columns = [_day.c.day if name == "day" else _group.c[name] for name in names]
    failures = func.sum(case((_group.c.error_type != "", _day.c.calls), else_=0))
    query = _sums(columns, _day.c, failures).join(_group, _group.c.id == _day.c.group_id)
    return query.where(*group_conditions(wanted, _group.c))


def _sums(columns: Sequence[Any], table: Any, failures: Any) -> Select[Any]:
    whole = func.sum(table.cost.op("/")(PART)).label("whole")
    rest = func.sum(table.cost.op("%")(PART)).label("rest")
    sums = [func.sum(table[name]).label(name) for name in (*SUMS, *_BUCKETS) if name != "cost"]
    return select(*columns, failures.label("failures"), whole, rest, *sums).group_by(*columns)


def _to_usage(by: Sequence[By], row: Any) -> Usage:
    names = (*(name for name in SUMS if name != "cost"), *_BUCKETS, "failures", "whole", "rest")
    numbers = {name: int(getattr(row, name)) for name in names}
    buckets = [numbers[name] for name in _BUCKETS]
    ended, streams = sum(buckets), numbers["streams"]
    cost = to_dollars(numbers["whole"] * PART + numbers["rest"]) if numbers["priced"] else None
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
