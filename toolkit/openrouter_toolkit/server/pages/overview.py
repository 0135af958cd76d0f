"""/admin/overview: what today and this month cost and how it went, and what needs attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from ...ledger import CallFilter, Ledger, Totals, Usage
from ...ledger.advice import BY_TYPE
from ...store import Status, Which
from ..state import State, hosted
from .cards import account_row, row_address
from .figures import change, dollars, share
from .menu import CALLS, OVERVIEW, USAGE
from .plots import Series, plot
from .rendering import counted, render

router = APIRouter(prefix=OVERVIEW)
_DAY = timedelta(days=1)
_TREND = 30
_MAX_LISTED = 5
_FAILED_COLOUR = 6
_BROKEN = (Status.EXPIRED, Status.FAILED)


class _Figure(NamedTuple):
    """A figure of a span.

    Attributes:
        words: its name.
        value: its value.
        address: where it leads.
        before: its value in the span before, None if that is not known any more.
        change: by how much it changed, None where that says nothing.
        is_worse: whether the change is bad news.
        more: what has to be added.
    """

    words: str
    value: str
    address: str
    before: str | None
    change: str | None
    is_worse: bool
    more: str | None


@router.get("")
def overview(request: Request) -> Response:
    """Show the overview."""
    state, at = hosted(request), datetime.now(UTC)
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    ledger = state.ledger
    of_month = CallFilter(since=month)
    failures = [row for row in ledger.usage(["error_type"], of_month, order="failures") if row.failures]
    accounts, waiting = _accounts(state)
    return render(
        request,
        "overview.html",
        spans=[
            ("Today", "yesterday until this time", _figures(ledger, today, at, today - _DAY, at - _DAY)),
            (
                f"{at:%B}",
                f"{month - _DAY:%B} until this time",
                _figures(ledger, month, at, (month - _DAY).replace(day=1), _month_before(at)),
            ),
        ],
        trends=_trends(ledger, today),
        any_calls=bool(ledger.calls(limit=1).calls) or bool(ledger.usage(limit=1)),
        failures=[_failure(row, month, sum(one.failures for one in failures)) for row in failures[:_MAX_LISTED]],
        more_failures=max(0, len(failures) - _MAX_LISTED),
        all_failures=_address(USAGE, by="error_type", measure="failures", span="month", successful="false"),
        spenders=[_spenders(ledger, of_month, by, words) for by, words in (("user", "Users"), ("model", "Models"))],
        month=f"{at:%B}",
        accounts=accounts,
        more_accounts=max(0, state.store.accounts.count(Which(statuses=_BROKEN, connected=True)) - len(accounts)),
        waiting=waiting,
    )


def _figures(
    ledger: Ledger, since: datetime, until: datetime, before: datetime, before_until: datetime
) -> list[_Figure]:
    """Return spend, calls and failures of a span, beside those of the one before at the same time."""
    kept = until - before_until < ledger.kept_for
    current, earlier = ledger.totals(since, until), ledger.totals(before, before_until) if kept else None
    span = {"since": since.date(), "until": until.date()}

    def figure(
        words: str, sums: Callable[[Totals], int | Decimal], address: str, *, worse: bool, more: str | None = None
    ) -> _Figure:
        new, old = sums(current), None if earlier is None else sums(earlier)
        return _Figure(
            words,
            value=_amount(new) if new or more is None else "unknown",
            address=address,
            before=None if old is None else _amount(old),
            change=None if old is None else change(Decimal(new), Decimal(old)),
            is_worse=worse and old is not None and new > old,
            more=more,
        )

    unknown = f"and {counted(current.unpriced, 'call')} of unknown cost" if current.unpriced else None
    return [
        figure("Spend", lambda totals: totals.cost, _address(USAGE, **span), worse=True, more=unknown),
        figure("Calls", lambda totals: totals.calls, _address(CALLS, **span), worse=False),
        figure("Failures", lambda totals: totals.failures, _address(CALLS, **span, successful="false"), worse=True),
    ]


def _amount(value: int | Decimal) -> str:
    return dollars(value) if isinstance(value, Decimal) else f"{value:,}"


def _month_before(at: datetime) -> datetime:
    """Return the same time of the month before; its end, if it has no such day."""
    last = at.replace(day=1) - _DAY
    return last if at.day > last.day else last.replace(day=at.day)


def _trends(ledger: Ledger, today: datetime) -> list[tuple[str, Markup]]:
    """Return plots of the last days' spend and calls."""
    days = [(today - number * _DAY).date() for number in range(_TREND)][::-1]
    since = CallFilter(since=today - (_TREND - 1) * _DAY)
    found = {row.key["day"]: row for row in ledger.usage(["day"], since)}
    rows = [found.get(day.isoformat()) for day in days]
    labels = [f"{day:%d %b}".lstrip("0") for day in days]

    def values(value: Callable[[Usage], float]) -> Sequence[float | None]:
        return [None if row is None else value(row) or None for row in rows]

    spend = Series("spend", 0, values(lambda row: float(row.cost or 0)))
    failed = Series("failed", _FAILED_COLOUR, values(lambda row: row.failures))
    succeeded = Series("succeeded", 0, values(lambda row: row.calls - row.failures))
    return [
        (
            "Spend a day",
            plot(
                labels,
                [spend],
                says="Spend by day, the last 30 days",
                words=lambda value: dollars(Decimal(repr(value))),
                small=True,
            ),
        ),
        (
            "Calls a day, failed ones in red",
            plot(
                labels,
                [failed, succeeded],
                says="Calls by day, the last 30 days, those that failed and those that succeeded",
                words=lambda value: f"{value:,.0f}" if value == int(value) else f"{value:,g}",
                small=True,
            ),
        ),
    ]


def _failure(row: Usage, month: datetime, all_failures: int) -> dict[str, Any]:
    kind = row.key["error_type"] or ""
    return {
        "kind": kind,
        "count": row.failures,
        "part": share(row.failures, all_failures),
        "advice": BY_TYPE.get(kind, BY_TYPE["unmapped"]),
        "address": _address(CALLS, error_type=kind, since=month.date()),
    }


def _spenders(ledger: Ledger, wanted: CallFilter, by: Any, words: str) -> dict[str, Any]:
    """Return who or what cost most, each with the address of what it was spent on, or by whom."""
    rows = [row for row in ledger.usage([by], wanted, limit=_MAX_LISTED) if row.cost and row.key[by]]
    return {
        "words": words,
        "by": by,
        "address": _address(USAGE, by=by, span="month"),
        "rows": [
            {
                "name": row.key[by],
                "cost": row.cost,
                "address": _address(
                    USAGE,
                    span="month",
                    by="model" if by == "user" else "user",
                    **{"user_id" if by == "user" else by: row.key[by]},
                ),
            }
            for row in rows
        ],
    }


def _accounts(state: State) -> tuple[list[dict[str, Any]], int]:
    """Return accounts that can't be used any more, and how many wait for their key."""
    found = state.store.accounts.list(Which(statuses=_BROKEN, connected=True), limit=_MAX_LISTED)
    rows = []
    for account in found:
        toolkit = state.toolkits.get(account.toolkit)
        if toolkit is not None:
            row = account_row(account, toolkit.loaded.auth)
            rows.append({**row, "tool": toolkit.loaded.toolkit.name, "address": row_address(state.store, account)})
    return rows, state.store.accounts.count(Which(waiting=True))


def _address(path: str, **query: Any) -> str:
    return f"{path}?{urlencode(query)}"
