"""The filters of the pages Calls and Usage: they stand in the address, under the names that the API has for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from ...ledger import CallFilter
from ..access.roles import Viewer, viewer_of

TEXTS = (
    "user_id",
    "action",
    "model",
    "provider",
    "account_id",
    "token_id",
    "agent",
    "session_id",
    "error_type",
    "toolkit",
)
_DAYS = ("since", "until")
_OUTCOMES = {"true": True, "false": False}
_UPPER = ("action", "toolkit")
_MAX_TEXT = 255
_DAY = timedelta(days=1)
# Days that no ledger has are none: a calendar ends, too.
_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True)
class Given:
    """The filters in an address.

    Attributes:
        values: what is given, without what is empty or can't be.
        since: the first day, in UTC.
        until: the last day, in UTC.
    """

    values: Mapping[str, str]
    since: date | None
    until: date | None

    def __getitem__(self, name: str) -> str:
        """Return what is given, or an empty text."""
        return self.values.get(name, "")

    def address(self, path: str, **more: Any) -> str:
        """Return the address of a page with these filters and more; None leaves one out."""
        query = {name: value for name, value in {**self.values, **more}.items() if value is not None}
        return f"{path}?{urlencode(query)}" if query else path


def given_in(request: Request) -> Given:
    """Return the filters in a request's address."""
    query = request.query_params
    values = {name: query[name].strip()[:_MAX_TEXT] for name in (*TEXTS, *_DAYS) if query.get(name, "").strip()}
    if query.get("successful") in _OUTCOMES:
        values["successful"] = query["successful"]
    days = {name: _day(values[name]) for name in _DAYS if name in values}
    values = {name: value for name, value in values.items() if days.get(name, True)}
    return Given(values, days.get("since"), days.get("until"))


def calls_of(request: Request, given: Given) -> CallFilter:
    """Return the calls that pass the filters, and that the viewer may see."""
    texts = {name: given.values[name] for name in TEXTS if name in given.values and name != "user_id"}
    texts |= {name: texts[name].upper() for name in _UPPER if name in texts}
    wanted = CallFilter(
        **texts,
        users=(given["user_id"],) if given["user_id"] else None,
        successful=_OUTCOMES.get(given["successful"]),
        since=None if given.since is None else midnight(given.since),
        until=None if given.until is None else midnight(given.until + _DAY),
    )
    return limited_to(viewer_of(request), wanted)


def limited_to(viewer: Viewer, wanted: CallFilter) -> CallFilter:
    """Return a filter that lets a viewer see what is theirs alone."""
    if viewer.users is None:
        return wanted
    users = viewer.users if wanted.users is None else viewer.users.intersection(wanted.users)
    return replace(wanted, users=tuple(sorted(users)))


def midnight(day: date) -> datetime:
    """Return when a day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST <= found <= _LAST else None
