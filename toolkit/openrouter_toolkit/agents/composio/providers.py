"""Composio's current package: our tools in its providers, without a `Composio` object and without its key.

    from composio_openai import OpenAIProvider

    provider = OpenAIProvider()
    tools = attach(provider, registry)
    answer = client.chat.completions.create(model=model, messages=conversation, tools=tools)
    results = provider.handle_tool_calls(user_id="alice", response=answer)

A result is Composio's envelope, made for a model to read:

- `data`: the answer as an object, brief where it has a brief form and of at most 20,000 characters (see `brief`);
  an answer that is no object is in `{"result": …}`. Empty when the call failed.
- `error`: what went wrong and what to do next, or None.
- `successful`: whether the action did what it was asked to.

What the providers (0.30) make of our definitions, and of arguments that are wrong in form:

| provider         | shown to the model                                       | arguments that are no JSON object |
| ---------------- | -------------------------------------------------------- | --------------------------------- |
| openai           | ours, `strict: None` added                               | `handle_tool_calls` raises        |
| openai responses | ours                                                     | `handle_tool_calls` raises        |
| anthropic        | ours, but `X-Title` is `X_Title`                         | `handle_tool_calls` raises        |
| langchain        | rebuilt: `X_Title`, not closed, without enums and        | an agent's run ends               |
|                  | lengths of lists, with `default: null`                   |                                   |
| openai agents    | ours, without `pattern`                                  | a result that says what is wrong  |

`X_Title` arrives as `X-Title` with all of them. What raises is `composio.exceptions.InvalidParams`, before we are
asked; calls that stand earlier in the same answer have been made then. `ToolRegistry.handle_tool_calls` takes the same
answers and makes a result of everything.

LangChain's provider also holds the arguments against its rebuilt schema before we are asked: what is wrong is not
mended, and the model is told no more than "Tool input validation error". Cancelling an agent's run does not end a
call that is under way, which may cost money. `openrouter_toolkit.agents` has modules of our own for both frameworks,
which do better.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ...tool_calling import input_schema
from ...tool_calling.caller import check_user

if TYPE_CHECKING:
    from composio.core.provider.agentic import AgenticProvider
    from composio.core.provider.none_agentic import NonAgenticProvider
    from composio.types import Modifiers, Tool, ToolExecutionResponse

    from ...registry import ToolRegistry

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
    """The registry's actions as Composio's tools, each with a copy of our input schema.

    Args:
        registry: the actions.
        extensions: with the parameters that the API takes beyond the documented ones.

    Raises:
        ImportError: Composio's current package is not installed.
    """
    try:
        from composio.types import Tool  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            "Composio's current package is missing: pip install 'openrouter-toolkit[composio]'. "
            "It can't share an environment with composio-core, whose import package has the same name."
        ) from error
    return [Tool.model_validate(definition) for definition in _definitions(registry, extensions)]


def attach(
    provider: NonAgenticProvider[Any, _Tools] | AgenticProvider[Any, _Tools],
    registry: ToolRegistry,
    *,
    user_id: str | None = None,
    extensions: bool = False,
) -> _Tools:
    """Wrap the registry's actions as a provider's tools; the provider's calls are executed by the registry.

    Give it a provider of its own: one that also serves a `Composio` executes either its tools or these. Hooks are
    the registry's, not Composio's modifiers.

    Args:
        provider: an instance of one of Composio's providers.
        registry: the actions.
        user_id: for an agentic provider (LangChain, OpenAI Agents, …), whose connected account its tools use;
            `default` when left out. The others (OpenAI, Anthropic, …) take the user with each `handle_tool_calls`.
        extensions: with the parameters that the API takes beyond the documented ones.

    Returns:
        What the provider makes of tools.

    Raises:
        ImportError: Composio's package is not installed.
        ValueError: `user_id` was given for a provider that takes it with each `handle_tool_calls`.
        TypeError: `user_id` is no text.
    """
    wrapped = tools(registry, extensions=extensions)  # first: it tells what to install
    from composio.core.provider.agentic import AgenticProvider  # noqa: PLC0415

    if isinstance(provider, AgenticProvider):
        who = "default" if user_id is None else user_id
        check_user(who)
        return provider.wrap_tools(wrapped, lambda slug, arguments: dict(_called(registry, slug, arguments, who)))
    if user_id is not None:
        raise ValueError(f"{type(provider).__name__} takes user_id with each handle_tool_calls, not here")

    def execute(
        slug: str, arguments: dict[str, Any], *, modifiers: Modifiers | None = None, user_id: str | None = None
    ) -> ToolExecutionResponse:
        if modifiers is not None:
            raise ValueError("Composio's modifiers are not applied here; the registry has hooks of its own")
        return _called(registry, slug, arguments, "default" if user_id is None else user_id)

    provider.set_execute_tool_fn(execute)
    return provider.wrap_tools(wrapped)


def _definitions(registry: ToolRegistry, extensions: bool) -> Iterator[dict[str, Any]]:
    """The registry's definitions in Composio's words, with `select`, and results as `_called` tells them."""
    for definition, action in zip(registry.tools("composio"), registry.actions.values(), strict=True):
        yield {
            **definition,
            "input_parameters": input_schema(action, extensions=extensions),
            "output_parameters": copy.deepcopy(_ENVELOPE),
            "no_auth": True,  # towards Composio: the registry has the accounts
        }


def _called(registry: ToolRegistry, slug: str, arguments: dict[str, Any], user_id: str) -> ToolExecutionResponse:
    """Make a call, and tell the result in Composio's envelope."""
    result = registry.call_tool(slug, arguments, user_id=user_id)
    if result.failed:
        return {"data": {}, "error": result.text, "successful": False}
    answer = json.loads(result.text)
    return {"data": answer if isinstance(answer, dict) else {"result": answer}, "error": None, "successful": True}
