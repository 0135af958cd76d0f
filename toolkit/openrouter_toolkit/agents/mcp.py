"""Adapter for the Model Context Protocol: actions as the tools of a server, on the official SDK's low-level server.

    anyio.run(serve_stdio, server(registry, user_id="alice"))

A result's text is for the model, see `ToolRegistry.call_tool`. Its structured content is the envelope, with the same
text as `data`: clients pass one or the other to their model, and neither may contain the full model catalogue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..accounts import EnvironmentAccounts
from ..call import Caller, SwiftListener, current_caller
from ..manifest import Action, Toolkit
from ..registry import ToolRegistry
from ..text.redaction import redacted_traceback
from ..text.sanitize import safe_for_terminal
from ..tool_calling import ToolResult
from ..tool_calling.options import DEFAULT_LIMIT, CallOptions
from ..tool_calling.summary import render_failure
from .bound_tools import needs

if TYPE_CHECKING:
    import mcp_types as types
    from mcp.server import Server, ServerRequestContext

_log = logging.getLogger("openrouter_toolkit")


def server(
    registry: ToolRegistry,
    *,
    user_id: str | Callable[[ServerRequestContext[Any, Any]], str] = "default",
    caller: Callable[[ServerRequestContext[Any, Any]], Caller] | None = None,
    toolsets: Callable[[ServerRequestContext[Any, Any]], Collection[str] | None] | None = None,
) -> Server[Any]:
    """Create a server with the registry's allowed actions, which are determined for each list and each call.

    If the caller requests progress and the action can stream, the answer is streamed, and its text is reported as
    progress. Cancelling a call closes its connection to OpenRouter.

    Args:
        registry: the actions.
        user_id: the user whose connected account is used, or a function that returns it for a call's context. It may
            raise `MCPError` to refuse the call.
        caller: a function that returns who makes a call, for the ledger; by default, who the call's `_meta` names
            under `agent` and `session_id`.
        toolsets: returns the only toolsets that a request may use, of those that the registry allows, or None for all.

    Raises:
        ImportError: the MCP SDK is not installed, or older than 2.3.
        TypeError: `user_id` is neither a string nor a function.
    """
    if not callable(user_id):
        CallOptions(user_id)
    with needs("The MCP SDK is missing: pip install 'openrouter-toolkit[mcp]'"):
        import mcp_types as types
        from anyio import to_thread
        from mcp import MCPError
        from mcp.server import Server

    def narrowed(context: Any, slug: str) -> bool:
        """Whether the request has chosen other toolsets than the action's."""
        chosen = None if toolsets is None else toolsets(context)
        action = None if chosen is None else registry.find_tool(slug)
        return action is not None and chosen is not None and action.toolset not in chosen

    async def list_tools(context: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        if params is not None and params.cursor is not None:
            raise MCPError(types.INVALID_PARAMS, "There is one page of tools only: list them without a cursor.")
        with _hide_error_details():
            tools = await to_thread.run_sync(registry.tools, "mcp")  # `switched_off` may read from a disk
            return types.ListToolsResult(
                tools=[
                    types.Tool.model_validate(_without_content_schema(tool))
                    for tool in tools
                    if not narrowed(context, tool["name"])
                ]
            )

    async def call_tool(
        context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        with _hide_error_details():
            user = user_id if isinstance(user_id, str) else user_id(context)
            current_caller.set((caller or caller_in_meta)(context))
            if narrowed(context, params.name):
                text = f"{params.name} exists, but it is in none of the toolsets that this request has chosen."
                raise MCPError(types.INVALID_PARAMS, text)
            if context.meta is not None and "progress_token" in context.meta:
                result = await _call_with_progress(registry, params, user, context.session.report_progress)
            else:
                result = await registry.call_tool_async(params.name, params.arguments, user_id=user)
        text = _valid_unicode(_with_help(registry, user, params.name, result))
        error = result.envelope.action_error
        if error is not None and error.type == "unknown_action":
            raise MCPError(types.INVALID_PARAMS, text)
        return types.CallToolResult(
            content=[types.TextContent(text=text)],
            structured_content=_structured_content(result, text),
            is_error=result.failed,
        )

    actions = list(registry.offered.values())
    toolkits = _toolkits_of(actions) or [registry.toolkit]
    return Server(
        toolkits[0].slug.lower() if len(toolkits) == 1 else "openrouter-toolkit",
        version=__version__,
        title=", ".join(toolkit.name for toolkit in toolkits),
        instructions=_instructions(toolkits, actions),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def caller_in_meta(context: ServerRequestContext[Any, Any]) -> Caller:
    """Return who makes a call, as its `_meta` says."""
    meta: Mapping[str, Any] = context.meta or {}
    agent, session_id = (
        value if isinstance(value := meta.get(name), str) else None for name in ("agent", "session_id")
    )
    return Caller(agent=agent, session_id=session_id)


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client on standard input and output until the input ends."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (receiving, sending):
        await server.run(receiving, sending, server.create_initialization_options())


@contextmanager
def _hide_error_details() -> Iterator[None]:
    """Log exceptions inside the block and report only their type; the SDK would send their text to the client."""
    from mcp import MCPError
    from mcp_types import INTERNAL_ERROR

    try:
        yield
    except MCPError:
        raise
    except Exception as error:  # noqa: BLE001
        _log.error("the MCP server failed unexpectedly\n%s", redacted_traceback())
        text = f"The server itself failed ({type(error).__name__}); its log has the details."
        raise MCPError(INTERNAL_ERROR, text) from None


def _without_content_schema(tool: dict[str, Any]) -> dict[str, Any]:
    """Remove the content schema of `data`, which may be a summary, a selection or truncated."""
    tool["outputSchema"]["properties"]["data"].pop("contentSchema", None)
    return tool


def _toolkits_of(actions: Sequence[Action]) -> list[Toolkit]:
    return list({action.toolkit_slug: action.toolkit.toolkit for action in actions if action.toolkit}.values())


def _with_help(registry: ToolRegistry, user_id: str, name: str, result: ToolResult) -> str:
    """Return a result's text; if no usable account is connected, with advice for MCP, where clients set variables."""
    action = registry.find_tool(name)
    accounts = registry.accounts_for(action)
    error = result.envelope.action_error
    if error is None or not isinstance(accounts, EnvironmentAccounts):
        return result.text
    if error.type != "not_connected" or error.retryable:
        return result.text
    usual_advice = accounts.how_to_connect(user_id, (action and action.toolkit_slug) or registry.toolkit.slug)
    mcp_advice = accounts.how_to_connect_over_mcp(user_id)
    return (
        result.text.replace(usual_advice, mcp_advice) if usual_advice in result.text else f"{result.text} {mcp_advice}"
    )


def _structured_content(result: ToolResult, text: str) -> dict[str, Any]:
    """Return the envelope with shortened data; a failure's data may be long because of `partial`."""
    if not result.failed:
        return {"data": text, "error": None, "successful": True}
    return {"data": render_failure(result.envelope.data, DEFAULT_LIMIT), "error": text, "successful": False}


def _instructions(toolkits: Sequence[Toolkit], actions: Sequence[Action]) -> str:
    """Return instructions for a model about the allowed actions."""
    definitions = [action.definition for action in actions]
    lists = [definition.slug for definition in definitions if definition.brief is not None]
    paid = [definition.slug for definition in definitions if definition.annotations.costsMoney]
    sentences = [toolkit.description for toolkit in toolkits]
    if lists:
        sentences.append(
            f"Begin with a list, such as {lists[0]}: other tools take ids exactly as they stand there. Long lists come "
            "in brief form: the columns' names once, then a row each. With select, a JMESPath expression over the "
            "whole answer, a list gives what you ask for instead: data[?contains(id, 'gpt')].[id, pricing]."
        )
    if paid:
        sentences.append(f"Calls of {', '.join(paid)} may cost money.")
    return " ".join([*sentences, "A call that fails says what to do next."])


async def _call_with_progress(
    registry: ToolRegistry, params: types.CallToolRequestParams, user_id: str, report: Callable[..., Awaitable[None]]
) -> ToolResult:
    """Make a call and report its text as it arrives; streamed if the action can, unless the caller set `stream`."""
    import anyio

    arguments = await anyio.to_thread.run_sync(_with_stream, registry, params)
    reporter = _ProgressReporter(report)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reporter.report_all)
        result = await registry.call_tool_async(params.name, arguments, user_id=user_id, on_event=reporter)
        reporter.end()
    return result


def _with_stream(registry: ToolRegistry, params: types.CallToolRequestParams) -> dict[str, Any]:
    """Set `stream` in the arguments if the action has it and the caller did not set it."""
    arguments = dict(params.arguments or {})
    action = registry.find_tool(params.name)  # does not call `switched_off`, which may use a disk or network
    streams = action is not None and action.streams
    return {**arguments, "stream": True} if streams and arguments.get("stream") is None else arguments


class _ProgressReporter(SwiftListener):
    """A listener that passes a stream's text from the worker thread to `report` on the event loop.

    A slow receiver does not block the stream: text that arrives in the meantime is sent together in the next report.
    Progress is counted in characters.
    """

    def __init__(self, report: Callable[..., Awaitable[None]]) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._pending: list[str] = []
        self._ended = False

    def __call__(self, event: Any) -> None:
        """Receive an event of the stream, in any thread."""
        if event.kind == "text" and event.text:
            self._loop.call_soon_threadsafe(self._take, event.text)

    def _take(self, text: str) -> None:
        self._pending.append(text)
        self._wake.set()

    def end(self) -> None:
        """End the stream: `report_all` returns when all text is reported."""
        self._ended = True
        self._wake.set()

    async def report_all(self) -> None:
        """Report the text as it arrives, in order, until the end."""
        characters = 0
        while self._pending or not self._ended:
            await self._wake.wait()
            self._wake.clear()
            text = "".join(self._pending)
            self._pending.clear()
            if text:
                characters += len(text)
                await self._report(characters, message=safe_for_terminal(_valid_unicode(text)))


def _valid_unicode(text: str) -> str:
    """Make a text valid UTF-8: surrogate pairs are joined, lone surrogates replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
