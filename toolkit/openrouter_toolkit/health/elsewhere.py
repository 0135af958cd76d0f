"""Notices that a key is used elsewhere: its usage, as the API reports it, grows by more than the ledger knows.

Both may be late. A call that ended lately may be in the ledger and not yet in the usage, and a call that is being made
the other way round. So a difference counts only beyond what such calls may explain, and a small one adds up until it
does.
"""

from __future__ import annotations

from datetime import UTC, datetime

from ..ledger.spent import Spent
from ..store.account_health import UNITS, Spending

# A cent: the API rounds what it sums up.
_TOLERANCE = UNITS // 100
# What a call that is being made may cost: at least so much, or so many times as much as the account's others.
_MIN_OPEN_CALL = UNITS // 10
_MEANS = 10


def compare(earlier: Spending | None, usage: int, spent: Spent) -> Spending:
    """Return how the usage compares with the ledger now, and what was newly spent elsewhere.

    Args:
        earlier: the result of the check before; None if there was none.
        usage: what was spent with the key ever, in units of 10^-12 US dollars.
        spent: what the ledger knows of it, always since the same day.
    """
    drift = usage - spent.cost
    highest = drift + spent.recent  # what the drift is if the usage lacks all that was called lately
    if earlier is None or spent.unknown > earlier.unpriced:
        return Spending(highest, spent.unknown)
    open_call = max(_MIN_OPEN_CALL, _MEANS * spent.cost // max(1, spent.priced))
    excess = drift - earlier.drift
    if excess > _TOLERANCE + spent.unsettled * open_call:
        return Spending(highest, spent.unknown, excess)
    return Spending(min(earlier.drift, highest), spent.unknown)


def counted_since(connected_at: datetime, at: datetime) -> datetime:
    """Return the day from which the ledger is summed up: old days are deleted there, so at most two years."""
    return max(connected_at, datetime(at.year - 1, 1, 1, tzinfo=UTC))


def is_comparable(checked_at: datetime | None, connected_at: datetime, at: datetime) -> bool:
    """Whether the check before summed up the ledger since the same day."""
    return checked_at is not None and counted_since(connected_at, checked_at) == counted_since(connected_at, at)
