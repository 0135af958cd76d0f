"""Adapter for the OpenAI Agents SDK: actions as function tools.

    agent = Agent(name="Assistant", model=model, tools=tools(registry, user_id="alice"))

The model gets our schemas unchanged (not strict: `messages` and `logit_bias` are open objects), and the results of
`registry.call_tool`; wrong arguments, invalid JSON and failed actions are results that it can react to.
Cancelling the run closes the call's connection. A tool that does not exist ends the run, unless configured otherwise:
`Runner.run(..., run_config=RunConfig(tool_not_found_behavior="return_error_to_model"))`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Unpack

from ..registry import ToolRegistry
from .bound_tools import BoundTools, BoundToolsKeywords, needs

if TYPE_CHECKING:
    from agents import FunctionTool


def tools(registry: ToolRegistry, **options: Unpack[BoundToolsKeywords]) -> list[FunctionTool]:
    """Return one tool per allowed action.

    The options and their errors are those of `BoundTools`: `user_id`, `limit`, `timeout` and `extensions`.

    Raises:
        ImportError: the OpenAI Agents SDK is not installed.
    """
    bound = BoundTools(registry, **options)
    with needs("The OpenAI Agents SDK is missing: pip install 'openrouter-toolkit[openai-agents]'"):
        from agents import FunctionTool

    def invoke(name: str) -> Callable[[Any, str], Awaitable[str]]:
        async def on_invoke_tool(_context: Any, arguments: str) -> str:
            return (await bound.call_async(name, arguments)).text

        return on_invoke_tool

    return [
        FunctionTool(
            name=action.slug,
            description=action.definition.description,
            params_json_schema=schema,
            on_invoke_tool=invoke(action.slug),
            strict_json_schema=False,
        )
        for action, schema in bound.actions
    ]
