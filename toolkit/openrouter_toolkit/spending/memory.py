"""Budgets in the memory of one process: for a library without a store."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from .budgets import Budget, Facts
from .decisions import Account, Demand, Shortage, Use, accounts_of, decide

_Key = tuple[str, str]
# Windows, or sessions, of one budget that are remembered.
_MAX_COUNTERS = 1_000


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a running call has reserved in each budget that applies to it."""

    accounts: tuple[Account, ...]
    demand: Demand


@dataclass(frozen=True, slots=True)
class BudgetState:
    """How it stands with a budget, for one of whom it counts."""

    budget: Budget
    subject: str
    used: Use


class MemoryBudgets:
    """Budgets and what was used of them. Safe for many threads of one process; gone with it.

    A call reserves what it costs at most, over all budgets that apply or over none, and is settled by what it cost.
    """

    def __init__(self, budgets: Iterable[Budget], clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Raise `ValueError` if two budgets have one name."""
        self._budgets: dict[str, Budget] = {}
        for budget in budgets:
            if budget.name in self._budgets:
                raise ValueError(f"two budgets are called {budget.name!r}")
            self._budgets[budget.name] = budget
        self._clock = clock
        self._lock = threading.Lock()
        self._counters: dict[_Key, dict[int, Use]] = defaultdict(dict)
        self._running: Counter[_Key] = Counter()

    def apply_to(self, facts: Facts) -> bool:
        """Whether any budget applies to a call."""
        return any(budget.subjects(facts) for budget in self._budgets.values())

    def reserve(self, facts: Facts, demand: Demand) -> Reservation | Shortage:
        """Reserve what a call needs, or return why it may not begin.

        The demand of what is returned has a lower `max_tokens` where the whole did not fit.
        """
        at = self._clock()
        accounts = tuple(accounts_of(self._budgets.values(), facts, at))
        with self._lock:
            granted = decide([(account, self._used(account)) for account in accounts], demand, at)
            if isinstance(granted, Shortage):
                return granted
            begun = Use(reserved=granted.units or 0, reserved_tokens=granted.tokens or 0, calls=1)
            self._add(accounts, begun, running=1)
        return Reservation(accounts, granted)

    def settle(self, reservation: Reservation, units: int | None, tokens: int | None, *, begun: bool = True) -> None:
        """Replace a reservation by what the call cost; None counts as what was reserved.

        Args:
            reservation: what `reserve` gave; once only.
            units: its cost in units of 10^-12 US dollars.
            tokens: the tokens that it read and wrote.
            begun: False if nothing was sent, so that it does not count as a call either.
        """
        reserved = reservation.demand
        ended = Use(
            spent=(reserved.units or 0) if units is None else units,
            reserved=-(reserved.units or 0),
            tokens=(reserved.tokens or 0) if tokens is None else tokens,
            reserved_tokens=-(reserved.tokens or 0),
            calls=0 if begun else -1,
        )
        with self._lock:
            self._add(reservation.accounts, ended, running=-1)

    def states(self) -> list[BudgetState]:
        """Return how it stands with every budget now, for each of whom it counts."""
        at = self._clock()
        with self._lock:
            return [
                BudgetState(budget, subject, self._used(Account(budget, subject, budget.window.slot(at))))
                for (name, subject) in sorted(self._counters)
                if (budget := self._budgets[name]).window.per not in ("call", "session")
            ]

    def _used(self, account: Account) -> Use:
        """Return what was used in an account's window."""
        key = account.budget.name, account.subject
        total = Use(running=self._running[key])
        if account.slot is not None:
            for number, use in self._counters[key].items():
                if account.slot.since <= number <= account.slot.number:
                    total.add(use)
        return total

    def _add(self, accounts: Iterable[Account], change: Use, running: int) -> None:
        for account in accounts:
            key = account.budget.name, account.subject
            self._running[key] += running
            if account.slot is not None:
                counters = self._counters[key]
                counters[account.slot.number] = counters.pop(account.slot.number, Use())
                counters[account.slot.number].add(change)
                _forget_old(counters)


def _forget_old(counters: dict[int, Use]) -> None:
    """Drop the counters that were not used for longest, unless calls that go on have reserved something in them."""
    for number in list(counters)[: max(0, len(counters) - _MAX_COUNTERS)]:
        if not counters[number].reserved and not counters[number].reserved_tokens:
            del counters[number]
