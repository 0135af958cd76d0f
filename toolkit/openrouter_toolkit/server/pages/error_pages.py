"""What people get to see when something is not possible."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from ..settings import Settings
from .rendering import render

_WORDS = {
    403: ("Not allowed", "This page takes that only from its own form."),
    404: ("Nothing here", "There is no such page."),
    405: ("Not possible", "This page can't do that."),
    503: ("Not now", "The server can't answer now. Nothing was changed. Try again in a moment."),
}


def error_page(request: Request, status: int, text: str | None = None) -> Response:
    """A page that says so."""
    heading, usual = _WORDS.get(status, ("Not possible", "This can't be done."))
    return _page(request, status, heading, text or usual, way={"address": "/admin/tools", "words": "To the tools"})


def wrong_address(request: Request, status: int, text: str) -> Response:
    """A page for somebody who came by a name that is not this server's: whose server it is, it does not tell."""
    return _page(request, status, "Wrong address", text, way=None, host_name=Settings.host_name)


def _page(request: Request, status: int, heading: str, text: str, **values: Any) -> Response:
    own = {"heading": heading, "text": text, "kind": "bad", "form": None, "message": None}
    return render(request, "notice.html", status, **own, **values)
