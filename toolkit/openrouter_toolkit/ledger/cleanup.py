"""Deletes what the ledger has kept for long enough, in small steps, so that nobody waits for it."""

from __future__ import annotations

import logging
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy import delete, select

from ..store import StoreError
from ..store.columns import now
from ..store.database import Database
from ..store.tables import CallRow, UsageDayRow, UsageRollupRow
from .entry import DIMENSIONS, first_id_at

_STEP = 500
_PAUSE = 600.0
_call: Any = CallRow.__table__
_day: Any = UsageDayRow.__table__
_rollup: Any = UsageRollupRow.__table__
_log = logging.getLogger("openrouter_toolkit")


class Cleanup:
    """Deletes old calls and old daily sums."""

    def __init__(self, database: Database, days: int, usage_days: int) -> None:
        self._database = database
        self._days = timedelta(days=days)
        self._usage_days = timedelta(days=usage_days)
        self._next = 0.0

    def step(self) -> bool:
        """Delete at most 500 calls if it is time to. Returns whether there are more."""
        if monotonic() < self._next:
            return False
        try:
            more = self._delete()
        except StoreError as error:
            _log.warning("old calls of the ledger were not deleted: %s", error)
            more = False
        if not more:
            self._next = monotonic() + _PAUSE
        return more

    def _delete(self) -> bool:
        at = now()
        old = select(_call.c.id).where(_call.c.id < first_id_at(at - self._days)).order_by(_call.c.id).limit(_STEP)
        with self._database.read() as session:
            ids = list(session.scalars(old))
            oldest = session.scalar(select(_day.c.day).order_by(_day.c.day).limit(1))
        last_day = (at - self._usage_days).date()
        if not ids and (oldest is None or oldest >= last_day):
            return False
        with self._database.write(counts_as_change=False) as session:
            if ids:
                session.execute(delete(_call).where(_call.c.id <= ids[-1]))
            session.execute(delete(_day).where(_day.c.day < last_day))
            # With its dimensions, so that the table's key leads to the rows.
            session.execute(delete(_rollup).where(_rollup.c.dimension.in_(DIMENSIONS), _rollup.c.day < last_day))
        return len(ids) == _STEP
