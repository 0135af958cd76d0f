"""MCP over streamable HTTP: `/mcp` serves OpenRouter's actions, `/mcp/{toolkit}` those of each toolkit.

They are those that are switched on; the header X-Toolsets can narrow them to some toolsets. The token determines the
user. A token for several users needs the header X-User-Id, which must name one of them. Requests are stateless, so any
process can answer them; closing a response cancels its call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import INVALID_PARAMS
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from ..agents.mcp import caller_in_meta, server
from ..call import Caller
from ..text.sanitize import quoted
from .access.bearer import acting_for, token_of
from .access.callers import caller_of
from .access.middleware import BODY_WITH_TOKEN
from .addresses import MCP
from .disconnect import ClientDisconnected, while_connected
from .error_responses import Problem, problem
from .state import State

if TYPE_CHECKING:
    from mcp.server import ServerRequestContext

    UserOfCall = str | Callable[[ServerRequestContext[Any, Any]], str]

_USER_HEADER = b"x-user-id"
_TOOLSETS_HEADER = b"x-toolsets"
# Messages for statuses that the SDK answers without a message.
_REFUSALS = {
    400: "The header Content-Type must be application/json.",
    406: "The header Accept must take application/json and text/event-stream.",
}


class McpEndpoints:
    """The MCP endpoints: one for each toolkit, and `/mcp` for the first toolkit."""

    def __init__(self, state: State) -> None:
        endpoints = {
            slug.lower(): McpEndpoint(
                toolkit.registry, user_id=_user_of_call, toolsets=toolkit.registry.toolkits.toolsets
            )
            for slug, toolkit in {**state.toolkits, **state.offered}.items()
        }
        self._endpoints = list(endpoints.values())
        paths = {MCP: self._endpoints[0], **{f"{MCP}/{name}": endpoint for name, endpoint in endpoints.items()}}
        unknown = _UnknownEndpoint(state)
        offered = {f"{MCP}/{slug.lower()}" for slug in state.offered}
        self.routes = [
            Route(
                path,
                endpoint=_IfThere(endpoint, path, unknown) if path in offered else endpoint,
                methods=["POST"],
                include_in_schema=False,
            )
            for path, endpoint in paths.items()
        ]
        self.routes.append(Route(f"{MCP}/{{rest:path}}", endpoint=unknown, include_in_schema=False))

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Answer requests inside the context. It can be entered only once."""
        async with AsyncExitStack() as stack:
            for endpoint in self._endpoints:
                await stack.enter_async_context(endpoint.manager.run())
            yield


