"""The Model Context Protocol: actions as the tools of a server, on the official SDK's low-level server.

    anyio.run(serve_stdio, server(registry, user_id="alice"))

A result's text is what a model gets to read, see `ToolRegistry.call_tool`. Its structured content is the envelope, with
that same text as `data`: clients hand one or the other to their model, and neither may hold the whole catalogue.
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..accounts import EnvironmentAccounts
from ..text.redaction import redact_thoroughly
from ..text.sanitize import safe_for_terminal
from ..tool_calling.caller import check_user
from ..tool_calling.tool_calls import DEFAULT_LIMIT
from ..tool_calling.truncation import render_failure

if TYPE_CHECKING:
    import mcp_types as types
    from mcp.server import Server, ServerRequestContext

    from ..registry import ToolRegistry
    from ..tool_calling import ToolResult

_log = logging.getLogger("openrouter_toolkit")


def server(
    registry: ToolRegistry, *, user_id: str | Callable[[ServerRequestContext[Any, Any]], str] = "default"
) -> Server[Any]:
    """A server that offers the actions which the registry may use, asked anew for each list and each call.

    Where the caller wants to hear of progress, an answer that can be streamed is, and its text arrives as progress.
    Cancelling a call closes its connection to OpenRouter.

    Args:
        registry: the actions.
        user_id: whose connected account to use, or a function that tells it from a call's context. It may raise
            `MCPError` to refuse the call.

    Raises:
        ImportError: the MCP SDK is not installed, or older than 2.3.
        TypeError: `user_id` is neither a text nor a function.
    """
    if not callable(user_id):
        check_user(user_id)
    try:
        import mcp_types as types  # noqa: PLC0415
        from anyio import to_thread  # noqa: PLC0415
        from mcp import MCPError  # noqa: PLC0415
        from mcp.server import Server  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("The MCP SDK is missing: pip install 'openrouter-toolkit[mcp]'") from error

    async def list_tools(_context: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        if params is not None and params.cursor is not None:
            raise MCPError(types.INVALID_PARAMS, "There is one page of tools only: list them without a cursor.")
        with _mistakes_kept_in():
            tools = await to_thread.run_sync(registry.tools, "mcp")  # whoever switches tools off may have to ask a disk
            return types.ListToolsResult(tools=[types.Tool.model_validate(_listed(tool)) for tool in tools])

    async def call_tool(
        context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        with _mistakes_kept_in():
            user = user_id if isinstance(user_id, str) else user_id(context)
            if context.meta is not None and "progress_token" in context.meta:
                result = await _call_with_progress(registry, params, user, context.session.report_progress)
            else:
                result = await registry.call_tool_async(params.name, params.arguments, user_id=user)
        text = _sendable(_with_help(registry, user, result))
        if result.failed and json.loads(result.envelope.data)["error"]["type"] == "unknown_action":
            raise MCPError(types.INVALID_PARAMS, text)
        return types.CallToolResult(
            content=[types.TextContent(text=text)],
            structured_content=_structured(result, text),
            is_error=result.failed,
        )

    return Server(
        registry.toolkit.slug.lower(),
        version=__version__,
        title=registry.toolkit.name,
        instructions=_instructions(registry),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client on standard input and output, until the input ends."""
    from mcp.server.stdio import stdio_server  # noqa: PLC0415

    async with stdio_server() as (receiving, sending):
        await server.run(receiving, sending, server.create_initialization_options())


@contextmanager
def _mistakes_kept_in() -> Iterator[None]:
    """Whatever is raised inside is logged, and the caller hears no more than its kind: the SDK would tell its text."""
    from mcp import MCPError  # noqa: PLC0415
    from mcp_types import INTERNAL_ERROR  # noqa: PLC0415

    try:
        yield
    except MCPError:
        raise
    except Exception as error:  # noqa: BLE001
        _log.error("the MCP server failed unexpectedly\n%s", redact_thoroughly(traceback.format_exc(), ()))
        text = f"The server itself failed ({type(error).__name__}); its log has the details."
        raise MCPError(INTERNAL_ERROR, text) from None


