"""Adapter for Composio's current package: our tools in its providers, without a `Composio` object or Composio's key.

    from composio_openai import OpenAIProvider

    provider = OpenAIProvider()
    tools = attach(provider, registry)
    answer = client.chat.completions.create(model=model, messages=conversation, tools=tools)
    results = provider.handle_tool_calls(user_id="alice", response=answer)

A result is Composio's envelope, shortened for a model:

- `data`: the answer as an object of at most 20,000 characters, as a summary if the action has one (see `summary`);
  an answer that is not an object is in `{"result": …}`. Empty if the call failed.
- `error`: the error and what to do next, or None.
- `successful`: whether the action succeeded.

How the providers (0.30) change our definitions, and handle arguments that are not a JSON object:

| provider         | schema for the model                                     | arguments that are not a JSON object |
| ---------------- | -------------------------------------------------------- | --------------------------------- |
| openai           | ours, `strict: None` added                               | `handle_tool_calls` raises        |
| openai responses | ours                                                     | `handle_tool_calls` raises        |
| anthropic        | ours, but `X-Title` is `X_Title`                         | `handle_tool_calls` raises        |
| langchain        | rebuilt: `X_Title`, not closed, without enums and        | an agent's run ends               |
|                  | lengths of lists, with `default: null`                   |                                   |
| openai agents    | ours, without `pattern`                                  | a result that says what is wrong  |

`X_Title` is renamed to `X-Title` for all of them. The exception is `composio.exceptions.InvalidParams`, raised before
our code is called; earlier calls of the same answer have been made by then. `ToolRegistry.handle_tool_calls` accepts
the same answers and returns a result for every call.

LangChain's provider also validates the arguments against its rebuilt schema before our code is called: they are not
coerced, and the model reads only "Tool input validation error". Cancelling an agent's run does not cancel a running
call, which may cost money. `openrouter_toolkit.agents` has adapters for both frameworks without these limitations.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ...registry import ToolRegistry
from ...tool_calling import input_schema
from ...tool_calling.options import CallOptions
from ..bound_tools import needs

if TYPE_CHECKING:
    from composio.core.provider.agentic import AgenticProvider
    from composio.core.provider.none_agentic import NonAgenticProvider
    from composio.types import Modifiers, Tool, ToolExecutionResponse

_Tools = TypeVar("_Tools")

_ENVELOPE = {
    "type": "object",
    "properties": {
        "data": {"type": "object", "additionalProperties": True, "description": "The answer; empty on failure."},
        "error": {"type": ["string", "null"], "description": "What went wrong and what to do next; null on success."},
        "successful": {"type": "boolean", "description": "Whether the action did what it was asked."},
    },
    "required": ["data", "error", "successful"],
    "additionalProperties": False,
}


def tools(registry: ToolRegistry, *, extensions: bool = False) -> list[Tool]:
    """Return the registry's actions as Composio's tools, each with a copy of our input schema.

    Args:
        registry: the actions.
        extensions: include the undocumented parameters that the API accepts.

    Raises:
        ImportError: Composio's current package is not installed.
    """
    with needs(
        "Composio's current package is missing: pip install 'openrouter-toolkit[composio]'. "
        "It can't share an environment with composio-core, whose import package has the same name."
    ):
        from composio.types import Tool
    return [Tool.model_validate(definition) for definition in _definitions(registry, extensions)]


def attach(
    provider: NonAgenticProvider[Any, _Tools] | AgenticProvider[Any, _Tools],
    registry: ToolRegistry,
    *,
    user_id: str | None = None,
    extensions: bool = False,
) -> _Tools:
    """Wrap the registry's actions as a provider's tools; the provider's calls are executed by the registry.

    Use a separate provider: one that also serves a `Composio` executes either Composio's tools or these. The
    registry's hooks apply, and not Composio's modifiers.

    Args:
        provider: an instance of one of Composio's providers.
        registry: the actions.
        user_id: for an agentic provider (LangChain, OpenAI Agents, …), the user whose connected account is used;
            by default `default`. The others (OpenAI, Anthropic, …) take the user with each `handle_tool_calls`.
        extensions: include the undocumented parameters that the API accepts.

    Returns:
        The tools in the provider's format.

    Raises:
        ImportError: Composio's package is not installed.
        ValueError: `user_id` was given for a provider that takes it with each `handle_tool_calls`.
        TypeError: `user_id` is not a string.
    """
    wrapped = tools(registry, extensions=extensions)  # first: its error says what to install
    from composio.core.provider.agentic import AgenticProvider

    if isinstance(provider, AgenticProvider):
        agent_user = "default" if user_id is None else user_id
        CallOptions(agent_user)
        return provider.wrap_tools(
            wrapped, lambda slug, arguments: dict(_call_tool(registry, slug, arguments, agent_user))
        )
    if user_id is not None:
        raise ValueError(f"{type(provider).__name__} takes user_id with each handle_tool_calls, not here")

    def execute(
        slug: str, arguments: dict[str, Any], *, modifiers: Modifiers | None = None, user_id: str | None = None
    ) -> ToolExecutionResponse:
        if modifiers is not None:
            raise ValueError("Composio's modifiers are not applied here; the registry has hooks of its own")
        return _call_tool(registry, slug, arguments, "default" if user_id is None else user_id)

    provider.set_execute_tool_fn(execute)
    return provider.wrap_tools(wrapped)


def _definitions(registry: ToolRegistry, extensions: bool) -> Iterator[dict[str, Any]]:
    """Yield the registry's definitions in Composio's format, with `select` and the output schema of `_call_tool`."""
    for definition, action in zip(registry.tools("composio"), registry.offered.values(), strict=True):
        yield {
            **definition,
            "input_parameters": input_schema(action, extensions=extensions),
            "output_parameters": copy.deepcopy(_ENVELOPE),
            "no_auth": True,  # for Composio: the registry has the accounts
        }


def _call_tool(registry: ToolRegistry, slug: str, arguments: dict[str, Any], user_id: str) -> ToolExecutionResponse:
    """Make a call and return the result in Composio's envelope."""
    result = registry.call_tool(slug, arguments, user_id=user_id)
    if result.failed:
        return {"data": {}, "error": result.text, "successful": False}
    answer = json.loads(result.text)
    return {"data": answer if isinstance(answer, dict) else {"result": answer}, "error": None, "successful": True}
