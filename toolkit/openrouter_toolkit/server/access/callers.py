"""Who makes the calls of a request, as the ledger notes it: the token, and what its headers or its body name."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from ...call import Caller, current_caller
from ...store import ApiToken
from ..request_ids import request_id_of
from .bearer import token_of

_HEADERS = {b"x-agent-label": "agent", b"x-session-id": "session_id"}


def caller_of(request: HTTPConnection, agent: str | None = None, session_id: str | None = None) -> Caller:
    """Return who makes a call. A label of the token counts before `agent`, and that before the header.

    Args:
        request: a request with a token.
        agent: the label that is named beside the arguments.
        session_id: the session that is named there.
    """
    token: ApiToken = token_of(request)
    found = {
        _HEADERS[name]: value.decode("utf-8", "replace") for name, value in request.scope["headers"] if name in _HEADERS
    }
    return Caller(
        agent=token.agent or agent or found.get("agent"),
        session_id=session_id or found.get("session_id"),
        token_id=token.id,
        request_id=request_id_of(request.scope),
    )


def note_caller(request: HTTPConnection, agent: str | None = None, session_id: str | None = None) -> None:
    """Let the calls that are made in this context be those of a request's caller."""
    current_caller.set(caller_of(request, agent, session_id))
