"""Adapter for the OpenAI Agents SDK: actions as function tools.

    agent = Agent(name="Assistant", model=model, tools=tools(registry, user_id="alice"))

The model gets our schemas unchanged (not strict: `messages` and `logit_bias` are open objects), and the results of
`registry.call_tool`; wrong arguments, invalid JSON and failed actions are results that it can react to.
Cancelling the run closes the call's connection. A tool that does not exist ends the run, unless configured otherwise:
`Runner.run(..., run_config=RunConfig(tool_not_found_behavior="return_error_to_model"))`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..tool_calling import input_schema
from ..tool_calling.options import DEFAULT_LIMIT, CallOptions

if TYPE_CHECKING:
    from agents import FunctionTool

    from ..registry import ToolRegistry


def tools(
    registry: ToolRegistry,
    *,
    user_id: str = "default",
    limit: int = DEFAULT_LIMIT,
    timeout: float | None = None,
    extensions: bool = False,
) -> list[FunctionTool]:
    """Return one tool per allowed action.

    Args:
        registry: the actions.
        user_id: the user whose connected account is used.
        limit: the maximum length of a result in characters.
        timeout: seconds for each call, as in `ToolRegistry.execute`.
        extensions: include the undocumented parameters that the API accepts.

    Raises:
        ImportError: the OpenAI Agents SDK is not installed.
        ValueError: `limit` or `timeout` is invalid.
        TypeError: `user_id` is not a string.
    """
    CallOptions(user_id, limit=limit, timeout=timeout)
    try:
        from agents import FunctionTool
    except ImportError as error:
        raise ImportError(
            "The OpenAI Agents SDK is missing: pip install 'openrouter-toolkit[openai-agents]'"
        ) from error

    call = partial(registry.call_tool_async, user_id=user_id, limit=limit, timeout=timeout)

    def invoke(name: str) -> Callable[[Any, str], Awaitable[str]]:
        async def on_invoke_tool(_context: Any, arguments: str) -> str:
            return (await call(name, arguments)).text

        return on_invoke_tool

    return [
        FunctionTool(
            name=action.slug,
            description=action.definition.description,
            params_json_schema=input_schema(action, extensions=extensions),
            on_invoke_tool=invoke(action.slug),
            strict_json_schema=False,
        )
        for action in registry.actions.values()
    ]
