"""/admin/audit: who changed what. The filters stand in the address; pages go by the entries' numbers; exports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from ...store import AuditEntry, AuditFilter
from ...store.audit.export import csv_lines, json_lines
from ...store.audit.record import ACTIONS
from ..error_responses import Problem
from ..state import hosted
from .menu import AUDIT
from .rendering import render

router = APIRouter(prefix=AUDIT)
_PER_PAGE = 50
_TEXTS = ("actor", "action", "object", "user_id", "request_id")
_DAYS = ("since", "until")
_MAX_TEXT = 500
_EXPORTS = {"csv": ("text/csv; charset=utf-8", csv_lines), "json": ("application/json", json_lines)}


@router.get("")
def audit(request: Request) -> Response:
    """Show a page of changes, the newest first."""
    given, which = _given(request)
    before, after = _number(request, "before"), _number(request, "after")
    log = hosted(request).store.audit
    entries = log.list(which, limit=_PER_PAGE, before=before, after=None if before is not None else after)
    first, last = (entries[0].id, entries[-1].id) if entries else (0, 0)
    newer = bool(entries) and bool(log.list(which, limit=1, after=first))
    older = bool(entries) and bool(log.list(which, limit=1, before=last))

    def address(**more: Any) -> str:
        query = urlencode({**given, **more})
        return f"{AUDIT}?{query}" if query else AUDIT

    return render(
        request,
        "audit.html",
        entries=[_row(entry) for entry in entries],
        given={name: given.get(name, "") for name in (*_TEXTS, *_DAYS)},
        filtered=bool(given),
        groups=list(dict.fromkeys(action.partition(".")[0] for action in ACTIONS)),
        actions=list(ACTIONS),
        newest=address(),
        newer=address(after=first) if newer else None,
        older=address(before=last) if older else None,
        exports={name: f"{AUDIT}/export?{urlencode({**given, 'format': name})}" for name in _EXPORTS},
        beyond=before is not None or after is not None,
    )


@router.get("/export")
def export(request: Request) -> Response:
    """Send all changes that pass the filters, as CSV or JSON."""
    _, which = _given(request)
    name = request.query_params.get("format", "csv")
    if name not in _EXPORTS:
        raise Problem(422, "format: wanted csv or json.")
    media_type, lines = _EXPORTS[name]
    headers = {"Content-Disposition": f'attachment; filename="audit.{name}"'}
    return StreamingResponse(lines(hosted(request).store.audit.all(which)), media_type=media_type, headers=headers)


def _given(request: Request) -> tuple[dict[str, str], AuditFilter]:
    """Return the filters in the address, without those that are empty or can't be, and what they mean."""
    query = request.query_params
    given = {name: query[name].strip()[:_MAX_TEXT] for name in (*_TEXTS, *_DAYS) if query.get(name, "").strip()}
    days = {name: _day(given[name]) for name in _DAYS if name in given}
    for name in [name for name, day in days.items() if day is None]:
        del given[name]
    until = days.get("until")
    texts = {name: given[name] for name in _TEXTS if name in given}
    return given, AuditFilter(
        **texts, since=days.get("since"), until=None if until is None else until + timedelta(days=1)
    )


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "who": entry.who,
        "what": entry.what,
        "user_id": entry.user_id,
        "address": entry.address,
        "request_id": entry.request_id,
        "action": entry.action,
        "object_id": entry.object_id,
        "differences": entry.differences,
        "changed": entry.before is not None and entry.after is not None,
    }
