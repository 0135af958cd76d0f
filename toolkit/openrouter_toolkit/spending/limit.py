"""A limit of spending for calls that run at the same time: each reserves its worst case, and is settled by its cost."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Verdict(StrEnum):
    """Why a call may not begin now."""

    WAIT = "wait"  # it may fit when others have ended
    TOO_DEAR = "too_dear"  # it does not fit into what is left
    UNKNOWN_COST = "unknown_cost"  # its price is unknown, and an earlier answer of that kind did not say its cost


@dataclass(frozen=True, slots=True)
class Reservation:
    """The amount that a running call has reserved; `known` if it is the call's worst case, and not a guess."""

    amount: Decimal
    known: bool


class SpendingLimit:
    """What is spent and what running calls have reserved. Safe to use from many threads.

    A call whose price is unknown reserves as much as the dearest such call has cost so far. Until one has ended, they
    run one at a time; if one ends without saying its cost, no further one may begin.
    """

    def __init__(self, limit: Decimal | None = None) -> None:
        """`limit` in US dollars; None for no limit.

        Raises:
            ValueError: the limit is not a finite number, 0 or more.
        """
        if limit is not None and not (limit.is_finite() and limit >= 0):
            raise ValueError("a spending limit is an amount of US dollars, 0 or more")
        self.limit = limit
        self.spent = Decimal(0)
        self._lock = threading.Lock()
        self._reserved = Decimal(0)
        self._running = self._unknown_running = 0
        self._dearest_unknown: Decimal | None = None
        self._unknown_untold = False

    @property
    def left(self) -> Decimal | None:
        """What is neither spent nor reserved; None without a limit."""
        return None if self.limit is None else max(Decimal(0), self.limit - self.spent - self._reserved)

    def reserve(self, worst: Decimal | None) -> Reservation | Verdict:
        """Reserve a call's worst case, or the guess for an unknown one."""
        with self._lock:
            if self.limit is None:
                return self._begin(worst or Decimal(0), known=worst is not None)
            if worst is None:
                if self._unknown_untold:
                    return Verdict.UNKNOWN_COST
                if self._dearest_unknown is None and self._unknown_running:
                    return Verdict.WAIT
                if self.spent >= self.limit:
                    return Verdict.TOO_DEAR
            amount = (self._dearest_unknown or Decimal(0)) if worst is None else worst
            if self.spent + self._reserved + amount <= self.limit:
                return self._begin(amount, known=worst is not None)
            return Verdict.WAIT if self._running and self.spent + amount <= self.limit else Verdict.TOO_DEAR

    def settle(self, reservation: Reservation, cost: Decimal | None) -> None:
        """Replace a reservation by the call's cost; None if it may have been billed, but nothing says how much."""
        with self._lock:
            self._reserved -= reservation.amount
            self._running -= 1
            self._unknown_running -= not reservation.known
            self.spent += reservation.amount if cost is None else cost
            if not reservation.known:
                self._unknown_untold |= cost is None
                if cost:  # a failure, or a cached answer, costs nothing and says nothing of the others
                    self._dearest_unknown = max(self._dearest_unknown or cost, cost)

    def _begin(self, amount: Decimal, *, known: bool) -> Reservation:
        self._reserved += amount
        self._running += 1
        self._unknown_running += not known
        return Reservation(amount, known)
