"""Login by a one-time link: one for a person, or the one that the server prints at its start, for the only owner.

The first link that is used makes the first owner, who enters a name. Only the page's button uses a link up.
"""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from ...store import Link, LinkRefused, NameTaken, Person, Store, StoreError, UnknownPerson
from ..access.browsers import (
    forget_form,
    form_was_sent,
    is_logged_in,
    log_in,
    log_out,
    remembered_page,
    session,
)
from ..access.origins import is_link, is_person
from ..access.roles import find_viewer
from ..limits import mark_refused
from ..settings import Settings
from ..state import hosted
from .cards import TOOLS
from .rendering import Form, notice, render, sentence

_MADE_ELSEWHERE = (
    "It may have been made for another server, or with another database than this server's: make it on the same "
    "machine, with the same OPENROUTER_TOOLKIT_DATABASE."
)
router = APIRouter()


def new_link(store: Store, settings: Settings, person: Person | None = None) -> str:
    """Create a login link and return its address. It works once, within ten minutes."""
    return login_address(settings, store.links.to_log_in(None if person is None else person.id).secret)


def login_address(settings: Settings, secret: str) -> str:
    """Return the address of a login link."""
    return f"{settings.url}/login/{secret}"


def needs_name(store: Store) -> bool:
    """Return whether a link has to say who logs in: there are people, but not just one owner."""
    return store.people.exist() and store.people.only_owner() is None


@router.get("/login")
def how_to_log_in(request: Request) -> Response:
    """Show how to get a login link; and why one is needed, if the login has ended meanwhile."""
    if is_logged_in(request):
        return RedirectResponse(remembered_page(request) or TOOLS, 303)
    heading, text = "Log in", "Open the link that you were sent. On the server's machine, this makes one for the owner:"
    if session(request) is not None or form_was_sent(request):
        undone = " What you sent last was not done." if form_was_sent(request) else ""
        heading, text = "You are logged out", f"Your login has ended.{undone} To log in again, run this for a new link:"
    command = f"openrouter-toolkit login-link {hosted(request).settings.url}"
    with suppress(StoreError):  # the page is shown while the database can't be reached, too
        command += " --as NAME" if needs_name(hosted(request).store) else ""
    page = notice(request, 200, heading, text, "late", command=command)
    forget_form(request, page)
    return page


@router.get("/login/{secret}")
def show(request: Request, secret: str) -> Response:
    """Show the link's page, or the tools to who is logged in already and opens a used link again.

    Programs that fetch links for a preview don't use the link up.
    """
    try:
        link = _usable(hosted(request).store, secret)
        return _page(request, _person_of(hosted(request).store, link))
    except LinkRefused as refusal:
        if refusal.reason == "used" and is_logged_in(request):
            return RedirectResponse(TOOLS, 303)
        raise


@router.post("/login/{secret}")
def log_in_with_link(request: Request, secret: str, form: Form) -> Response:
    """Use the link up and start a session, of the first owner if there is nobody yet."""
    store = hosted(request).store
    response = RedirectResponse(remembered_page(request) or TOOLS, 303)
    name = form.get("name", "")
    try:
        link = _usable(store, secret)
        is_link(link)
        with store.transaction():
            person = _person_of(store, link) or store.people.first_owner(name) or _only_owner(store)
            is_person(person)
            store.links.consume(secret)
            log_in(request, response, store.people.joined(person.id))
    except UnknownPerson:
        raise LinkRefused("unknown") from None
    except (NameTaken, ValueError) as error:
        return _page(request, None, name, problem=sentence(str(error)))
    return response


@router.post("/logout")
def end_session(request: Request) -> Response:
    """End the session."""
    find_viewer(request)
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


def _page(request: Request, person: Person | None, name: str = "", *, problem: str | None = None) -> Response:
    """Render the page of a link, for a person or for the first owner."""
    return render(request, "login.html", 422 if problem else 200, person=person, name=name, problem=problem)


def _usable(store: Store, secret: str) -> Link:
    """Return an open login link. Raises `LinkRefused` if the secret is that of none."""
    link = store.links.find(secret)
    if link is None or link.kind != "login":
        raise LinkRefused("unknown")
    if link.state != "open":
        raise LinkRefused(link.state)
    return link


def _person_of(store: Store, link: Link) -> Person | None:
    """Return who logs in by a link, None if that is the first owner, whom there is not yet."""
    if link.person_id is None:
        return _only_owner(store) if store.people.exist() else None
    try:
        return store.people.get(link.person_id)
    except UnknownPerson:
        raise LinkRefused("unknown") from None


def _only_owner(store: Store) -> Person:
    owner = store.people.only_owner()
    if owner is None:
        raise LinkRefused("nameless")
    return owner
