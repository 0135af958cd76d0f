"""API tokens: everything under /api and /mcp wants one, whether there is something at that address or not."""

from __future__ import annotations

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ...store import ApiToken, StoreError
from ..addresses import is_for_programs
from ..problems import Problem, problem
from ..state import State
from .throttle import refused, retry_after

TOKEN = "token"  # noqa: S105 - a name
_AT_ONCE = "This token makes too many calls at once."


class BearerTokens:
    """Lets requests under /api and /mcp pass only with a token that is good, and not too many of them."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with the token in the request's state; or answer 401, 429 or 503."""
        if scope["type"] != "http" or not is_for_programs(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            token = await self._token(scope)
        except Problem as no:
            await problem(no.status, no.message, no.headers)(scope, receive, send)
            return
        scope.setdefault("state", {})[TOKEN] = token
        with self._state.call_limit.one(token.id) as allowed:
            answer = self._app if allowed else problem(429, _AT_ONCE, retry_after(1))
            await answer(scope, receive, send)

    async def _token(self, scope: Scope) -> ApiToken:
        if self._state.running.stopping:
            raise Problem(503, "The server is stopping. Nothing was done. Try again.", retry_after(1))
        given = _given(Headers(scope=scope))
        try:
            token = await anyio.to_thread.run_sync(self._state.store.tokens.find, given) if given else None
        except StoreError:
            raise Problem(503, headers=retry_after(1)) from None
        if token is None:
            refused(HTTPConnection(scope))
            raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
        wait = self._state.call_limit.wait(token.id)
        if wait:
            raise Problem(429, "This token makes too many calls.", retry_after(wait))
        return token


def token_of(request: HTTPConnection) -> ApiToken:
    """The token of a request that got past `BearerTokens`. Without one, `Problem` 401."""
    token = request.scope.get("state", {}).get(TOKEN)
    if not isinstance(token, ApiToken):
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    return token


def _given(headers: Headers) -> str | None:
    """The token's text, where there is exactly one."""
    values = headers.getlist("authorization")
    scheme, _, text = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return text.strip() or None if scheme.lower() == "bearer" else None
