"""How it stands with budgets, in numbers, in words and as JSON: what is used, reserved and left of each limit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from .budgets import MEASURES, Budget, Measure
from .decisions import Use, to_dollars
from .definitions import to_dict
from .memory import BudgetState
from .refusal import amount, amounts, summary

# What is used in a call or a session is known of the calls that go on alone.
_NOT_COUNTED = ("call", "session")


@dataclass(frozen=True, slots=True)
class LimitStanding:
    """How it stands with one limit: US dollars, or numbers.

    Attributes:
        limit: how much is allowed now, a temporary raise included.
        used: by calls that have ended; of `calls`, by all that have begun; of `at_once`, by those that go on.
        reserved: by calls that go on, or whose cost is not known yet.
        left: how much a further call may use; 0 where more is used than allowed.
    """

    measure: Measure
    limit: Decimal | int
    used: Decimal | int
    reserved: Decimal | int
    left: Decimal | int

    @property
    def in_words(self) -> str:
        """Return it as `$1.20 used, $0.30 reserved, $3.50 left`."""
        reserved = f", {amount(self.measure, self.reserved)} reserved" if self.reserved else ""
        return f"{amount(self.measure, self.used)} used{reserved}, {amount(self.measure, self.left)} left"


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a budget, for one of whom it counts.

    Attributes:
        subject: who that is, by dimension; empty if it counts for all together.
        limits: all limits of which it is known what is used.
        resets: when what is used now counts no more, at the latest; None if never.
        refuses: whether a further call that costs money would be refused.
    """

    budget: Budget
    subject: Mapping[str, str]
    limits: tuple[LimitStanding, ...]
    resets: datetime | None
    refuses: bool

    @property
    def share(self) -> float:
        """The greatest part of a limit that is used or reserved: 1 is all of it."""
        return max((_share(one) for one in self.limits), default=0.0)

    @property
    def whom(self) -> str:
        """Return for whom it counts, in words; empty if it counts for all together."""
        return whom(self.subject)


def whom(subject: Mapping[str, str]) -> str:
    """Return in words for whom a budget counts; empty if it counts for all together."""
    return ", ".join(f"{name} {value}" if value else f"no {name}" for name, value in subject.items())


def standings(states: Iterable[BudgetState], at: datetime) -> dict[str, list[Standing]]:
    """Return how it stands with budgets by their names, those of which most is used first."""
    found: dict[str, list[Standing]] = {}
    for state in states:
        found.setdefault(state.budget.name, []).append(_standing(state, at))
    return {name: sorted(some, key=lambda one: (-one.share, one.whom)) for name, some in found.items()}


def as_json(budget: Budget, some: Iterable[Standing], at: datetime) -> dict[str, Any]:
    """Return a budget as JSON has it, with a summary in words and how it stands with it."""
    return {**to_dict(budget), "summary": described(budget, at), "states": [_as_json(one) for one in some]}


def described(budget: Budget, at: datetime) -> str:
    """Return in words what a budget allows, whether it refuses calls, and until when it is raised."""
    words = [summary(budget)]
    raised = budget.raised
    if raised is not None and at < raised.until:
        words.append(f"until {raised.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC {amounts(raised.limits)}")
    if not budget.hard:
        words.append("calls beyond it are made")
    return "; ".join(words)


def _standing(state: BudgetState, at: datetime) -> Standing:
    budget = state.budget
    slot = None if budget.window.per in _NOT_COUNTED else budget.window.slot(at)
    limits = budget.limits_at(at)
    known = [name for name in MEASURES if getattr(limits, name) is not None and (slot is not None or name == "at_once")]
    found = tuple(_limit(name, getattr(limits, name), state.used) for name in known)
    return Standing(
        budget,
        json.loads(state.subject) if state.subject else {},
        found,
        None if slot is None else slot.resets,
        budget.hard and any(not one.left for one in found),
    )


def _limit(measure: Measure, limit: Decimal | int, use: Use) -> LimitStanding:
    used: dict[Measure, tuple[Decimal | int, Decimal | int]] = {
        "usd": (to_dollars(use.spent), to_dollars(use.reserved)),
        "tokens": (use.tokens, use.reserved_tokens),
        "calls": (use.calls, 0),
        "at_once": (use.running, 0),
    }
    ended, reserved = used[measure]
    return LimitStanding(measure, limit, ended, reserved, max(limit - ended - reserved, type(limit)(0)))


def _share(one: LimitStanding) -> float:
    return float((one.used + one.reserved) / one.limit) if one.limit else 1.0


def _as_json(one: Standing) -> dict[str, Any]:
    names = ("limit", "used", "reserved", "left")
    return {
        "subject": dict(one.subject),
        "limits": {limit.measure: {name: _plain(getattr(limit, name)) for name in names} for limit in one.limits},
        "resets": None if one.resets is None else one.resets.isoformat(),
        "refuses": one.refuses,
    }


def _plain(value: Decimal | int) -> str | int:
    """Return an amount as JSON has it: US dollars as text, so that they stay exact."""
    return f"{value.normalize() or Decimal(0):f}" if isinstance(value, Decimal) else value
