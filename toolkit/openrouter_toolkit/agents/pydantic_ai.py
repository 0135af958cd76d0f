"""Adapter for pydantic-ai: actions as tools.

    agent = Agent(model, tools=tools(registry, user_id="alice"))

The model gets our schemas, and the results of `registry.call_tool`; the full envelope is the `metadata` of the
`ToolReturnPart`. Cancelling the run closes the call's connection.

A failure is raised as `ToolFailed`: the model reads what to correct and may call again, as often as `UsageLimits`
allows. `ModelRetry` would do the same, but uses up the tool's retries (one, unless `Agent(retries=...)` sets more) and
then ends the run. Retries are used only for errors that never reach us: invalid JSON and unknown tool names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Unpack

from pydantic_core import SchemaValidator, core_schema

from ..registry import ToolRegistry
from .bound_tools import BoundTools, BoundToolsKeywords, needs

if TYPE_CHECKING:
    from pydantic_ai import Tool, ToolReturn

_OBJECT = SchemaValidator(core_schema.dict_schema())


def tools(registry: ToolRegistry, **options: Unpack[BoundToolsKeywords]) -> list[Tool[Any]]:
    """Return one tool per allowed action; a tool's `metadata` has the action's annotations.

    The options and their errors are those of `BoundTools`: `user_id`, `limit`, `timeout` and `extensions`.

    Raises:
        ImportError: pydantic-ai is not installed.
    """
    bound = BoundTools(registry, **options)
    with needs("pydantic-ai is missing: pip install 'openrouter-toolkit[pydantic-ai]'"):
        from pydantic_ai import Tool, ToolFailed, ToolReturn

    def function(name: str) -> Callable[..., Awaitable[ToolReturn]]:
        async def run(**arguments: Any) -> ToolReturn:
            result = await bound.call_async(name, arguments)
            if result.failed:
                raise ToolFailed(result.text)
            return ToolReturn(result.text, metadata=dict(result.envelope))

        return run

    tool_list: list[Tool[Any]] = []
    for action, schema in bound.actions:
        tool: Tool[Any] = Tool.from_schema(function(action.slug), action.slug, action.definition.description, schema)
        tool.strict = False  # by default, pydantic-ai makes tools strict where possible
        tool.function_schema.validator = _OBJECT  # the default one passes arrays, which end the run
        tool.metadata = action.definition.annotations.model_dump()
        tool_list.append(tool)
    return tool_list
