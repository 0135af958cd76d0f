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
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import SchemaValidator, core_schema

from ..tool_calling import input_schema
from ..tool_calling.options import DEFAULT_LIMIT, CallOptions

if TYPE_CHECKING:
    from pydantic_ai import Tool, ToolReturn

    from ..registry import ToolRegistry

_OBJECT = SchemaValidator(core_schema.dict_schema())


def tools(
    registry: ToolRegistry,
    *,
    user_id: str = "default",
    limit: int = DEFAULT_LIMIT,
    timeout: float | None = None,
    extensions: bool = False,
) -> list[Tool[Any]]:
    """Return one tool per allowed action; a tool's `metadata` has the action's annotations.

    Args:
        registry: the actions.
        user_id: the user whose connected account is used.
        limit: the maximum length of a result in characters.
        timeout: seconds for each call, as in `ToolRegistry.execute`.
        extensions: include the undocumented parameters that the API accepts.

    Raises:
        ImportError: pydantic-ai is not installed.
        ValueError: `limit` or `timeout` is invalid.
        TypeError: `user_id` is not a string.
    """
    CallOptions(user_id, limit=limit, timeout=timeout)
    try:
        from pydantic_ai import Tool, ToolFailed, ToolReturn
    except ImportError as error:
        raise ImportError("pydantic-ai is missing: pip install 'openrouter-toolkit[pydantic-ai]'") from error

    call = partial(registry.call_tool_async, user_id=user_id, limit=limit, timeout=timeout)

    def function(name: str) -> Callable[..., Awaitable[ToolReturn]]:
        async def run(**arguments: Any) -> ToolReturn:
            result = await call(name, arguments)
            if result.failed:
                raise ToolFailed(result.text)
            return ToolReturn(result.text, metadata=dict(result.envelope))

        return run

    tool_list: list[Tool[Any]] = []
    for slug, action in registry.actions.items():
        schema = input_schema(action, extensions=extensions)
        tool: Tool[Any] = Tool.from_schema(function(slug), slug, action.definition.description, schema)
        tool.strict = False  # by default, pydantic-ai makes tools strict where possible
        tool.function_schema.validator = _OBJECT  # the default one passes arrays, which end the run
        tool.metadata = action.definition.annotations.model_dump()
        tool_list.append(tool)
    return tool_list
