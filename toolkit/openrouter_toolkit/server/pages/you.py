"""/admin/you: one's own name, role and logins."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ...store import Person
from ..access.browsers import session
from ..access.roles import viewer_of
from ..error_responses import Problem
from ..state import hosted
from .menu import YOU
from .rendering import redirect_after, render

router = APIRouter(prefix=YOU)


@router.get("")
def show(request: Request) -> Response:
    """Show who is logged in, and where else."""
    person, sessions = viewer_of(request).person, hosted(request).store.sessions
    here = sessions.find(session(request) or "")
    return render(
        request,
        "you.html",
        person=person,
        path=YOU,
        sessions=[] if person is None else sessions.of(person),
        here=None if here is None else here.id,
    )


@router.post("/sessions/end")
def end_others(request: Request) -> Response:
    """End all one's own logins but this one."""
    person = _person(request)
    hosted(request).store.sessions.end(person, but=session(request))
    return redirect_after(request, "others-ended", person.name, YOU)


@router.post("/sessions/{session_id}/end")
def end_session(request: Request, session_id: str) -> Response:
    """End one of one's own logins; after this one's end, the page to log in comes."""
    person = _person(request)
    hosted(request).store.sessions.end(person, session_id)
    return redirect_after(request, "session-ended", person.name, YOU)


def _person(request: Request) -> Person:
    person = viewer_of(request).person
    if person is None:
        raise Problem(404)
    return person
