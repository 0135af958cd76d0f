"""/admin/people: who may log in, with what role; invitations, changes, and the logins of each person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from ...store import LastOwner, NameTaken, Person, Role
from ..access.browsers import SECRET
from ..state import hosted
from .connect_for import separated
from .handed_on import show_later, shown_secret
from .login import login_address
from .menu import PEOPLE
from .rendering import Form, redirect_after, render, sentence

router = APIRouter(prefix=PEOPLE)
# How long a link can be used, by what the form sends: some choose hours, to reach people in other time zones.
LIFETIMES = {
    "10-minutes": ("10 minutes", timedelta(minutes=10)),
    "1-day": ("1 day", timedelta(days=1)),
    "7-days": ("7 days", timedelta(days=7)),
}
_USUAL_LIFETIME = "1-day"


def _person(request: Request, person_id: str) -> Person:
    return hosted(request).store.people.get(person_id)


# The person in the path. The answer is 404 if there is none.
ThePerson = Annotated[Person, Depends(_person)]


@router.get("")
def people(request: Request) -> Response:
    """Show everybody, and to owners the form to invite somebody."""
    return _list(request, {})


@router.post("")
def invite(request: Request, form: Form) -> Response:
    """Add somebody, make a link for them, and redirect to the page that shows it."""
    state, values = hosted(request), dict(form)
    try:
        with state.store.transaction():
            person = state.store.people.add(**_submitted(form))
            link = state.store.links.to_log_in(person.id, lifetime=_lifetime(form))
    except (NameTaken, ValueError) as error:
        return _list(request, values, _problem(error), 422)
    return show_later(request, link, _link_page(person, link.link.id))


@router.get("/{person_id}")
def show(request: Request, person: ThePerson) -> Response:
    """Show a person, with the logins, and to owners the form to change it."""
    return _details(request, person)


@router.post("/{person_id}")
def change(request: Request, person: ThePerson, form: Form) -> Response:
    """Change the name, the e-mail address, the role and the user_ids."""
    try:
        changed = hosted(request).store.people.change(person.id, **_submitted(form))
    except (NameTaken, ValueError) as error:
        return _details(request, person, dict(form), _problem(error), 422)
    except LastOwner as error:
        return _details(request, person, dict(form), {"role": str(error)}, 422)
    return redirect_after(request, "changed", changed.name, _path(person))


@router.post("/{person_id}/link")
def make_link(request: Request, person: ThePerson, form: Form) -> Response:
    """Make a link by which the person logs in, and redirect to the page that shows it."""
    link = hosted(request).store.links.to_log_in(person.id, lifetime=_lifetime(form))
    return show_later(request, link, _link_page(person, link.link.id))


@router.get("/{person_id}/links/{link_id}")
def show_link(request: Request, person: ThePerson, link_id: str) -> Response:
    """Show a link in the browser in which it was made; once it can't be used any more, the person."""
    state = hosted(request)
    secret = shown_secret(request)
    link = state.store.links.find(secret) if SECRET.fullmatch(secret) else None
    if link is None or link.id != link_id or link.person_id != person.id or link.state != "open":
        return RedirectResponse(_path(person), 303)
    return render(
        request,
        "login_link.html",
        person=person,
        link=login_address(state.settings, secret),
        expires_at=link.expires_at,
        back=_path(person),
    )


@router.post("/{person_id}/links/{link_id}/withdraw")
def withdraw(request: Request, person: ThePerson, link_id: str) -> Response:
    """Withdraw a link that was not used."""
    links = hosted(request).store.links
    if any(link.id == link_id for link in links.to_person(person.id)):
        links.withdraw(link_id)
    return redirect_after(request, "withdrawn", person.name, _path(person))


@router.post("/{person_id}/disable")
def disable(request: Request, person: ThePerson) -> Response:
    """End the person's logins, and let nobody log in as them."""
    hosted(request).store.people.disable(person.id)
    return redirect_after(request, "person-disabled", person.name, _path(person))


@router.post("/{person_id}/enable")
def enable(request: Request, person: ThePerson) -> Response:
    """Undo `disable`."""
    hosted(request).store.people.enable(person.id)
    return redirect_after(request, "person-enabled", person.name, _path(person))


@router.get("/{person_id}/remove")
def confirm_removal(request: Request, person: ThePerson) -> Response:
    """Show the confirmation page for a removal."""
    text = "They can't log in any more. What they connected stays, and so does what they did in the audit log."
    return render(
        request,
        "question.html",
        toolkit=None,
        heading=f"Remove {person.name}?",
        text=text,
        facts=None,
        yes="Remove",
        bad=True,
        back=_path(person),
        hidden={},
    )


@router.post("/{person_id}/remove")
def remove(request: Request, person: ThePerson) -> Response:
    """Remove the person after the confirmation."""
    hosted(request).store.people.remove(person.id)
    return redirect_after(request, "person-removed", person.name, PEOPLE)


@router.post("/{person_id}/sessions/end")
def end_sessions(request: Request, person: ThePerson) -> Response:
    """End all logins of the person."""
    hosted(request).store.sessions.end(person)
    return redirect_after(request, "sessions-ended", person.name, _path(person))


@router.post("/{person_id}/sessions/{session_id}/end")
def end_session(request: Request, person: ThePerson, session_id: str) -> Response:
    """End one login of the person."""
    hosted(request).store.sessions.end(person, session_id)
    return redirect_after(request, "session-ended", person.name, _path(person))


def _list(
    request: Request, given: Mapping[str, str], problems: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    return render(
        request,
        "people.html",
        status,
        people=hosted(request).store.people.list(),
        path=_path,
        given={"name": "", "email": "", "role": Role.MEMBER, "users": "", "lifetime": _USUAL_LIFETIME, **given},
        problems=problems or {},
        roles=list(Role),
        lifetimes=[(name, words) for name, (words, _) in LIFETIMES.items()],
    )


def _details(
    request: Request,
    person: Person,
    given: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    store = hosted(request).store
    fields = {
        "name": person.name,
        "email": person.email or "",
        "role": person.role,
        "users": ", ".join(sorted(person.users)),
    }
    return render(
        request,
        "person.html",
        status,
        person=person,
        path=_path(person),
        given={**fields, **(given or {})},
        problems=problems or {},
        roles=list(Role),
        sessions=store.sessions.of(person),
        links=store.links.to_person(person.id),
        lifetimes=[(name, words) for name, (words, _) in LIFETIMES.items()],
        usual=_USUAL_LIFETIME,
    )


def _submitted(form: Form) -> dict[str, Any]:
    """Return what a form says of a person. Raises `ValueError` for an unknown role."""
    return {
        "name": form.get("name", ""),
        "email": form.get("email") or None,
        "role": Role(form.get("role", "")),
        "users": separated(form.get("users", "")),
    }


def _lifetime(form: Form) -> timedelta:
    return LIFETIMES.get(form.get("lifetime", ""), LIFETIMES[_USUAL_LIFETIME])[1]


def _problem(error: Exception) -> dict[str, str]:
    """Return what is wrong, by field."""
    words = str(error)
    fields = {"e-mail": "email", "user_id": "users", "Role": "role"}
    name = next((field for mark, field in fields.items() if mark in words), "name")
    return {name: "Choose one of them." if name == "role" else sentence(words)}


def _path(person: Person) -> str:
    return f"{PEOPLE}/{person.id}"


def _link_page(person: Person, link_id: str) -> str:
    return f"{_path(person)}/links/{link_id}"
