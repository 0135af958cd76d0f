"""Authenticates API tokens. Every path under /api and /mcp needs one, even a path that does not exist."""

from __future__ import annotations

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from ...store import ApiToken, Store, StoreError
from ...store.tokens import well_formed
from ..addresses import is_for_composio, takes_api_key
from ..error_responses import Problem, retry_after
from ..limits import mark_refused
from ..state import State
from .origins import is_token

_TOKEN = "token"  # noqa: S105 - a name
_KEPT = "kept"
_KEY_PREFIX = "sk-or-"
_HOW_TO_CREATE = "openrouter-toolkit tokens create makes one"
_MISSING = f"No API token was sent. It goes into a header, Authorization: Bearer ort_... ({_HOW_TO_CREATE})."
_MALFORMED = (
    f"Authorization holds no API token. It must be one header, Authorization: Bearer ort_... ({_HOW_TO_CREATE})."
)
_NO_API_KEY = f"The API key is one header, x-api-key: ort_..., a token of this server ({_HOW_TO_CREATE})."
_WRONG = (
    f"This API token is wrong or was revoked. openrouter-toolkit tokens lists those there are, and {_HOW_TO_CREATE}."
)
_OPENROUTER_KEY_SENT = (
    "This is an OpenRouter key, and no token of this server. A key is connected as an account, under Tools or with "
    f"openrouter-toolkit connect; whoever calls sends an API token ({_HOW_TO_CREATE})."
)


async def authenticate(scope: Scope, state: State) -> ApiToken:
    """Return the valid token of a request, and keep it in the scope. Raises `Problem` 401, 429 or 503."""
    if state.running.stopping:
        raise Problem(503, "The server is stopping. Nothing was done. Try again.", retry_after(1))
    values, given = _given(scope)
    try:
        token = await _find(scope, state, given) if given and well_formed(given) else None
    except StoreError:
        raise Problem(503, headers=retry_after(1)) from None
    if token is None:
        mark_refused(HTTPConnection(scope))
        raise Problem(401, _refusal_message(scope["path"], values, given), {"WWW-Authenticate": "Bearer"})
    wait = state.call_limit.wait(token.id)
    if wait:
        raise Problem(429, "This token makes too many calls.", retry_after(wait))
    scope.setdefault("state", {})[_TOKEN] = token
    is_token(token)
    return token


def token_of(request: HTTPConnection) -> ApiToken:
    """Return the token of a request under /api or /mcp. Raises `Problem` 401 if there is none."""
    token = request.scope.get("state", {}).get(_TOKEN)
    if not isinstance(token, ApiToken):
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    return token


def use_check(request: HTTPConnection, store: Store) -> None:
    """Let the check of what the store keeps, made for the token, count for the call that this request makes."""
    store.lookups.use(request.scope["state"].get(_KEPT))


def acting_for(token: ApiToken, named: str | None, refusal: str) -> str | None:
    """Return the user whom a request names, or else the token's only one; None if it has several.

    Raises:
        Problem: 403 with the text `refusal` if the token may not act for the user, whether there is such a user or not.
    """
    if named is None:
        return next(iter(token.users)) if token.users is not None and len(token.users) == 1 else None
    if not token.may_act_for(named):
        raise Problem(403, refusal)
    return named


async def _find(scope: Scope, state: State, given: str) -> ApiToken | None:
    """Find a token, in another thread unless it is kept in memory."""
    kept = await state.shared_check.current()
    scope.setdefault("state", {})[_KEPT] = kept
    token = state.store.tokens.find_kept(given, kept)
    return await anyio.to_thread.run_sync(state.store.tokens.find, given) if token is None else token


def _given(scope: Scope) -> tuple[list[str], str | None]:
    """Return the headers in which a token can be, and the token: None unless there is exactly one.

    Composio's clients send it as `x-api-key`; to a session's MCP address, too.
    """
    headers, path = Headers(scope=scope), scope["path"]
    keys, values = headers.getlist("x-api-key"), headers.getlist("authorization")
    if is_for_composio(path) or (takes_api_key(path) and not values):
        return keys, (keys[0].strip() or None) if len(keys) == 1 else None
    return values, _bearer_token(values)


def _bearer_token(values: list[str]) -> str | None:
    """Return the bearer token in the Authorization headers, None unless there is exactly one."""
    scheme, _, text = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return text.strip() or None if scheme.lower() == "bearer" else None


def _refusal_message(path: str, values: list[str], given: str | None) -> str:
    """Explain the refusal without repeating the token or revealing whether it ever existed."""
    if given is None and takes_api_key(path):
        return _NO_API_KEY
    if given is None:
        return _MALFORMED if values else _MISSING
    return _OPENROUTER_KEY_SENT if given.lower().startswith(_KEY_PREFIX) else _WRONG
