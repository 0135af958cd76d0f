"""Who sends a request, as the audit log notes it with the changes that the request makes.

The middleware begins it with the address; what finds out who it is, by a token or a session, fills in the rest. Until
then it is somebody with a link: nobody else can change anything.
"""

from __future__ import annotations

from starlette.types import Scope

from ...store import ApiToken, Link, Person
from ...store.audit.origin import Origin, begin, current
from ..request_ids import request_id_of


def begin_request(scope: Scope) -> None:
    """Let the changes of a request be recorded with its client's address, and its id if it has one."""
    client = scope.get("client")
    begin(Origin("link", address=client[0] if client else None, request_id=request_id_of(scope)))


def is_token(token: ApiToken) -> None:
    """Note that an API token makes the request."""
    origin = current()
    origin.kind, origin.id, origin.name = "token", token.id, token.name


def is_person(person: Person | None) -> None:
    """Note that a person makes the request; None is an administrator whom an earlier release logged in."""
    origin = current()
    origin.kind = "person"
    origin.id, origin.name = (None, None) if person is None else (person.id, person.name)


def is_link(link: Link) -> None:
    """Note that somebody with a link makes the request, unless a person does who is logged in."""
    origin = current()
    if origin.kind != "person":
        origin.kind, origin.id = "link", link.id
