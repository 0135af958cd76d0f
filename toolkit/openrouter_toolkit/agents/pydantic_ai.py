"""pydantic-ai: actions as tools.

    agent = Agent(model, tools=tools(registry, user_id="alice"))

The model is shown our schemas, and reads what `registry.call_tool` tells it; the whole envelope is the `metadata` of
the `ToolReturnPart`. Cancelling the run ends the call upstream.

A failure is raised as `ToolFailed`: the model reads what to mend and may call again, as often as `UsageLimits` lets it.
`ModelRetry` would ask for the same, but spends the tool's retries (one, unless `Agent(retries=...)` says more) and then
ends the run. They are spent only on what never gets here: broken JSON, and names of tools that don't exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import SchemaValidator, core_schema

from ..tool_calling import input_schema
from ..tool_calling.caller import check_options
from ..tool_calling.tool_calls import DEFAULT_LIMIT

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
    """One tool for each action that the registry may use; a tool's `metadata` holds the action's annotations.

    Args:
        registry: the actions.
        user_id: whose connected account to use.
        limit: the length of a result in characters, at the most.
        timeout: seconds for each call, as in `ToolRegistry.execute`.
        extensions: with the parameters that the API takes beyond the documented ones.

    Raises:
        ImportError: pydantic-ai is not installed.
        ValueError: `limit` or `timeout` can't be.
        TypeError: `user_id` is no text.
    """
    check_options(limit, timeout, user_id)
    try:
        from pydantic_ai import Tool, ToolFailed, ToolReturn  # noqa: PLC0415
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

    made: list[Tool[Any]] = []
    for slug, action in registry.actions.items():
        schema = input_schema(action, extensions=extensions)
        tool: Tool[Any] = Tool.from_schema(function(slug), slug, action.definition.description, schema)
        tool.strict = False  # left to itself, it makes those strict that can be
        tool.function_schema.validator = _OBJECT  # left to itself, it calls with an array, which ends the run
        tool.metadata = action.definition.annotations.model_dump()
        made.append(tool)
    return made
