"""/admin/usage: what calls cost and how they went, by user, model and the like, as a plot, a table and downloads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from ...ledger import By, CallFilter
from ...ledger.export import usage_as_csv, usage_as_dict
from ..error_responses import Problem
from ..state import hosted
from .call_filters import TEXTS, Given, calls_of, given_in
from .calls import action_titles, token_names
from .figures import share
from .menu import CALLS, USAGE
from .rendering import render
from .usage_plot import MEASURES, day_words, plotted

router = APIRouter(prefix=USAGE)
_MAX_ROWS = 100
_MAX_EXPORTED = 100_000
_DAY = timedelta(days=1)
_MAX_DAYS = 800
_NONE = "(none)"

# What sums are broken down by: in words, and the filter that finds the calls of one value.
BY: dict[By, tuple[str, str]] = {
    "user": ("User", "user_id"),
    "model": ("Model", "model"),
    "provider": ("Provider", "provider"),
    "action": ("Action", "action"),
    "token": ("Token", "token_id"),
    "account": ("Account", "account_id"),
    "agent": ("Agent", "agent"),
    "error_type": ("Error type", "error_type"),
    "day": ("Day", ""),
}
SPANS = {"today": "Today", "7": "7 days", "30": "30 days", "90": "90 days", "month": "This month"}
_USUAL_SPAN = "30"


@dataclass(frozen=True)
class _Asked:
    """What the address asks for, with the usual where it asks for nothing that there is."""

    given: Given
    by: By
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
    wanted, measure = _wanted(request, asked), MEASURES[asked.measure]
    ledger, by, (words, column) = state.ledger, asked.by, BY[asked.by]
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
    drawn = Markup("")
    legend: list[tuple[int, str]] = []
    if total is not None and asked.first != asked.last:
        days = [asked.first + number * _DAY for number in range((asked.last - asked.first).days + 1)]
        drawn, legend = plotted(ledger, wanted, days, measure, by, rows, names)
    return render(
        request,
        "usage.html",
        asked=asked,
        given=asked.given,
        by=[(name, label) for name, (label, _) in BY.items()],
        measures=[(name, one.words) for name, one in MEASURES.items()],
        spans=[(name, label, asked.address(span=name, since=None, until=None)) for name, label in SPANS.items()],
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
        shown_more=any(asked.given[name] for name in (*TEXTS, "successful") if name not in ("user_id", "model")),
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
    by = asked.by
    order = MEASURES[asked.measure].order
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
    by: By = next((name for name in BY if name == query.get("by")), "user")
    measure = query.get("measure", "")
    return _Asked(given, by, measure if measure in MEASURES else "cost", span, first, last)


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
        return lambda value: day_words(date.fromisoformat(cast(str, value)))
    absent = "Succeeded" if by == "error_type" else _NONE
    return lambda value: absent if value is None else known.get(value, value)
