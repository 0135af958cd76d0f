"""What people get to see when something is not possible."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from .rendering import render

_WORDS = {
    403: ("Not allowed", "This page takes that only from its own form."),
    404: ("Nothing here", "There is no such page."),
    405: ("Not possible", "This page can't do that."),
    503: ("Not now", "The server can't answer now. Nothing was changed. Try again in a moment."),
}


def fault(request: Request, status: int, text: str | None = None) -> Response:
    """A page that says so."""
    heading, usual = _WORDS.get(status, ("Not possible", "This can't be done."))
    return render(
        request,
        "notice.html",
        status,
        heading=heading,
        text=text or usual,
        kind="bad",
        form=None,
        way={"address": "/admin/tools", "words": "To the tools"},
        message=None,
    )
