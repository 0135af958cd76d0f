"""Totals of all calls in a span that ends at any moment: whole days by daily sums, the rest by its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import case, func, select

from ..store.database import Database
from ..store.tables import CallGroupRow, CallRow
from .calls import CallFilter
from .entry import UNKNOWN, UNSETTLED, first_id_at, to_dollars
from .usage import PART, usage

_call: Any = CallRow.__table__
_group: Any = CallGroupRow.__table__


@dataclass(frozen=True)
class Totals:
    """The sums of all calls in a span.

    Attributes:
        unpriced: calls that may have cost something, but nobody knows what, or not yet.
        cost: in US dollars, of those whose cost is known.
    """

    calls: int = 0
    failures: int = 0
    unpriced: int = 0
    cost: Decimal = Decimal()

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.calls + other.calls,
            self.failures + other.failures,
            self.unpriced + other.unpriced,
            self.cost + other.cost,
        )


def totals(database: Database, since: datetime, until: datetime) -> Totals:
    """Return the totals of the calls that began from one moment on, a midnight in UTC, and before another one."""
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    found = _of_rows(database, midnight, until)
    if since < midnight:
        for days in usage(database, wanted=CallFilter(since=since, until=midnight)):
            found += Totals(days.calls, days.failures, days.unpriced, days.cost or Decimal())
    return found


def _of_rows(database: Database, since: datetime, until: datetime) -> Totals:
    failures = func.sum(case((_group.c.error_type != "", 1), else_=0))
    whole, rest = func.sum(_call.c.cost.op("/")(PART)), func.sum(_call.c.cost.op("%")(PART))
    unpriced = func.sum(case((_call.c.billing.in_([UNSETTLED, UNKNOWN]), 1), else_=0))
    query = select(func.count(), failures, unpriced, whole, rest).join(_group, _group.c.id == _call.c.group_id)
    query = query.where(_call.c.id >= first_id_at(since), _call.c.id < first_id_at(until))
    with database.read() as session:
        calls, failed, unknown, of_parts, left = session.execute(query).one()
    return Totals(calls, int(failed or 0), int(unknown or 0), to_dollars(int(of_parts or 0) * PART + int(left or 0)))
