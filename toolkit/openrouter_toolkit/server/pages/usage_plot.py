"""The plot of the page Usage: a measure by day, of those that have most of it, and of all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from markupsafe import Markup

from ...ledger import By, CallFilter, Ledger, Order, Usage
from .figures import dollars, duration
from .plots import Series, plot

_PLOTTED = 5
_OTHERS = 5  # the number of their colour
_MAX_BARS = 45
_WEEK = 7
# Less is left of sums of fractions whose difference is nothing.
_NOTHING = 1e-9


@dataclass(frozen=True)
class Measure:
    """What is plotted and sorted by.

    Attributes:
        words: its name.
        order: how the ledger sorts by it.
        value: its value in some sums.
        text: formats it.
        adds_up: whether the values of days and users can be added.
    """

    words: str
    order: Order
    value: Callable[[Usage], float | None]
    text: Callable[[float], str]
    adds_up: bool = True


def _whole(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"


MEASURES = {
    "cost": Measure("Spend", "cost", lambda row: float(row.cost or 0), lambda value: dollars(Decimal(repr(value)))),
    "calls": Measure("Calls", "calls", lambda row: row.calls, _whole),
    "failures": Measure("Failures", "failures", lambda row: row.failures, _whole),
    "tokens": Measure("Tokens", "tokens", lambda row: row.tokens_in + row.tokens_out, _whole),
    "latency": Measure(
        "Mean latency",
        "milliseconds",
        lambda row: row.milliseconds,
        lambda value: duration(round(value)),
        adds_up=False,
    ),
}


def plotted(
    ledger: Ledger,
    wanted: CallFilter,
    days: Sequence[date],
    measure: Measure,
    by: By,
    rows: Sequence[Usage],
    names: Callable[[str | None], str],
) -> tuple[Markup, list[tuple[int, str]]]:
    """Return the plot, and its legend: numbers of colours and names.

    Args:
        ledger: where the days are read.
        wanted: the calls that are summed up.
        days: the days, in order; many of them are put together to weeks.
        measure: what is plotted.
        by: what usage is broken down by; by days, it is one series.
        rows: the sums, the greatest first.
        names: names a value of the dimension.
    """
    first = [] if by == "day" else [row.key[by] for row in rows[:_PLOTTED] if measure.value(row)]
    drawn = [
        Series(names(value), number, values)
        for number, (value, values) in enumerate(_of_each(ledger, wanted, days, measure, by, first).items())
    ]
    if not drawn or (measure.adds_up and len(rows) > len(first)):
        drawn.append(_others(ledger, wanted, days, measure, drawn))
    labels, per = [day_words(day) for day in days], "day"
    says = f"from {labels[0]} to {labels[-1]}"
    if len(days) > _MAX_BARS:
        labels, drawn = _by_week(labels, drawn, measure)
        per = "week"
    says = f"{measure.words} by {per} {says}; the table below has the sums"
    picture = plot(labels, drawn, says=says, words=measure.text, lines=not measure.adds_up)
    return picture, [(one.colour, one.name) for one in drawn] if first else []


def day_words(day: date) -> str:
    """Return a day in short."""
    return f"{day:%d %b}".lstrip("0")


def _of_each(
    ledger: Ledger, wanted: CallFilter, days: Sequence[date], measure: Measure, by: By, values: Sequence[str | None]
) -> dict[str | None, list[float | None]]:
    """Return the measure of each value on each day."""
    among = [value or "" for value in values]
    rows = ledger.usage(["day", by], wanted, among=among) if values else []
    found = {(row.key[by], row.key["day"]): measure.value(row) for row in rows}
    return {value: [found.get((value, day.isoformat())) or None for day in days] for value in values}


def _others(
    ledger: Ledger, wanted: CallFilter, days: Sequence[date], measure: Measure, drawn: Sequence[Series]
) -> Series:
    """Return all that is not in the other series."""
    found = {row.key["day"]: measure.value(row) for row in ledger.usage(["day"], wanted)}
    whole = [found.get(day.isoformat()) or None for day in days]
    if not drawn:
        return Series("all", 0, whole)
    parts = [sum(filter(None, column)) for column in zip(*(one.values for one in drawn), strict=True)]
    rest = [(value or 0) - part for value, part in zip(whole, parts, strict=True)]
    return Series("Others", _OTHERS, [value if value > _NOTHING else None for value in rest])


def _by_week(labels: Sequence[str], series: Sequence[Series], measure: Measure) -> tuple[list[str], list[Series]]:
    """Put seven days together: their sum, or the mean of their means."""

    def together(values: Sequence[float | None]) -> float | None:
        some = [value for value in values if value is not None]
        if not some:
            return None
        return sum(some) if measure.adds_up else sum(some) / len(some)

    starts = range(0, len(labels), _WEEK)
    return [labels[start] for start in starts], [
        replace(one, values=[together(one.values[start : start + _WEEK]) for start in starts]) for one in series
    ]
