"""A session's MCP address: its actions over streamable HTTP, for its user and within its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ...accounts import Accounts
from ...envelope import ActionError, Envelope
from ...manifest import Action, Toolkit, Toolkits
from ...store import ToolSession
from ...tool_calling import ToolCall, ToolResult
from ..access.bearer import token_of
from ..addresses import MCP_SESSIONS
from ..error_responses import Problem
from ..mcp import McpEndpoint
from ..state import HostedToolkit, State, hosted
from . import session_accounts, sessions
from .errors import Refusal

_NO_SESSION = "There is no such session for this API key."


class SessionRegistry:
    """What the MCP adapter needs of a registry: the actions that a session may use, of all its toolkits."""

    def __init__(self, state: State, session: ToolSession) -> None:
        """Read what is switched off from the database."""
        self._state = state
        self._session = session
        self._allowed = {pair[0].slug: pair for pair in sessions.allowed(state.toolkits, session)}

    @property
    def _first(self) -> HostedToolkit:
        return next((toolkit for _, toolkit in self._allowed.values()), next(iter(self._state.toolkits.values())))

    @property
    def toolkit(self) -> Toolkit:
        """The toolkit that the server is named after."""
        return self._first.loaded.toolkit

    def accounts_for(self, action: Action | None) -> Accounts:
        """The connected accounts of an action's toolkit; for None, of the first."""
        return self._first.registry.accounts  # the store's, which are for all toolkits

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions that the session may use."""
        return {slug: action for slug, (action, _) in self._allowed.items()}

    @property
    def offered(self) -> Mapping[str, Action]:
        """The same: the switches decide about withdrawn actions."""
        return self.actions

    def tools(self, format: str) -> list[dict[str, Any]]:
        """Return the definitions of the session's actions."""
        toolkits = {toolkit.loaded.toolkit.slug: toolkit for _, toolkit in self._allowed.values()}
        found = [tool for toolkit in toolkits.values() for tool in toolkit.registry.tools(format)]
        return [tool for tool in found if tool["name"] in self._allowed]

    def find_tool(self, name: str) -> Action | None:
        """Return an action by its slug, None if the session may not use it."""
        pair = self._find(name)
        return None if pair is None else pair[0]

    async def call_tool_async(self, name: str, arguments: Any = None, *, user_id: str, **options: Any) -> ToolResult:
        """Call an action for the session's user, with the account that the session chooses."""
        pair = self._find(name)
        if pair is None:
            there = ", ".join(self._allowed) or "none"
            error = ActionError("unknown_action", f"This session has no such tool. There are {there}.")
            return ToolResult(ToolCall("", name, arguments), error.explanation, Envelope.failure(error))
        action, toolkit = pair
        try:
            account = await run_in_threadpool(
                session_accounts.for_call, self._state.store, self._session, toolkit, None
            )
        except Refusal as refusal:
            error = ActionError("not_connected", refusal.message, advice=refusal.fix or refusal.message)
            return ToolResult(ToolCall("", name, arguments), error.explanation, Envelope.failure(error))
        return await toolkit.registry.call_tool_async(
            action.slug, arguments, user_id=user_id, account_id=None if account is None else account.id, **options
        )

    def _find(self, name: object) -> tuple[Action, HostedToolkit] | None:
        if not isinstance(name, str):
            return None
        action = self._state.toolkit_of(name).loaded.find(name)
        return None if action is None else self._allowed.get(action.slug)


class SessionEndpoint:
    """The ASGI application of all sessions' MCP addresses. Each request stands for itself, in any process."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises `Problem` 404 if there is no session for the token's users."""
        request = Request(scope, receive)
        state = hosted(request)
        session_id = str(request.path_params["id"])
        session = await run_in_threadpool(state.store.tool_sessions.get, session_id)
        if session is None or not token_of(request).may_act_for(session.user_id):
            raise Problem(404, _NO_SESSION)
        registry = await run_in_threadpool(SessionRegistry, state, session)
        toolsets = Toolkits([toolkit.loaded for toolkit in state.toolkits.values()]).toolsets
        endpoint = McpEndpoint(registry, user_id=session.user_id, toolsets=toolsets, session_id=session.id)
        async with endpoint.manager.run():
            await endpoint(scope, receive, send)


def routes() -> list[Route]:
    """Return the route of the sessions' MCP addresses."""
    path = f"{MCP_SESSIONS}/{{id}}"
    return [Route(path, endpoint=SessionEndpoint(), methods=["POST"], include_in_schema=False)]