class McpEndpoint:
    """The MCP endpoint of one toolkit, as an ASGI application."""

    def __init__(
        self, registry: Any, *, user_id: UserOfCall, toolsets: Collection[str], session_id: str | None = None
    ) -> None:
        """Create an endpoint.

        Args:
            registry: the actions.
            user_id: see `agents.mcp.server`.
            toolsets: the names that the header X-Toolsets may have.
            session_id: the session to which calls belong in the ledger, unless they name another one.
        """
        self._checks_user = callable(user_id)
        self._toolsets = toolsets
        caller = partial(_caller_of_call, session_id=session_id)
        mcp_server = server(registry, user_id=user_id, caller=caller, toolsets=_toolsets_of_call)
        mcp_server.get_tool_input_schema = _no_parameter_in_headers
        self.manager = StreamableHTTPSessionManager(mcp_server, stateless=True, max_request_body_size=BODY_WITH_TOKEN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        if self._checks_user:
            user_of(request)
        self._check_toolsets(request)
        body: Message | None = {"type": "http.request", "body": await request.body(), "more_body": False}

        async def replay_body() -> Message:
            nonlocal body
            message, body = body, None
            return message or await receive()

        with suppress(ClientDisconnected):
            answer = _json_refusals(scope, receive, send)
            await while_connected(receive, lambda: self.manager.handle_request(scope, replay_body, answer))

    def _check_toolsets(self, request: Request) -> None:
        """Raise `Problem` 400 if the header X-Toolsets names a toolset that does not exist."""
        unknown = [name for name in toolsets_of(request) or () if name not in self._toolsets]
        if unknown:
            there = ", ".join(self._toolsets)
            raise Problem(400, f"X-Toolsets: there is no toolset {quoted(unknown[0], 40)}. There are {there}.")


def _json_refusals(scope: Scope, receive: Receive, send: Send) -> Send:
    """Return a send function that replaces the SDK's refusals in plain text, or without a body, by JSON errors."""
    replaced = False

    async def send_json(message: Message) -> None:
        nonlocal replaced
        if message["type"] == "http.response.start" and message["status"] >= 400:
            kind = Headers(raw=message.get("headers", [])).get("content-type", "")
            replaced = not kind.startswith("application/json")
            if replaced:
                await problem(scope["path"], message["status"], _REFUSALS.get(message["status"]))(scope, receive, send)
        if not replaced:
            await send(message)

    return send_json


class _UnknownEndpoint:
    """An ASGI application for all other paths below /mcp: its error lists the existing MCP servers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def paths(self) -> list[str]:
        """The addresses of the MCP servers; a package's toolkit has one once it is added."""
        return [MCP, *(f"{MCP}/{slug.lower()}" for slug in self._state.toolkits)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        paths = await run_in_threadpool(self.paths)
        if scope["path"] in paths:  # with another method: clients try GET for a stream that does not exist
            raise Problem(405, headers={"Allow": "POST"})
        raise Problem(404, f"No MCP server is at this address. There are {', '.join(paths)}.")


class _IfThere:
    """An ASGI application that answers at its path only while the path's toolkit is on the server."""

    def __init__(self, endpoint: McpEndpoint, path: str, unknown: _UnknownEndpoint) -> None:
        self._endpoint, self._path, self._unknown = endpoint, path, unknown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        there = self._path in await run_in_threadpool(self._unknown.paths)
        await (self._endpoint if there else self._unknown)(scope, receive, send)


def user_of(request: Request) -> str | None:
    """Return the user of a request, None if it names none. Raises `Problem` if the token may not act for the user."""
    given = [value for name, value in request.scope["headers"] if name == _USER_HEADER]
    user_id: str | None = None
    if given:
        try:
            (user_id,) = (value.decode() for value in given)
        except ValueError:
            raise Problem(400, "X-User-Id is given twice, or is no UTF-8.") from None
    refusal = "This token may not act for the user whom the header X-User-Id names."
    return acting_for(token_of(request), user_id, refusal)


def toolsets_of(request: Request) -> list[str] | None:
    """Return the toolsets that a request's header names, with commas between them; None without the header."""
    given = [value.decode("latin-1") for name, value in request.scope["headers"] if name == _TOOLSETS_HEADER]
    return [name.strip() for value in given for name in value.split(",") if name.strip()] if given else None


def _toolsets_of_call(context: ServerRequestContext[Any, Any]) -> list[str] | None:
    assert isinstance(context.request, Request)  # the transport is HTTP
    return toolsets_of(context.request)


def _user_of_call(context: ServerRequestContext[Any, Any]) -> str:
    assert isinstance(context.request, Request)  # the transport is HTTP
    user_id = user_of(context.request)
    if user_id is None:
        raise MCPError(INVALID_PARAMS, "This token may act for several users: say for which in the header X-User-Id.")
    return user_id


def _caller_of_call(context: ServerRequestContext[Any, Any], *, session_id: str | None) -> Caller:
    assert isinstance(context.request, Request)
    named = caller_in_meta(context)
    return caller_of(context.request, named.agent, named.session_id or session_id)


def _no_parameter_in_headers(_: str) -> None:
    """Return no schema: no parameter is mirrored in a header, and the SDK would list all tools to find that out."""
