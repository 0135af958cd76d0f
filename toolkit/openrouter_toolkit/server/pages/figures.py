"""Numbers as pages show them: costs that are known or not, durations, shares, changes."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from ...ledger.entry import BOUNDS
from ...ledger.export import plain

# What stands in place of a cost that nobody knows, or that there is not.
_WITHOUT_COST = {"unsettled": "not yet known", "unknown": "unknown", "free": "free", "nothing": "none"}
# No line ends between a number and its unit.
_SPACE = "\N{NO-BREAK SPACE}"
_CENT = Decimal("0.01")
_SHOWN_DIGITS = 3
_SECOND = 1_000
_MINUTE = 60_000
# A growth by more than that is no number to compare.
_MANIFOLD = 100


def dollars(cost: Decimal) -> str:
    """Return a cost to read: in cents from a dollar on, else with three digits that mean something."""
    if cost >= 1:
        return f"${cost.quantize(_CENT, ROUND_HALF_EVEN):,}"
    if not cost:
        return "$0"
    shown = round(cost, _SHOWN_DIGITS - 1 - cost.adjusted())
    is_whole_cents = shown == shown.quantize(_CENT)
    return f"${shown:.2f}" if is_whole_cents else f"${plain(shown)}"


def exact_dollars(cost: Decimal) -> str:
    """Return a cost with all its digits."""
    return f"${plain(cost)}"


def cost_of_call(cost: Decimal | None, billing: str) -> str:
    """Return what one call cost, or why that is not known."""
    return _WITHOUT_COST.get(billing, "unknown") if cost is None else dollars(cost)


def cost_of_sums(cost: Decimal | None, unpriced: int) -> str:
    """Return what some calls cost, as far as that is known; `unpriced` is how many of them have an unknown cost."""
    return "unknown" if not cost and unpriced else dollars(cost or Decimal())


def duration(milliseconds: int | None) -> str:
    """Return a duration to read."""
    if milliseconds is None:
        return "–"
    if milliseconds < _SECOND:
        return f"{milliseconds}{_SPACE}ms"
    if milliseconds < _MINUTE:
        return f"{milliseconds / _SECOND:.3g}{_SPACE}s"
    return f"{milliseconds // _MINUTE}{_SPACE}min {milliseconds % _MINUTE // _SECOND}{_SPACE}s"


def within(quantile: int | None) -> str:
    """Return in which time calls ended; None is above the greatest that is counted."""
    return f"over {duration(BOUNDS[-1])}" if quantile is None else f"within {duration(quantile)}"


def short(number: int) -> str:
    """Return a great number with three digits."""
    for size, unit in ((10**9, "bn"), (10**6, "M"), (10**4, "k")):
        if number >= size:
            return f"{number / (size if unit != 'k' else 1000):,.3g}{_SPACE}{unit}"
    return f"{number:,}"


def change(new: Decimal, old: Decimal) -> str | None:
    """Return by how much something is more or less than before; None where that says nothing."""
    if not old or new > _MANIFOLD * old:
        return None
    percent = round(100 * (new - old) / old)
    return "as much" if not percent else f"{'+' if percent > 0 else '−'}{abs(percent)}{_SPACE}%"


def share(part: int, whole: int) -> str:
    """Return a part of a whole in per cent; what is not nothing is never 0."""
    if not part or not whole:
        return f"0{_SPACE}%"
    percent = 100 * part / whole
    return (
        f"under 0.1{_SPACE}%"
        if percent < 0.1
        else f"{percent:.1f}{_SPACE}%"
        if percent < 10
        else f"{percent:.0f}{_SPACE}%"
    )
