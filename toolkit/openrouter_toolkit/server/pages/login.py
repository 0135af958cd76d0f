"""Login by a one-time link that the server prints at its start. Only the page's button uses the link up."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from ...store import LinkRefused, Store
from ..access.browsers import (
    forget_form,
    form_was_sent,
    is_administrator,
    log_in,
    log_out,
    remembered_page,
    session,
)
from ..limits import mark_refused
from ..settings import Settings
from ..state import hosted
from .cards import TOOLS
from .rendering import notice, render

_MADE_ELSEWHERE = (
    "It may have been made for another server, or with another database than this server's: make it on the same "
    "machine, with the same OPENROUTER_TOOLKIT_DATABASE."
)
router = APIRouter()


def new_link(store: Store, settings: Settings) -> str:
    """Create a login link and return its address. It works once, within ten minutes."""
    return f"{settings.url}/login/{store.links.to_log_in().secret}"


@router.get("/login")
def how_to_log_in(request: Request) -> Response:
    """Show how to get a login link; and why one is needed, if the login has ended meanwhile."""
    if is_administrator(request):
        return RedirectResponse(remembered_page(request) or TOOLS, 303)
    heading, text = "Log in", "Open the login link that was printed when the server started. To get a new one, run:"
    if session(request) is not None or form_was_sent(request):
        undone = " What you sent last was not done." if form_was_sent(request) else ""
        heading, text = "You are logged out", f"Your login has ended.{undone} To log in again, run this for a new link:"
    command = f"openrouter-toolkit login-link {hosted(request).settings.url}"
    page = notice(request, 200, heading, text, "late", command=command)
    forget_form(request, page)
    return page


@router.get("/login/{secret}")
def show(request: Request, secret: str) -> Response:
    """Show the link's page, or the tools to who is logged in already and opens a used link again.

    Programs that fetch links for a preview don't use the link up.
    """
    try:
        _check(hosted(request).store, secret)
    except LinkRefused as refusal:
        if refusal.reason == "used" and is_administrator(request):
            return RedirectResponse(TOOLS, 303)
        raise
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
        hidden={},
    )


@router.post("/login/{secret}")
def log_in_with_link(request: Request, secret: str) -> Response:
    """Use the link up and start a session."""
    store = hosted(request).store
    response = RedirectResponse(remembered_page(request) or TOOLS, 303)
    _check(store, secret)
    with store.transaction():
        store.links.consume(secret)
        log_in(request, response)
    return response


@router.post("/logout")
def end_session(request: Request) -> Response:
    """End the session."""
    response = RedirectResponse("/login", 303)
    log_out(request, response)
    return response


def login_refused(request: Request, refusal: LinkRefused) -> Response:
    """Render why a login link can't be used, and how to get another."""
    status, text = 410, str(refusal)
    if refusal.reason == "unknown":
        mark_refused(request)
        status, text = 404, f"{text} {_MADE_ELSEWHERE}"
    way = {"address": "/login", "words": "How to get another"}
    return notice(request, status, "Not logged in", text, "late", way=way)


def _check(store: Store, secret: str) -> None:
    """Raise `LinkRefused` unless the secret is that of an open login link."""
    link = store.links.find(secret)
    if link is None or link.kind != "login":
        raise LinkRefused("unknown")
    if link.state != "open":
        raise LinkRefused(link.state)
