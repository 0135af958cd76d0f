"""Which role may request which page: one table, one check. A route that is not in the table is refused to everybody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from fastapi import Request
from starlette.requests import HTTPConnection

from ...store import ConnectedAccount, Person, Role
from ..error_responses import Problem
from ..state import hosted
from . import origins
from .browsers import LoginNeeded, session

_VIEWER = "viewer"


class Right(Enum):
    """Who may request a page: the roles that have the right."""

    OWN = frozenset(Role)  # what is one's own: seen by everybody
    CHANGE_OWN = frozenset(Role) - {Role.AUDITOR}  # changed by those who change anything
    SEE = frozenset(Role) - {Role.MEMBER}
    CHANGE = frozenset({Role.OWNER, Role.ADMINISTRATOR})
    PEOPLE = frozenset({Role.OWNER})


_TOOL = "/admin/tools/{toolkit}"
_ACCOUNT = f"{_TOOL}/accounts/{{account_id}}"
_TRY = f"{_TOOL}/actions/{{action}}/try"
_OFFER = "/admin/offers/{toolkit}"
_PERSON = "/admin/people/{person_id}"
_WEBHOOK = "/admin/webhooks/{webhook_id}"

# The least right of each route below /admin.
RIGHTS: dict[str, Right] = {
    "GET /admin/overview": Right.SEE,
    "GET /admin/tools": Right.OWN,
    f"GET {_TOOL}": Right.OWN,
    f"POST {_TOOL}/activate": Right.CHANGE,
    f"POST {_TOOL}/deactivate": Right.CHANGE,
    f"POST {_TOOL}/actions/{{action}}/switch": Right.CHANGE,
    f"POST {_TOOL}/toolsets/{{toolset}}/switch": Right.CHANGE,
    f"GET {_TOOL}/connect": Right.CHANGE_OWN,
    f"POST {_TOOL}/connect": Right.CHANGE_OWN,
    f"POST {_TOOL}/connect/browser": Right.CHANGE_OWN,
    f"POST {_TOOL}/connect/link": Right.CHANGE_OWN,
    f"GET {_TOOL}/links/{{link_id}}": Right.CHANGE_OWN,
    f"POST {_ACCOUNT}/reconnect": Right.CHANGE_OWN,
    f"POST {_ACCOUNT}/link": Right.CHANGE_OWN,
    f"POST {_ACCOUNT}/default": Right.CHANGE_OWN,
    f"POST {_ACCOUNT}/disable": Right.CHANGE_OWN,
    f"POST {_ACCOUNT}/enable": Right.CHANGE_OWN,
    f"GET {_ACCOUNT}/disconnect": Right.CHANGE_OWN,
    f"POST {_ACCOUNT}/disconnect": Right.CHANGE_OWN,
    f"GET {_TRY}": Right.CHANGE_OWN,
    f"POST {_TRY}": Right.CHANGE_OWN,
    f"GET {_OFFER}": Right.SEE,
    f"POST {_OFFER}/add": Right.CHANGE,
    f"POST {_OFFER}/remove": Right.CHANGE,
    "GET /admin/budgets": Right.SEE,
    **{
        f"{method} /admin/budgets/{page}": Right.CHANGE
        for method in ("GET", "POST")
        for page in ("new", "change", "remove")
    },
    "POST /admin/budgets/raise": Right.CHANGE,
    "GET /admin/calls": Right.OWN,
    "GET /admin/calls/{call_id}": Right.OWN,
    "GET /admin/usage": Right.OWN,
    "GET /admin/usage/export": Right.OWN,
    "GET /admin/tokens": Right.SEE,
    "GET /admin/tokens/{token_id}/revoke": Right.CHANGE,
    "POST /admin/tokens/{token_id}/revoke": Right.CHANGE,
    "GET /admin/people": Right.SEE,
    "POST /admin/people": Right.PEOPLE,
    f"GET {_PERSON}": Right.SEE,
    f"POST {_PERSON}": Right.PEOPLE,
    f"POST {_PERSON}/link": Right.PEOPLE,
    f"GET {_PERSON}/links/{{link_id}}": Right.PEOPLE,
    f"POST {_PERSON}/links/{{link_id}}/withdraw": Right.PEOPLE,
    f"POST {_PERSON}/disable": Right.PEOPLE,
    f"POST {_PERSON}/enable": Right.PEOPLE,
    f"GET {_PERSON}/remove": Right.PEOPLE,
    f"POST {_PERSON}/remove": Right.PEOPLE,
    f"POST {_PERSON}/sessions/end": Right.PEOPLE,
    f"POST {_PERSON}/sessions/{{session_id}}/end": Right.PEOPLE,
    "GET /admin/you": Right.OWN,
    "POST /admin/you/sessions/end": Right.OWN,
    "POST /admin/you/sessions/{session_id}/end": Right.OWN,
    "GET /admin/audit": Right.SEE,
    "GET /admin/audit/export": Right.SEE,
    "GET /admin/webhooks": Right.SEE,
    "POST /admin/webhooks": Right.CHANGE,
    f"GET {_WEBHOOK}": Right.SEE,
    f"POST {_WEBHOOK}/test": Right.CHANGE,
    f"POST {_WEBHOOK}/events": Right.CHANGE,
    f"POST {_WEBHOOK}/on": Right.CHANGE,
    f"POST {_WEBHOOK}/off": Right.CHANGE,
    f"POST {_WEBHOOK}/secret": Right.CHANGE,
    f"POST {_WEBHOOK}/deliveries/{{delivery_id}}/resend": Right.CHANGE,
    f"GET {_WEBHOOK}/remove": Right.CHANGE,
    f"POST {_WEBHOOK}/remove": Right.CHANGE,
}
_REFUSALS = {
    Right.PEOPLE: "Only owners manage people. Ask one of them.",
    Right.CHANGE: "Only administrators may change that. Ask one of them.",
    Right.SEE: "This page is for administrators and auditors.",
}
_ONLY_READS = "An auditor sees everything and changes nothing. Ask an administrator."


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page.

    Attributes:
        person: who is logged in; None in a session that an earlier release began, which has an administrator's rights.
        role: the person's role.
    """

    person: Person | None
    role: Role

    @property
    def users(self) -> frozenset[str] | None:
        """The user_ids to which the viewer is limited; None if there is no limit."""
        return self.person.users if self.person is not None and self.role == Role.MEMBER else None

    def may(self, method: str, route: str) -> bool:
        """Return whether the viewer may request a route."""
        right = RIGHTS.get(f"{method} {route}")
        return right is not None and self.role in right.value

    def has(self, right: Right) -> bool:
        """Return whether the viewer has a right."""
        return self.role in right.value

    def may_see(self, account: ConnectedAccount) -> bool:
        """Return whether an account belongs to what the viewer sees."""
        return self.users is None or account.user_id in self.users

    def may_act_for(self, user_id: str | None) -> bool:
        """Return whether the viewer may connect and call as a user, or with None for the organisation."""
        return self.users is None or user_id in self.users


