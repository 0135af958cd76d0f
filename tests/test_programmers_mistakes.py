"""A programmer's mistakes: they raise at once, in every way to make a call, and never become an envelope."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest
from composio_langchain import LangchainProvider

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.agents import google_genai, langchain, mcp, openai_agents, pydantic_ai
from openrouter_toolkit.agents.composio.providers import attach
from openrouter_toolkit.formats import ToolCall
from openrouter_toolkit.openrouter import OpenRouter

COUNT = "OPENROUTER_GET_MODELS_COUNT"
CALL = {"choices": [{"message": {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": COUNT}}]}}]}


@pytest.fixture(scope="module")
def registry() -> ToolRegistry:
    return ToolRegistry.from_manifest(accounts=MemoryAccounts())


def response_of_gemini() -> Any:
    from google.genai import types

    call = types.Part(function_call=types.FunctionCall(name=COUNT, args={}))
    return types.GenerateContentResponse(candidates=[types.Candidate(content=types.Content(parts=[call]))])


WAYS: dict[str, Callable[[ToolRegistry, Any], Any]] = {
    "execute": lambda registry, user: registry.execute(COUNT, user_id=user),
    "execute, unknown": lambda registry, user: registry.execute("NOTHING", user_id=user),
    "execute_async": lambda registry, user: asyncio.run(registry.execute_async(COUNT, user_id=user)),
    "stream": lambda registry, user: registry.stream(COUNT, user_id=user),
    "call_tool": lambda registry, user: registry.call_tool(COUNT, user_id=user),
    "call_tool_async": lambda registry, user: asyncio.run(registry.call_tool_async(COUNT, user_id=user)),
    "call_tools": lambda registry, user: registry.call_tools([ToolCall("", COUNT, {})], user_id=user),
    "call_tools, none": lambda registry, user: registry.call_tools([], user_id=user),
    "call_tools_async": lambda registry, user: asyncio.run(registry.call_tools_async([], user_id=user)),
    "handle_tool_calls": lambda registry, user: registry.handle_tool_calls(CALL, user_id=user),
    "handle_tool_calls_async": lambda registry, user: asyncio.run(registry.handle_tool_calls_async(CALL, user_id=user)),
    "google_genai": lambda registry, user: google_genai.respond(registry, response_of_gemini(), user_id=user),
    "langchain": lambda registry, user: langchain.tools(registry, user_id=user),
    "openai_agents": lambda registry, user: openai_agents.tools(registry, user_id=user),
    "pydantic_ai": lambda registry, user: pydantic_ai.tools(registry, user_id=user),
}


@pytest.mark.parametrize("user", [None, 5, b"alice", ["alice"], True], ids=repr)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_user_id_that_is_no_text_is_a_mistake(registry: ToolRegistry, way: Any, user: Any) -> None:
    with pytest.raises(TypeError, match=r"user_id must be a text, not \w+; leave it out for the user 'default'"):
        way(registry, user)


@pytest.mark.parametrize("user", [5, b"alice"], ids=repr)
def test_so_it_is_where_none_means_the_default(registry: ToolRegistry, user: Any) -> None:
    with pytest.raises(TypeError, match="user_id must be a text"):
        attach(LangchainProvider(), registry, user_id=user)
    with pytest.raises(TypeError, match="user_id must be a text"):
        mcp.server(registry, user_id=user)
    assert len(attach(LangchainProvider(), registry)) == len(registry.actions)


@pytest.mark.parametrize("on_event", [5, "print", []], ids=repr)
def test_a_listener_that_can_not_be_called_is_a_mistake(registry: ToolRegistry, on_event: Any) -> None:
    with pytest.raises(TypeError, match="on_event must be a function"):
        registry.execute(COUNT, on_event=on_event)
    with pytest.raises(TypeError, match="on_event must be a function"):
        anyio.run(lambda: registry.call_tool_async(COUNT, on_event=on_event))


@pytest.mark.parametrize("timeout", [0, -1, math.nan, True, False, "5", [], Decimal(5), -math.inf, -(10**400)])
def test_a_timeout_that_can_not_be_is_a_mistake(registry: ToolRegistry, timeout: Any) -> None:
    for call in (registry.execute, registry.call_tool, registry.stream):
        with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
            call(COUNT, timeout=timeout)


@pytest.mark.parametrize("timeout", [math.inf, 1e300, 10**400, None, 0.5, 5])
def test_a_very_long_timeout_is_none(registry: ToolRegistry, timeout: Any) -> None:
    assert "not connected" not in str(registry.execute("OPENROUTER_GET_CREDITS", timeout=timeout).error)
    assert "No OpenRouter account" in str(registry.execute("OPENROUTER_GET_CREDITS", timeout=timeout).error)


TIMES = ["connect_timeout", "read_timeout", "completion_timeout"]
COUNTS = ["max_attempts", "max_answer_bytes"]
TEXTS = ["x_title", "http_referer", "categories", "base_url"]
NO_TIMES: list[Any] = [True, False, "5", None, [], Decimal(5)]
NO_COUNTS: list[Any] = ["3", 3.0, True, False, None, [3], math.nan]
NO_TEXTS: list[Any] = [5, b"a", ["a"], True, {}]
WRONG_OPTIONS: list[tuple[str, Any, type[Exception]]] = [
    *[(name, value, ValueError) for name in TIMES for value in (0, -1, 0.0, math.nan, math.inf, -math.inf, 1e300)],
    *[(name, value, ValueError) for name in TIMES for value in (10**400, -(10**400))],
    *[(name, value, TypeError) for name in TIMES for value in NO_TIMES],
    *[(name, value, ValueError) for name in COUNTS for value in (0, -1, -(10**400))],
    *[(name, value, TypeError) for name in COUNTS for value in NO_COUNTS],
    *[(name, value, TypeError) for name in TEXTS for value in NO_TEXTS],
    *[(name, "a\r\nb", ValueError) for name in ("x_title", "http_referer", "categories")],
    ("x_title", "\ud800", ValueError),
    ("colour", "red", TypeError),
]


@pytest.mark.parametrize(("name", "value", "kind"), WRONG_OPTIONS)
def test_a_client_option_that_can_not_be_is_told_at_once(name: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        ToolRegistry.from_manifest(client_options={name: value})
    assert name in str(caught.value)
    assert len(str(caught.value)) < 200
    with pytest.raises(kind):
        OpenRouter(**{name: value})


@pytest.mark.parametrize(
    "options",
    [
        {"connect_timeout": 1, "read_timeout": 0.5, "completion_timeout": 10_000},
        {"max_attempts": 1, "max_answer_bytes": 1},
        {"x_title": "Zoë's app", "http_referer": "", "categories": None, "base_url": None},
        {"base_url": "http://openrouter.example/api/v1"},  # where no key may be sent: each call says so
    ],
    ids=str,
)
def test_every_other_option_is_taken(options: dict[str, Any]) -> None:
    ToolRegistry.from_manifest(client_options=options)


@pytest.mark.parametrize("value", [0, -1, 2.0, "2", True, None], ids=repr)
def test_so_are_the_workers(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="max_workers must be"):
        ToolRegistry.from_manifest(max_workers=value)


def test_numbers_that_python_does_not_print_are_no_trouble(registry: ToolRegistry) -> None:
    assert "No OpenRouter account" in str(registry.execute("OPENROUTER_GET_CREDITS", timeout=10**5000).error)
    with pytest.raises(ValueError, match="timeout must be"):
        registry.execute(COUNT, timeout=-(10**5000))
    for name in ("read_timeout", "max_attempts"):
        with pytest.raises(ValueError, match=name):
            OpenRouter(**{name: -(10**5000)})  # type: ignore[arg-type]
