"""The budgets of a store: what they are, and how it stands with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from ..spending.budgets import EACH, Budget, Raise
from ..spending.decisions import USED, Account, Use
from ..spending.definitions import from_dict, to_dict
from ..spending.memory import BudgetState
from ..store import Store, StoreUnavailable
from ..store.audit.record import Change
from ..store.columns import now
from ..store.tables import BudgetRow
from .running import RunningCalls
from .what_if import WhatIf, what_if
from .window_sums import window_sums

# What a budget counts: where this changes, it starts again, from what the ledger has.
_COUNTED = ("per", "zone", "rolling", "applies_to")
_MAX_BUDGETS = 1_000


class LedgerBudgets:
    """The budgets of one store. Safe for many threads and processes; a change holds from the next call on."""

    def __init__(self, store: Store, running: RunningCalls) -> None:
        self._database = store.database
        self._lookups = store.lookups
        self._running = running

    def current(self) -> Sequence[Budget]:
        """Return all budgets, by name.

        Raises:
            StoreUnavailable: the database can't be used, or one of them can't be read.
        """
        return self._lookups.get(self._load, "budgets") or ()

    def find(self, name: str) -> Budget | None:
        """Return a budget by its name; None if there is none."""
        return next((budget for budget in self.current() if budget.name == name), None)

    def set(self, budget: Budget) -> None:
        """Make a budget, or change the one of this name.

        What calls have used in its window already counts, as far as the ledger has it.

        Raises:
            ValueError: there are too many.
        """
        definition, at = to_dict(budget), now()
        text = json.dumps(definition, ensure_ascii=False)
        with self._database.write() as session:
            self._database.lock(session, "budgets")
            row = session.scalars(select(BudgetRow).where(BudgetRow.name == budget.name)).first()
            before = None if row is None else json.loads(row.definition)
            if before == definition:
                return
            if row is not None and before is not None and all(before.get(key) == definition[key] for key in _COUNTED):
                values = {"definition": text, "updated_at": at}
                session.execute(update(BudgetRow).where(BudgetRow.id == row.id).values(values))
            else:
                if row is not None:
                    session.execute(delete(BudgetRow).where(BudgetRow.id == row.id))
                elif len(session.scalars(select(BudgetRow.id)).all()) >= _MAX_BUDGETS:
                    raise ValueError(f"there are {_MAX_BUDGETS} budgets, and there can't be more: remove one")
                made = at if row is None else row.created_at
                values = {"name": budget.name, "definition": text, "created_at": made, "updated_at": at}
                session.execute(insert(BudgetRow).values(values))
            self._database.record(session, _change(budget.name, before, definition))

    def raise_until(self, name: str, raised: Raise | None) -> bool:
        """Set other limits for a while, or end that with None. Returns whether there is such a budget."""
        found = self.find(name)
        if found is not None:
            self.set(replace(found, raised=raised))
        return found is not None

    def remove(self, name: str) -> bool:
        """Remove a budget. Returns whether there was one."""
        with self._database.write() as session:
            row = session.scalars(select(BudgetRow).where(BudgetRow.name == name)).first()
            if row is None:
                return False
            session.execute(delete(BudgetRow).where(BudgetRow.id == row.id))
            self._database.record(session, _change(name, json.loads(row.definition), None))
        return True

    def states(self, at: datetime | None = None) -> list[BudgetState]:
        """Return how it stands with each budget now, for each of whom it counts, by the share that is used.

        Of a budget per call or session, only what goes on is known.
        """
        at = at or now()
        return [state for budget in self.current() for state in self._states(budget, at)]

    def what_if(self, budget: Budget, at: datetime | None = None) -> WhatIf:
        """Return what a budget, which need not be kept, would have refused of the calls of the last 7 days."""
        return what_if(self._database, budget, at or now())

    def _states(self, budget: Budget, at: datetime) -> list[BudgetState]:
        slot = None if budget.window.per in ("call", "session") else budget.window.slot(at)
        found: dict[str, Use] = {}
        for row in self._running.counters(budget.number, *((-1, -1) if slot is None else (slot.since, slot.number))):
            used = Use(**{name: getattr(row, name) for name in USED})
            found.setdefault(row.subject, Use()).add(used)
        if not found and slot is not None and not any([*names] == [EACH] for names in budget.applies_to.values()):
            found[""] = Use()  # no call has begun since it was made
            for used in window_sums(self._database, Account(budget, "", slot), None).values():
                found[""].add(used)
        states = [BudgetState(budget, subject, use) for subject, use in found.items()]
        return sorted(states, key=lambda state: -(state.used.spent + state.used.reserved))

    def _load(self) -> Sequence[Budget]:
        rows = self._database.read_all(select(BudgetRow).order_by(BudgetRow.name))
        try:
            return tuple(from_dict(json.loads(row.definition), row.id) for row in rows)
        except (ValueError, TypeError):
            raise StoreUnavailable(
                "The database's budgets can't be read; a newer version may have made them."
            ) from None


def _change(name: str, before: dict[str, object] | None, after: dict[str, object] | None) -> Change:
    what = "made" if before is None else "removed" if after is None else "changed"
    return Change(f"budget.{what}", name, name, before=before, after=after, line=f"budget {name!r}: {what}")
