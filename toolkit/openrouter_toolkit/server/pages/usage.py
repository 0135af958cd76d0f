"""/admin/usage: what calls cost and how they went, by user, model and the like, as a plot, a table and downloads."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from ...ledger import By, CallFilter, Ledger, Order, Usage
from ...ledger.export import usage_as_csv, usage_as_dict
from ..error_responses import Problem
from ..state import hosted
from .call_filters import TEXTS, Given, calls_of, given_in
from .calls import action_titles, token_names
from .figures import dollars, duration, share
from .menu import CALLS, USAGE
from .plots import Series, plot
from .rendering import render

router = APIRouter(prefix=USAGE)
_MAX_ROWS = 100
_MAX_EXPORTED = 100_000
_PLOTTED = 5
_OTHERS = 5  # the number of their colour
_MAX_BARS = 45
_WEEK = 7
_DAY = timedelta(days=1)
_MAX_DAYS = 800
_NONE = "(none)"

# What sums are broken down by, and the filter that one value of it is.
BY: dict[str, tuple[By, str, str]] = {
    "user": ("user", "User", "user_id"),
    "model": ("model", "Model", "model"),
    "provider": ("provider", "Provider", "provider"),
    "action": ("action", "Action", "action"),
    "token": ("token", "Token", "token_id"),
    "account": ("account", "Account", "account_id"),
    "agent": ("agent", "Agent", "agent"),
    "error_type": ("error_type", "Error type", "error_type"),
    "day": ("day", "Day", ""),
}
SPANS = {"today": "Today", "7": "7 days", "30": "30 days", "90": "90 days", "month": "This month"}
_USUAL_SPAN = "30"


@dataclass(frozen=True)
class _Measure:
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


_MEASURES = {
    "cost": _Measure("Spend", "cost", lambda row: float(row.cost or 0), lambda value: dollars(Decimal(repr(value)))),
    "calls": _Measure("Calls", "calls", lambda row: row.calls, _whole),
    "failures": _Measure("Failures", "failures", lambda row: row.failures, _whole),
    "tokens": _Measure("Tokens", "tokens", lambda row: row.tokens_in + row.tokens_out, _whole),
    "latency": _Measure(
        "Mean latency",
        "milliseconds",
        lambda row: row.milliseconds,
        lambda value: duration(round(value)),
        adds_up=False,
    ),
}


@dataclass(frozen=True)
class _Asked:
    """What the address asks for, with the usual where it asks for nothing that there is."""

    given: Given
    by: str
    measure: str
    span: str
    first: date
    last: date

    def address(self, path: str = USAGE, **more: Any) -> str:
        """Return the address of this page with something else."""
        choices = {"by": self.by, "measure": self.measure, "span": self.span or None}
        return self.given.address(path, **{**choices, **more})


@router.get("")
def usage(request: Request) -> Response:
    """Show the sums."""
    state, asked = hosted(request), _asked(request)
    wanted, measure = _wanted(request, asked), _MEASURES[asked.measure]
    ledger, (by, words, column) = state.ledger, BY[asked.by]
    rows = ledger.usage([by], wanted, order=measure.order, limit=None if by == "day" else _MAX_ROWS + 1)
    total = next(iter(ledger.usage(wanted=wanted)), None)
    names = _names(request, by)
    shown = [
        {
            "name": names(row.key[by]),
            "id": row.key[by] if names(row.key[by]) != row.key[by] else None,
            "calls": _calls_address(asked, column, row.key[by]),
            "row": row,
            "failed": share(row.failures, row.calls),
        }
        for row in (rows[::-1] if by == "day" else rows[:_MAX_ROWS])
    ]
    drawn, legend = (
        (Markup(""), [])
        if total is None or asked.first == asked.last
        else _plot(ledger, asked, wanted, rows, total, names)
    )
    return render(
        request,
        "usage.html",
        asked=asked,
        given=asked.given,
        by=[(name, told) for name, (_, told, _) in BY.items()],
        measures=[(name, one.words) for name, one in _MEASURES.items()],
        spans=[(name, told, asked.address(span=name, since=None, until=None)) for name, told in SPANS.items()],
        words=words,
        measure=measure.words,
        rows=shown,
        more=len(rows) > len(shown),
        total=total,
        failed=share(total.failures, total.calls) if total else "",
        failures=asked.given.address(CALLS, successful="false", since=asked.first, until=asked.last),
        plot=drawn,
        legend=legend,
        filtered=any(asked.given[name] for name in (*TEXTS, "successful")),
        shown_more=any(
            asked.given[name] for name in ("provider", "token_id", "account_id", "error_type", "successful")
        ),
        titles=action_titles(state),
        tokens=token_names(request),
        exports={name: asked.address(f"{USAGE}/export", format=name) for name in ("csv", "json")},
    )


@router.get("/export")
def export(request: Request) -> Response:
    """Send the sums as CSV or JSON."""
    asked = _asked(request)
    name = request.query_params.get("format", "csv")
    if name not in ("csv", "json"):
        raise Problem(422, "format: wanted csv or json.")
    by, _, _ = BY[asked.by]
    order = _MEASURES[asked.measure].order
    rows = hosted(request).ledger.usage([by], _wanted(request, asked), order=order, limit=_MAX_EXPORTED)
    headers = {"Content-Disposition": f'attachment; filename="usage-by-{by}-{asked.first}-{asked.last}.{name}"'}
    if name == "csv":
        return Response(usage_as_csv([by], rows), media_type="text/csv; charset=utf-8", headers=headers)
    text = json.dumps([usage_as_dict(row) for row in rows], ensure_ascii=False, indent=1)
    return Response(text, media_type="application/json", headers=headers)


def _asked(request: Request) -> _Asked:
    given, query = given_in(request), request.query_params
    today = datetime.now(UTC).date()
    span = query.get("span", "")
    if given.since or given.until:
        span = ""
    elif span not in SPANS:
        span = _USUAL_SPAN
    last = min(given.until or today, today)
    first = given.since or _first_day(span or _USUAL_SPAN, last)
    first = max(min(first, last), last - (_MAX_DAYS - 1) * _DAY)
    by = query.get("by", "")
    measure = query.get("measure", "")
    return _Asked(given, by if by in BY else "user", measure if measure in _MEASURES else "cost", span, first, last)


def _first_day(span: str, last: date) -> date:
    if span == "month":
        return last.replace(day=1)
    return last if span == "today" else last - (int(span) - 1) * _DAY


def _wanted(request: Request, asked: _Asked) -> CallFilter:
    """Return the calls that are summed up. Sums know no sessions."""
    values = {name: value for name, value in asked.given.values.items() if name != "session_id"}
    return calls_of(request, Given(values, asked.first, asked.last))


def _calls_address(asked: _Asked, column: str, value: str | None) -> str | None:
    """Return where the calls behind a row are listed; None if no filter finds them."""
    if not column:
        return asked.given.address(CALLS, since=value, until=value)
    if value is None:
        return None
    return asked.given.address(CALLS, since=asked.first, until=asked.last, **{column: value})


def _names(request: Request, by: By) -> Callable[[str | None], str]:
    """Return what names the values of a dimension."""
    known: dict[str, str] = {}
    if by == "action":
        known = action_titles(hosted(request))
    elif by == "token":
        known = token_names(request)
    elif by == "day":
        return lambda value: _day_words(date.fromisoformat(cast(str, value)))
    absent = "Succeeded" if by == "error_type" else _NONE
    return lambda value: absent if value is None else known.get(value, value)


def _day_words(day: date) -> str:
    return f"{day:%d %b}".lstrip("0")


def _plot(
    ledger: Ledger,
    asked: _Asked,
    wanted: CallFilter,
    rows: Sequence[Usage],
    total: Usage,
    names: Callable[[str | None], str],
) -> tuple[Markup, list[tuple[int, str]]]:
    """Return the plot of the measure by day, for the first rows, and its legend: colours and names."""
    measure = _MEASURES[asked.measure]
    by, words, column = BY[asked.by]
    days = [asked.first + number * _DAY for number in range((asked.last - asked.first).days + 1)]
    first = [row for row in rows[:_PLOTTED] if column and measure.value(row)]
    drawn = [
        Series(names(row.key[by]), number, _by_day(ledger, _of_value(wanted, column, row.key[by]), days, measure))
        for number, row in enumerate(first)
    ]
    if not drawn or (measure.adds_up and len(rows) > len(first)):
        drawn.append(_others(ledger, wanted, days, measure, drawn))
    labels = [_day_words(day) for day in days]
    if len(days) > _MAX_BARS:
        labels, drawn = _by_week(labels, drawn, measure)
    per = "week" if len(days) > _MAX_BARS else "day"
    says = f"{measure.words} by {per} from {_day_words(days[0])} to {_day_words(days[-1])}"
    if column:
        says += f", for each {words.lower()}; the table below has the sums"
    picture = plot(labels, drawn, says=says, words=measure.text, lines=not measure.adds_up)
    return picture, [(one.colour, one.name) for one in drawn] if column else []


def _others(
    ledger: Ledger, wanted: CallFilter, days: Sequence[date], measure: _Measure, drawn: Sequence[Series]
) -> Series:
    """Return all that is not in the other series."""
    whole = _by_day(ledger, wanted, days, measure)
    if not drawn:
        return Series("All" if measure.adds_up else measure.words, 0, whole)
    parts = [sum(filter(None, column)) for column in zip(*(one.values for one in drawn), strict=True)]
    rest = [max(0.0, (value or 0) - part) for value, part in zip(whole, parts, strict=True)]
    return Series("Others", _OTHERS, [value if value > 1e-9 else None for value in rest])


def _by_day(ledger: Ledger, wanted: CallFilter, days: Sequence[date], measure: _Measure) -> list[float | None]:
    found = {row.key["day"]: measure.value(row) for row in ledger.usage(["day"], wanted)}
    return [found.get(day.isoformat()) or None for day in days]


def _by_week(labels: Sequence[str], series: Sequence[Series], measure: _Measure) -> tuple[list[str], list[Series]]:
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


def _of_value(wanted: CallFilter, column: str, value: str | None) -> CallFilter:
    """Return the calls with one value of a dimension; an empty text stands for none."""
    return replace(wanted, users=(value or "",)) if column == "user_id" else replace(wanted, **{column: value or ""})
