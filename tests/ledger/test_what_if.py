"""What a budget would have refused of the last week's calls: the ledger's rows, made again in their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from openrouter_toolkit.ledger import Ledger, what_if
from openrouter_toolkit.ledger.entry import FREE, KNOWN, NOTHING, UNKNOWN, Entry, first_id_at
from openrouter_toolkit.spending import Budget, Limits, Raise, Window

# A Thursday.
AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
CENT = 10**10


def made(ledger: Ledger, hours: float, **facts: Any) -> None:
    """Write a call of one cent that ended, so many hours before."""
    usual = {"toolkit": "OPENROUTER", "action": "CHAT", "user_id": "alice", "model": "a/b", "attempts": 1}
    known = {"cost": CENT, "tokens_in": 2, "tokens_out": 3, "billing": KNOWN, "milliseconds": 1000}
    call_id = first_id_at(AT - timedelta(hours=hours))
    ledger.add(Entry(**{**usual, **known, "id": call_id, **facts}))


def tried(ledger: Ledger, limits: Limits, *window: Any, **more: Any) -> tuple[int, int]:
    """How many calls would have been refused, and to how many the budget applies."""
    assert ledger.flush()
    found = ledger.budgets.what_if(Budget("x", limits, Window(*window), **more), AT)
    return found.refused, found.calls


def test_each_window_counts_for_itself(ledger: Ledger) -> None:
    for hours in (1, 2, 3, 25, 26, 27, 24 * 8):
        made(ledger, hours)
    assert tried(ledger, Limits(calls=2), "day") == (2, 6)
    assert tried(ledger, Limits(usd=Decimal("0.02")), "day") == (2, 6)
    assert tried(ledger, Limits(tokens=14), "day") == (2, 6)
    assert tried(ledger, Limits(calls=2), "day", "UTC", True) == (2, 6), "those 25 and 3 hours ago"
    assert tried(ledger, Limits(usd=Decimal("0.005")), "call") == (6, 6)
    assert tried(ledger, Limits(calls=3), "ever") == (4, 6), "the call of eight days ago counts"
    assert tried(ledger, Limits(calls=3), "month") == (4, 6)


def test_for_each_and_for_those_that_are_named(ledger: Ledger) -> None:
    for number, agent in enumerate(["writer", "writer", "writer", "reader", ""]):
        made(ledger, number + 1, agent=agent)
    made(ledger, 24 * 9, agent="writer")
    budget = Budget("x", Limits(calls=2), Window("month"), {"agent": ["*"]}, hard=False)
    assert ledger.flush()
    found = ledger.budgets.what_if(budget, AT)
    assert (found.refused, found.calls, found.is_whole) == (2, 5, True)
    assert found.subjects == (('{"agent": "writer"}', 2),)
    assert tried(ledger, Limits(calls=0), applies_to={"agent": ["reader"], "model": ["a/*"]}) == (1, 1)
    assert tried(ledger, Limits(calls=0), applies_to={"model": ["c/*"]}) == (0, 0)
    raised = Raise(Limits(calls=99), AT + timedelta(days=1))
    assert tried(ledger, Limits(calls=0), raised=raised) == (5, 5)


def test_calls_at_once_and_of_a_session(ledger: Ledger) -> None:
    for minutes in (0, 1, 2, 90):
        made(ledger, 5 - minutes / 60, milliseconds=3_600_000, session_id=f"run {minutes // 60}")
    assert tried(ledger, Limits(at_once=1)) == (2, 4)
    assert tried(ledger, Limits(calls=2), "session") == (1, 4)


def test_what_cost_nothing_or_is_unknown(ledger: Ledger) -> None:
    made(ledger, 1, billing=FREE, cost=None)
    made(ledger, 2, billing=NOTHING, cost=None)
    made(ledger, 3, billing=UNKNOWN, cost=None)
    assert tried(ledger, Limits(usd=Decimal(0))) == (0, 1)
    assert tried(ledger, Limits(calls=0), applies_to={"action": ["CH*"]}) == (2, 2)
    assert ledger.budgets.what_if(Budget("x", Limits(calls=1)), AT).unknown == 1


def test_only_the_newest_are_made_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "MAX_CALLS", 3)
    for hours in range(1, 6):
        made(ledger, hours)
    assert ledger.flush()
    found = ledger.budgets.what_if(Budget("x", Limits(calls=4), Window("month")), AT)
    assert (found.is_whole, found.calls, found.refused) == (False, 3, 1), "the two before them count"
    assert found.since == AT - timedelta(hours=3)
