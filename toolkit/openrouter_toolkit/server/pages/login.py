"""Logging in by a one-time link, which whoever starts the server sees. Looking does not use it; the button does."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from ...store import LinkRefused, Store
from ..access.browsers import log_in, log_out, remembered
from ..access.throttle import refused
from ..settings import Settings
from ..state import hosted
from .rendering import render
from .toolkit_cards import TOOLS

_MADE_ELSEWHERE = (
    "It may have been made for another server, or with another database than this server's: make it on the same "
    "machine, with the same OPENROUTER_TOOLKIT_DATABASE."
)
router = APIRouter()


def new_link(store: Store, settings: Settings) -> str:
    """The address of a new login link. It works once, within ten minutes."""
    return f"{settings.url}/login/{store.links.to_log_in().secret}"


@router.get("/login")
def how_to_log_in(request: Request) -> Response:
    """How to get a link."""
    again = f"openrouter-toolkit login-link {hosted(request).settings.url}"
    text = "Open the login link that was printed when the server started. To get a new one, run:"
    return render(request, "notice.html", heading="Log in", text=text, command=again, kind="late", form=None, way=None)


@router.get("/login/{secret}")
def look(request: Request, secret: str) -> Response:
    """The link's page. Programs that fetch links to preview them get no further."""
    try:
        _check(hosted(request).store, secret)
    except LinkRefused as no:
        return _refusal(request, no)
    return render(
        request,
        "question.html",
        heading="Log in",
        text=f"You will be an administrator of {hosted(request).settings.host_name} in this browser.",
        yes="Log in",
        toolkit=None,
        facts=None,
        bad=False,
        back=None,
    )


@router.post("/login/{secret}")
def use(request: Request, secret: str) -> Response:
    """Use the link: a session begins."""
    store = hosted(request).store
    response = RedirectResponse(remembered(request) or TOOLS, 303)
    try:
        _check(store, secret)
        with store.transaction():
            store.links.consume(secret)
            log_in(request, response)
    except LinkRefused as no:
        return _refusal(request, no)
    return response


@router.post("/logout")
def leave(request: Request) -> Response:
    """End the session."""
    response = RedirectResponse("/login", 303)
    log_out(request, response)
    return response


def _check(store: Store, secret: str) -> None:
    """Raise `LinkRefused` unless it is a login link that can be used."""
    link = store.links.find(secret)
    if link is None or link.kind != "login":
        raise LinkRefused("unknown")
    if link.state != "open":
        raise LinkRefused(link.state)


def _refusal(request: Request, no: LinkRefused) -> Response:
    text = str(no)
    if no.reason == "unknown":
        refused(request)
        text = f"{text} {_MADE_ELSEWHERE}"
    return render(
        request,
        "notice.html",
        404 if no.reason == "unknown" else 410,
        heading="Not logged in",
        text=text,
        kind="late",
        form=None,
        way={"address": "/login", "words": "How to get another"},
    )
