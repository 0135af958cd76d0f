"""Decides whether a call fits into the budgets that apply to it, given what was used of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from .budgets import Budget, Facts, Measure
from .estimates import Estimate
from .windows import Slot

# Amounts are kept as whole numbers of this part of a US dollar, so that sums are exact.
UNITS = 10**12
# The order in which shortages are reported: first those that a cheaper call does not help.
_ORDER: tuple[Measure, ...] = ("at_once", "calls", "usd", "tokens")


@dataclass(slots=True)
class Use:
    """What was used in one counter, or in several together.

    Attributes:
        spent: units of 10^-12 US dollars of calls whose cost is known, or that count by what they had reserved.
        reserved: units of calls that go on.
        tokens: tokens of calls that have ended.
        reserved_tokens: tokens at most of calls that go on.
        calls: calls that have begun.
        running: calls that have begun in any window and go on.
    """

    spent: int = 0
    reserved: int = 0
    tokens: int = 0
    reserved_tokens: int = 0
    calls: int = 0
    running: int = 0

    def add(self, other: Use) -> None:
        """Add what another counter has."""
        for name in USED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


USED = ("spent", "reserved", "tokens", "reserved_tokens", "calls", "running")


class Account(NamedTuple):
    """The counters of one budget that one call adds to.

    Attributes:
        slot: None for a budget per call.
    """

    budget: Budget
    subject: str
    slot: Slot | None

    def subject_of(self, dimension: str) -> str:
        """Return whom it counts for of a dimension in which each one counts for itself."""
        name: str = json.loads(self.subject)[dimension]
        return name


class Demand(NamedTuple):
    """What a call needs at most.

    Attributes:
        units: units of 10^-12 US dollars; None if its price is unknown.
        tokens: tokens, read and written; None if that is unknown.
        estimate: from which both come, if a shorter answer would do: `max_tokens` may be set.
        max_tokens: what it was lowered to; None if it was not.
    """

    units: int | None
    tokens: int | None
    estimate: Estimate | None = None
    max_tokens: int | None = None

    @classmethod
    def of(cls, estimate: Estimate | None, *, flexible: bool = False) -> Demand:
        """Return what an estimated call needs; `flexible` if its `max_tokens` may be set."""
        if estimate is None:
            return cls(None, None)
        return cls(to_units(estimate.cost), estimate.tokens, estimate if flexible else None)

    def within(self, units: int | None, tokens: int | None) -> Demand | None:
        """Return what it needs with the greatest `max_tokens` that fits; None if none does."""
        if self.estimate is None:
            return None
        longest = self.estimate.longest_answer(None if units is None else to_dollars(units), tokens)
        if longest is None:
            return None
        shorter = self.estimate.with_answer_of(longest)
        return Demand(to_units(shorter.cost), shorter.tokens, None, longest)


class Request(NamedTuple):
    """What a call asks of some budgets.

    Attributes:
        budgets: those that may apply to it.
    """

    budgets: Sequence[Budget]
    facts: Facts
    demand: Demand


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why a call does not fit into a budget.

    Attributes:
        budget: the budget.
        subject: for whom it counts, see `Budget.subjects`.
        measure: what is short; `usd` also where the price is unknown.
        left: how much is left of it: US dollars, or a number.
        needed: how much the call needs at most; None if that is unknown.
        resets: when more will be left, at the latest; None if never, or for calls at once.
    """

    budget: Budget
    subject: str
    measure: Measure
    left: Decimal | int
    needed: Decimal | int | None
    resets: datetime | None


def accounts_of(budgets: Iterable[Budget], facts: Facts, at: datetime) -> list[Account]:
    """Return the counters that a call adds to, of all budgets that apply to it."""
    found = []
    for budget in budgets:
        slot = budget.window.slot(at, facts.session)
        found += [Account(budget, subject, slot) for subject in budget.subjects(facts)]
    return found


def decide(used: Sequence[tuple[Account, Use]], demand: Demand, at: datetime) -> Demand | Shortage:
    """Return what a call may use, in addition to what was used; or why it may not begin.

    A call whose `max_tokens` may be set gets a lower one rather than being refused, if the budgets allow that.
    """
    hard = [(account, use) for account, use in used if account.budget.hard]
    short = [found for account, use in hard if (found := shortage(account, use, demand, at)) is not None]
    if not short:
        return demand
    if all(one.budget.lower_max_tokens and one.measure in ("usd", "tokens") for one in short):
        room = [_room(account, use, at) for account, use in hard]
        lowered = demand.within(_least(units for units, _ in room), _least(tokens for _, tokens in room))
        if lowered is not None:
            return lowered
    return min(short, key=lambda one: (_ORDER.index(one.measure), one.left))


def _room(account: Account, used: Use, at: datetime) -> tuple[int | None, int | None]:
    """Return what is left of a budget: units and tokens, None where they are not limited."""
    limits = account.budget.limits_at(at)
    return (
        None if limits.usd is None else max(0, to_units(limits.usd) - used.spent - used.reserved),
        None if limits.tokens is None else max(0, limits.tokens - used.tokens - used.reserved_tokens),
    )


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)


def shortage(account: Account, used: Use, demand: Demand, at: datetime) -> Shortage | None:
    """Return why a call does not fit into a budget in addition to what was used; None if it does.

    Calls that cost nothing fit into every amount of money.
    """
    limits = account.budget.limits_at(at)
    resets = None if account.slot is None else account.slot.resets

    def short(measure: Measure, left: Decimal | int, needed: Decimal | int | None) -> Shortage:
        when = None if measure == "at_once" else resets
        return Shortage(account.budget, account.subject, measure, left, needed, when)

    if limits.at_once is not None and used.running >= limits.at_once:
        return short("at_once", 0, 1)
    if limits.calls is not None and used.calls >= limits.calls:
        return short("calls", 0, 1)
    units, tokens = _room(account, used, at)
    if units is not None and not _fits(demand.units, units, account.budget):
        needed = None if demand.units is None else to_dollars(demand.units)
        return short("usd", to_dollars(units), needed)
    if tokens is not None and not _fits(demand.tokens, tokens, account.budget):
        return short("tokens", tokens, demand.tokens)
    return None


def _fits(needed: int | None, left: int, budget: Budget) -> bool:
    return (budget.allow_unknown_price and left > 0) if needed is None else needed <= left


def to_units(dollars: Decimal) -> int:
    """Return an amount as whole units, rounded up."""
    exact = dollars * UNITS
    return int(exact.to_integral_value(rounding="ROUND_CEILING"))


def to_dollars(units: int) -> Decimal:
    """Return units as US dollars, exactly."""
    return Decimal(units).scaleb(-12)
