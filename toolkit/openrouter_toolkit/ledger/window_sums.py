"""What the ledger has of a budget's window, for a budget that begins amid it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import false, func, literal, select

from ..spending.budgets import EACH, PATTERNS, Facts
from ..spending.decisions import Account, Use
from ..store.database import Database
from ..store.tables import CallGroupRow, CallRow
from .entry import FREE, NOTHING, first_id_at, second_of

_COLUMNS = {"user": "user_id", "token": "token_id", "account": "account_id"}
_call: Any = CallRow.__table__
_group: Any = CallGroupRow.__table__


def window_sums(database: Database, account: Account, session_id: str | None) -> dict[int, Use]:
    """Return what calls that have ended have used of an account's window, by slot.

    Calls whose cost is unknown add nothing to it.
    """
    budget, slot = account.budget, account.slot
    if slot is None:
        return {}
    conditions = [_call.c.billing != NOTHING, *_of_subject(account)]
    number: Any = literal(slot.number)
    if budget.window.per == "session":
        conditions.append(_call.c.session_id == session_id if "\0" not in (session_id or "\0") else false())
    elif slot.since > 0:
        conditions.append(_call.c.id >= first_id_at(datetime.fromtimestamp(slot.since, UTC)))
        if budget.window.rolling:
            step = slot.numbers.step
            number = second_of(_call.c.id) // step * step
    if "action" not in budget.applies_to:
        conditions.append(_call.c.billing != FREE)
    tokens = func.coalesce(_call.c.tokens_in, 0) + func.coalesce(_call.c.tokens_out, 0)
    sums = [func.coalesce(func.sum(_call.c.cost), 0), func.sum(tokens), func.count()]
    columns = [_group.c.model, _group.c.action, number.label("slot")]
    query = select(*columns, *sums).join(_group, _group.c.id == _call.c.group_id).where(*conditions)
    found: dict[int, Use] = defaultdict(Use)
    with database.read() as session:
        for model, action, at, cost, used, calls in session.execute(query.group_by(*columns)):
            if budget.applies_to_names(Facts(models=(model,), action=action)):
                found[int(at)].add(Use(spent=int(cost), tokens=int(used), calls=int(calls)))
    return dict(found)


def _of_subject(account: Account) -> list[Any]:
    """Return the conditions for the names that a budget applies to, as far as they are no patterns."""
    found = []
    for dimension, names in account.budget.applies_to.items():
        column = _group.c[_COLUMNS.get(dimension, dimension)]
        if list(names) == [EACH]:
            found.append(column == account.subject_of(dimension))
        elif dimension not in PATTERNS:
            found.append(column.in_(names))
    return found
