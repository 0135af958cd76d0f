"""Error pages for people."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from ..settings import Settings
from .rendering import render

_MESSAGES = {
    403: ("Not allowed", "This page takes that only from its own form."),
    404: ("Nothing here", "There is no such page."),
    405: ("Not possible", "This page can't do that."),
    503: ("Not now", "The server can't answer now. Nothing was changed. Try again in a moment."),
}


def error_page(request: Request, status: int, text: str | None = None) -> Response:
    """Render the error page of a status, with the given text or the usual one."""
    heading, usual = _MESSAGES.get(status, ("Not possible", "This can't be done."))
    return _page(request, status, heading, text or usual, way={"address": "/admin/tools", "words": "To the tools"})


def wrong_address(request: Request, status: int, text: str) -> Response:
    """Render the error page for a wrong host name. It does not reveal this server's configured name."""
    return _page(request, status, "Wrong address", text, way=None, host_name=Settings.host_name)


def _page(request: Request, status: int, heading: str, text: str, **values: Any) -> Response:
    defaults = {"heading": heading, "text": text, "kind": "bad", "form": None, "message": None}
    return render(request, "notice.html", status, **defaults, **values)
