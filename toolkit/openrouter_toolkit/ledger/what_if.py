"""What a budget would have refused of the calls of the last days: the ledger's rows, made again in order."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select

from ..spending.budgets import Budget, Facts
from ..spending.decisions import Account, Demand, Shortage, Use, accounts_of, decide
from ..spending.windows import Slot
from ..store.database import Database
from ..store.tables import CallGroupRow, CallRow
from .entry import FREE, NOTHING, began_at, first_id_at, second_of

DAYS = 7
# So many calls are made again, the newest.
MAX_CALLS = 20_000
_call: Any = CallRow.__table__
_group: Any = CallGroupRow.__table__
_FACTS = ("user_id", "account_id", "token_id", "agent", "model", "action")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a budget would have refused.

    Attributes:
        since: when the first of the calls began.
        is_whole: False if there were more calls than are made again.
        calls: to how many of them it applies.
        refused: how many of these it would have refused.
        unknown: how many of these have no known cost, and count as nothing.
        subjects: for whom it would have refused how many, the most first, see `Budget.subjects`.
    """

    since: datetime
    is_whole: bool
    calls: int
    refused: int
    unknown: int
    subjects: tuple[tuple[str, int], ...]


def what_if(database: Database, budget: Budget, at: datetime) -> WhatIf:
    """Return what a budget would have refused in the last 7 days, by what calls have cost.

    A temporary raise is left out. What calls before had used of the window then counts. The ledger does not have the
    worst case that a call reserves before it is made, so the budget may refuse more.
    """
    replay = _Replay(replace(budget, hard=True, raised=None))
    since = at - timedelta(days=DAYS)
    with database.read() as session:
        rows = list(session.execute(_newest(first_id_at(since))))
        is_whole = len(rows) <= MAX_CALLS
        rows = rows[:MAX_CALLS][::-1]
        since = since if is_whole else began_at(rows[0].id)
        slot = None if budget.window.per == "session" else budget.window.slot(since)
        if slot is not None:
            for row in session.execute(_earlier(slot, first_id_at(since))):
                replay.add_earlier(row, slot)
    for row in rows:
        replay.make(row)
    subjects = tuple(replay.refused.most_common())
    return WhatIf(since, is_whole, replay.calls, replay.refused.total(), replay.unknown, subjects)


@dataclass
class _Replay:
    """Calls that are made again, and what they use of a budget."""

    budget: Budget
    calls: int = 0
    unknown: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    _used: dict[tuple[str, int], Use] = field(default_factory=lambda: defaultdict(Use))
    _ends: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def add_earlier(self, row: Any, slot: Slot) -> None:
        """Add what calls have used before the first."""
        number = slot.number if slot.since == slot.number else int(row.slot)
        for subject in self.budget.subjects(_facts(row)):
            self._used[subject, number].add(Use(spent=int(row.cost), tokens=_tokens(row), calls=int(row.calls)))

    def make(self, row: Any) -> None:
        """Make a call again, if the budget allows it."""
        began = began_at(row.id)
        accounts = accounts_of([self.budget], _facts(row, row.session_id), began)
        if not accounts:
            return
        self.calls += 1
        self.unknown += row.cost is None and row.billing != FREE
        demand = Demand(int(row.cost or 0), _tokens(row))
        answer = decide([(account, self._use(account, began)) for account in accounts], demand, began)
        if isinstance(answer, Shortage):
            self.refused[answer.subject] += 1
            return
        for account in accounts:
            heapq.heappush(self._ends[account.subject], began + timedelta(milliseconds=row.milliseconds or 0))
            if account.slot is not None:
                use = Use(spent=demand.units or 0, tokens=demand.tokens or 0, calls=1)
                self._used[account.subject, account.slot.number].add(use)

    def _use(self, account: Account, began: datetime) -> Use:
        """Return what was used in an account's window, and how many calls go on."""
        ends = self._ends[account.subject]
        while ends and ends[0] <= began:
            heapq.heappop(ends)
        total = Use(running=len(ends))
        for number in () if account.slot is None else account.slot.numbers:
            use = self._used.get((account.subject, number))
            if use is not None:
                total.add(use)
        return total


def _newest(first: int) -> Select[Any]:
    """Return the query for calls from an id on, the newest first, and one more than are made again."""
    names = ("id", "cost", "tokens_in", "tokens_out", "billing", "session_id", "milliseconds")
    columns = [*(_call.c[name] for name in names), *(_group.c[name] for name in _FACTS)]
    return _calls(columns).where(_call.c.id >= first).order_by(_call.c.id.desc()).limit(MAX_CALLS + 1)


def _earlier(slot: Slot, before: int) -> Select[Any]:
    """Return the query for what calls before an id have used in a window, by counter if it rolls."""
    step = slot.numbers.step
    rolls = [] if slot.since == slot.number else [(second_of(_call.c.id) // step * step).label("slot")]
    columns = [*(_group.c[name] for name in _FACTS), _call.c.billing, *rolls]
    sums: dict[str, Any] = {
        name: func.coalesce(func.sum(_call.c[name]), 0) for name in ("cost", "tokens_in", "tokens_out")
    }
    sums["calls"] = func.count()
    query = _calls([*columns, *(one.label(name) for name, one in sums.items())]).group_by(*columns)
    return query.where(_call.c.id < before, _call.c.id >= first_id_at(datetime.fromtimestamp(slot.since, UTC)))


def _calls(columns: list[Any]) -> Select[Any]:
    return select(*columns).join(_group, _group.c.id == _call.c.group_id).where(_call.c.billing != NOTHING)


def _facts(row: Any, session_id: str | None = None) -> Facts:
    user, account, token, agent, model, action = (getattr(row, name) for name in _FACTS)
    return Facts(user, account, token, agent, (model,), action, session_id, paid=row.billing != FREE)


def _tokens(row: Any) -> int:
    return int((row.tokens_in or 0) + (row.tokens_out or 0))