def check_role(request: Request) -> None:
    """A FastAPI dependency of all routes below /admin.

    Raises:
        LoginNeeded: nobody is logged in.
        Problem: 403, the person's role does not have the right.
    """
    viewer = find_viewer(request)
    if viewer is None:
        raise LoginNeeded
    route = request.scope["route"].path
    method = "GET" if request.method == "HEAD" else request.method
    if not viewer.may(method, route):
        raise Problem(403, _refusal(viewer, RIGHTS.get(f"{method} {route}")))


def find_viewer(request: HTTPConnection) -> Viewer | None:
    """Return who is logged in, None if nobody is. Their changes are recorded as theirs."""
    state = request.scope.setdefault("state", {})
    if _VIEWER not in state:
        secret = session(request)
        found = None if secret is None else hosted(request).store.sessions.find(secret)
        viewer = None
        if found is not None:
            viewer = Viewer(found.person, Role.ADMINISTRATOR if found.person is None else found.person.role)
            origins.is_person(found.person)
        state[_VIEWER] = viewer
    viewer_found: Viewer | None = state[_VIEWER]
    return viewer_found


def known_viewer(request: HTTPConnection) -> Viewer | None:
    """Return who is logged in if that was looked up for this request, without asking the store."""
    viewer: Viewer | None = request.scope.get("state", {}).get(_VIEWER)
    return viewer


def viewer_of(request: HTTPConnection) -> Viewer:
    """Return who looks at a page below /admin. Raises `LoginNeeded` if nobody is logged in."""
    viewer = find_viewer(request)
    if viewer is None:
        raise LoginNeeded
    return viewer


def _refusal(viewer: Viewer, right: Right | None) -> str | None:
    if right is None:
        return None
    if viewer.role == Role.AUDITOR and right is not Right.PEOPLE:
        return _ONLY_READS
    return _REFUSALS.get(right)
