"""/admin/tokens: the tokens that agents and hosts call with, when each was last used, and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from ...ledger import CallFilter
from ...store import ApiToken
from ..error_responses import Problem
from ..state import hosted
from .menu import CALLS, TOKENS, USAGE
from .rendering import redirect_after, render

router = APIRouter(prefix=TOKENS)
_DAYS = 30
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_SORTS: dict[str, tuple[str, Callable[[ApiToken], Any]]] = {
    "newest": ("Newest first", lambda token: -token.created_at.timestamp()),
    "unused": ("Longest unused first", lambda token: (token.last_used_at or _ALWAYS, token.created_at)),
    "name": ("By name", lambda token: token.name.casefold()),
}


@router.get("")
def tokens(request: Request) -> Response:
    """Show all tokens, those that still work first."""
    state, query = hosted(request), request.query_params
    sort = query.get("sort", "") if query.get("sort") in _SORTS else "newest"
    everything = state.store.tokens.list()
    found = sorted(everything, key=lambda token: (token.revoked_at is not None, _SORTS[sort][1](token)))
    since = datetime.now(UTC) - timedelta(days=_DAYS - 1)
    usage = {row.key["token"]: row for row in state.ledger.usage(["token"], CallFilter(since=since))}
    return render(
        request,
        "tokens.html",
        tokens=[
            {
                "token": token,
                "usage": usage.get(token.id),
                "calls": f"{CALLS}?{urlencode({'token_id': token.id})}",
                "users": f"{USAGE}?{urlencode({'by': 'user', 'token_id': token.id})}",
            }
            for token in found
        ],
        unused=_unused(everything),
        sort=sort,
        sorts=[(name, words, f"{TOKENS}?sort={name}") for name, (words, _) in _SORTS.items()],
        days=_DAYS,
        path=TOKENS,
    )


@router.get("/{token_id}/revoke")
def confirm(request: Request, token_id: str) -> Response:
    """Show the confirmation page for revoking a token."""
    token = _token(request, token_id)
    return render(
        request,
        "question.html",
        toolkit=None,
        heading=f"Revoke {token.name}?",
        text="Who calls with it is refused from the next request on. It can't be undone.",
        facts=None,
        yes="Revoke",
        bad=True,
        back=TOKENS,
        hidden={},
    )


@router.post("/{token_id}/revoke")
def revoke(request: Request, token_id: str) -> Response:
    """Revoke a token after the confirmation."""
    token = _token(request, token_id)
    done = "token-revoked" if token.revoked_at is None else "token-revoked-already"
    hosted(request).store.tokens.revoke(token_id)
    return redirect_after(request, done, token.name, TOKENS)


def _token(request: Request, token_id: str) -> ApiToken:
    """Return the token in a path. Raises `Problem` 404 if there is none."""
    for token in hosted(request).store.tokens.list():
        if token.id == token_id:
            return token
    raise Problem(404)


def _unused(tokens: Sequence[ApiToken]) -> int:
    """Return how many tokens that work were never used."""
    return sum(token.revoked_at is None and token.last_used_at is None for token in tokens)
