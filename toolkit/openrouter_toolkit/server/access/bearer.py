"""Authenticates API tokens. Every path under /api and /mcp needs one, even a path that does not exist."""

from __future__ import annotations

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ...store import ApiToken, StoreError
from ..addresses import is_for_programs
from ..error_responses import Problem, problem
from ..state import State
from .throttle import mark_refused, retry_after

TOKEN = "token"  # noqa: S105 - a name
_KEY_PREFIX = "sk-or-"
_TOO_MANY_CALLS = (
    "This token makes {} calls already, as many as it may while others need threads too. Wait for one to end."
)
_NO_THREAD = "All threads are busy with the calls of other tokens. Nothing was done. Try again."
_HOW_TO_CREATE = "openrouter-toolkit tokens create makes one"
_MISSING = f"No API token was sent. It goes into a header, Authorization: Bearer ort_... ({_HOW_TO_CREATE})."
_MALFORMED = (
    f"Authorization holds no API token. It must be one header, Authorization: Bearer ort_... ({_HOW_TO_CREATE})."
)
_WRONG = (
    f"This API token is wrong or was revoked. openrouter-toolkit tokens lists those there are, and {_HOW_TO_CREATE}."
)
_OPENROUTER_KEY_SENT = (
    "This is an OpenRouter key, and no token of this server. A key is connected as an account, under Tools or with "
    f"openrouter-toolkit connect; whoever calls sends an API token ({_HOW_TO_CREATE})."
)


class BearerTokens:
    """Lets a request under /api or /mcp pass only with a valid token that is within its limits."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the token in its state, or answer 401, 429 or 503."""
        if scope["type"] != "http" or not is_for_programs(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            token = await self._token(scope)
        except Problem as no:
            await problem(scope["path"], no.status, no.message, no.headers)(scope, receive, send)
            return
        scope.setdefault("state", {})[TOKEN] = token
        with self._state.threads.one(token.id) as taken:
            answer = self._app
            if taken is not None:
                status, words = (429, _TOO_MANY_CALLS.format(taken)) if taken else (503, _NO_THREAD)
                answer = problem(scope["path"], status, words, retry_after(1))
            await answer(scope, receive, send)

    async def _token(self, scope: Scope) -> ApiToken:
        if self._state.running.stopping:
            raise Problem(503, "The server is stopping. Nothing was done. Try again.", retry_after(1))
        values = Headers(scope=scope).getlist("authorization")
        given = _bearer_token(values)
        try:
            token = await anyio.to_thread.run_sync(self._state.store.tokens.find, given) if given else None
        except StoreError:
            raise Problem(503, headers=retry_after(1)) from None
        if token is None:
            mark_refused(HTTPConnection(scope))
            raise Problem(401, _refusal_message(values, given), {"WWW-Authenticate": "Bearer"})
        wait = self._state.call_limit.wait(token.id)
        if wait:
            raise Problem(429, "This token makes too many calls.", retry_after(wait))
        return token


def token_of(request: HTTPConnection) -> ApiToken:
    """Return the token of a request that passed `BearerTokens`. Raises `Problem` 401 if there is none."""
    token = request.scope.get("state", {}).get(TOKEN)
    if not isinstance(token, ApiToken):
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    return token


def _bearer_token(values: list[str]) -> str | None:
    """Return the bearer token in the Authorization headers, None unless there is exactly one."""
    scheme, _, text = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return text.strip() or None if scheme.lower() == "bearer" else None


def _refusal_message(values: list[str], given: str | None) -> str:
    """Explain the refusal without repeating the token or revealing whether it ever existed."""
    if given is None:
        return _MALFORMED if values else _MISSING
    return _OPENROUTER_KEY_SENT if given.lower().startswith(_KEY_PREFIX) else _WRONG
