"""The ledger: one row for each call, with what it cost, and sums by day. Never arguments, answers or keys.

with Store.open() as store, Ledger(store) as ledger:
    registry = ToolRegistry.from_manifest(accounts=store.for_registry(), ledger=ledger)
"""

from __future__ import annotations

from .calls import CallEntry, CallFilter, CallPage
from .ledger import DAYS, USAGE_DAYS, Ledger
from .totals import Totals
from .usage import BY, By, Order, Usage
from .writer import LedgerUnavailable

__all__ = [
    "BY",
    "DAYS",
    "USAGE_DAYS",
    "By",
    "CallEntry",
    "CallFilter",
    "CallPage",
    "Ledger",
    "LedgerUnavailable",
    "Order",
    "Totals",
    "Usage",
]
