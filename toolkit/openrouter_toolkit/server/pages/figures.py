"""Numbers as pages show them: costs that are known or not, durations, shares, changes."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from ...ledger.export import plain

# What stands in place of a cost that nobody knows, or that there is not.
_WITHOUT_COST = {"unsettled": "not yet known", "unknown": "unknown", "free": "free", "nothing": "none"}
_CENT = Decimal("0.01")
_SHOWN_DIGITS = 3
_SECOND = 1_000
_MINUTE = 60_000


def dollars(cost: Decimal) -> str:
    """Return a cost to read: in cents from a dollar on, else with three digits that mean something."""
    if cost >= 1:
        return f"${cost.quantize(_CENT, ROUND_HALF_EVEN):,}"
    if not cost:
        return "$0"
    return f"${plain(round(cost, _SHOWN_DIGITS - 1 - cost.adjusted()))}"


def exact_dollars(cost: Decimal) -> str:
    """Return a cost with all its digits."""
    return f"${plain(cost)}"


def cost_of_call(cost: Decimal | None, billing: str) -> str:
    """Return what one call cost, or why that is not known."""
    return _WITHOUT_COST.get(billing, "unknown") if cost is None else dollars(cost)


def duration(milliseconds: int | None) -> str:
    """Return a duration to read."""
    if milliseconds is None:
        return "–"
    if milliseconds < _SECOND:
        return f"{milliseconds} ms"
    if milliseconds < _MINUTE:
        return f"{milliseconds / _SECOND:.1f} s"
    return f"{milliseconds // _MINUTE} min {milliseconds % _MINUTE // _SECOND} s"


def share(part: int, whole: int) -> str:
    """Return a part of a whole in per cent; what is not nothing is never 0."""
    if not part or not whole:
        return "0 %"
    percent = 100 * part / whole
    return "under 0.1 %" if percent < 0.1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"