def _listed(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool without the promise that `data` holds the whole answer: it may come brief, selected or cut."""
    tool["outputSchema"]["properties"]["data"].pop("contentSchema", None)
    return tool


def _with_help(registry: ToolRegistry, user_id: str, result: ToolResult) -> str:
    """A result's text; where no usable account is connected, with what helps here: the client gives the environment."""
    accounts = registry.accounts
    if not result.failed or not isinstance(accounts, EnvironmentAccounts):
        return result.text
    error = json.loads(result.envelope.data)["error"]
    if error["type"] != "not_connected" or error["retryable"]:
        return result.text
    elsewhere = accounts.how_to_connect(user_id, registry.toolkit.slug)
    here = accounts.how_to_connect_over_mcp(user_id)
    return result.text.replace(elsewhere, here) if elsewhere in result.text else f"{result.text} {here}"


def _structured(result: ToolResult, text: str) -> dict[str, Any]:
    """The envelope as its reader can bear it; a failure keeps its data, which `partial` may have made long."""
    if not result.failed:
        return {"data": text, "error": None, "successful": True}
    return {"data": render_failure(result.envelope.data, DEFAULT_LIMIT), "error": text, "successful": False}


def _instructions(registry: ToolRegistry) -> str:
    """What a model should know before its first call, of the actions that this registry may use."""
    definitions = [action.definition for action in registry.actions.values()]
    lists = [definition.slug for definition in definitions if definition.brief is not None]
    costly = [definition.slug for definition in definitions if definition.annotations.costsMoney]
    sentences = [registry.toolkit.description]
    if lists:
        sentences.append(
            f"Begin with a list, such as {lists[0]}: other tools take ids exactly as they stand there. Long lists come "
            "in brief form: the columns' names once, then a row each. With select, a JMESPath expression over the "
            "whole answer, a list gives what you ask for instead: data[?contains(id, 'gpt')].[id, pricing]."
        )
    if costly:
        sentences.append(f"Calls of {', '.join(costly)} may cost money.")
    return " ".join([*sentences, "A call that fails says what to do next."])


async def _call_with_progress(
    registry: ToolRegistry,
    params: types.CallToolRequestParams,
    user_id: str,
    report: Callable[..., Awaitable[None]],
) -> ToolResult:
    """Make a call and report its text as it arrives; streamed where the action can, unless the caller chose."""
    import anyio  # noqa: PLC0415

    arguments = await anyio.to_thread.run_sync(_streamed, registry, params)
    tokens = _Tokens(report)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tokens.hand_on)
        result = await registry.call_tool_async(params.name, arguments, user_id=user_id, on_event=tokens)
        tokens.end()
    return result


def _streamed(registry: ToolRegistry, params: types.CallToolRequestParams) -> dict[str, Any]:
    """The arguments with `stream`, where the action has it and the caller did not say."""
    arguments = dict(params.arguments or {})
    action = registry.find_tool(params.name)  # without asking what is switched off: that may take a disk, or a network
    streams = action is not None and action.streams
    return {**arguments, "stream": True} if streams and arguments.get("stream") is None else arguments


class _Tokens:
    """A listener that hands a stream's text from the worker thread, which reads it, to `report` on the event loop.

    Nothing waits for a slow reader of the reports: what arrives meanwhile goes out together in the next one. Progress
    is counted in characters.
    """

    def __init__(self, report: Callable[..., Awaitable[None]]) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._waiting: list[str] = []
        self._ended = False

    def __call__(self, event: Any) -> None:
        """Take an event of the stream, in any thread."""
        if event.kind == "text" and event.text:
            self._loop.call_soon_threadsafe(self._take, event.text)

    def _take(self, text: str) -> None:
        self._waiting.append(text)
        self._news.set()

    def end(self) -> None:
        """Nothing comes any more: `hand_on` returns when all is handed on."""
        self._ended = True
        self._news.set()

    async def hand_on(self) -> None:
        """Report what has arrived, in order, until the end."""
        characters = 0
        while self._waiting or not self._ended:
            await self._news.wait()
            self._news.clear()
            text = "".join(self._waiting)
            self._waiting.clear()
            if text:
                characters += len(text)
                await self._report(characters, message=safe_for_terminal(_sendable(text)))


def _sendable(text: str) -> str:
    """The text as UTF-8 can carry it: halves of a character joined, and replaced where the other one is missing."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
