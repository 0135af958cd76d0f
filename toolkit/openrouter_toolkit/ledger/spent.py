"""What one connected account spent, as far as the ledger knows, and what it does not know yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal_column, select

from ..store.database import Database
from ..store.tables import CallGroupRow, CallRow, UsageDayRow
from .entry import UNSETTLED, day_of, first_id_at
from .running import COLUMNS as RUNNING
from .running import RunningCalls

_MAX_RUNNING = 1000
_call: Any = CallRow.__table__
_group: Any = CallGroupRow.__table__
_day: Any = UsageDayRow.__table__


@dataclass(frozen=True)
class Spent:
    """What an account spent, in units of 10^-12 US dollars.

    Attributes:
        cost: of all calls whose cost is known.
        recent: of those among them that began lately.
        priced: how many they are.
        unsettled: calls whose cost will be looked up, or that are being made.
        unknown: calls whose cost can't be found out.
    """

    cost: int
    recent: int
    priced: int
    unsettled: int
    unknown: int


def spent(database: Database, running: RunningCalls, account_id: str, *, since: datetime, recently: datetime) -> Spent:
    """Return what an account spent since a day, and of that since a moment lately."""
    # Running ones first: one that ends meanwhile is counted twice, and not never.
    going_on = len(running.find([RUNNING.account_id == account_id], _MAX_RUNNING))
    groups = select(_group.c.id).where(_group.c.account_id == account_id)
    totals: list[Any] = [func.coalesce(func.sum(_day.c[name]), 0) for name in ("cost", "priced", "unpriced")]
    sums = select(*totals)
    sums = sums.where(_day.c.group_id.in_(groups), _day.c.day >= day_of(first_id_at(since)))
    recent = select(func.coalesce(func.sum(_call.c.cost), 0)).where(
        _call.c.group_id.in_(groups), _call.c.id >= first_id_at(recently)
    )
    unsettled = select(func.count()).select_from(_call)
    unsettled = unsettled.where(_call.c.billing == literal_column(f"'{UNSETTLED}'"), _call.c.group_id.in_(groups))
    with database.read() as session:
        cost, priced, unpriced = session.execute(sums).one()
        waiting = session.scalar(unsettled) or 0
        unknown = max(0, int(unpriced) - waiting)
        return Spent(int(cost), int(session.scalar(recent) or 0), int(priced), waiting + going_on, unknown)
