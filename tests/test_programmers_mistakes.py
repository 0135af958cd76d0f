"""A programmer's mistakes: they raise at once, in every way to make a call, and never become an envelope."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import anyio
import pytest
from composio_langchain import LangchainProvider

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.agents import google_genai, langchain, mcp, openai_agents, pydantic_ai
from openrouter_toolkit.agents.composio.providers import attach
from openrouter_toolkit.openrouter import OpenRouter
from openrouter_toolkit.tool_calling import ToolCall

COUNT = "OPENROUTER_GET_MODELS_COUNT"
CANARY = "sk-or-v1-5f7d2c9a1b3e8d40"
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
    assert len(attach(LangchainProvider(), registry)) == len(registry.offered)


async def awaited(event: Any) -> None: ...


class Awaited:
    async def __call__(self, event: Any) -> None: ...


@pytest.mark.parametrize(
    "on_event",
    [5, "print", [], awaited, Awaited(), partial(awaited), lambda: None, lambda event, more: None],
    ids=["number", "text", "list", "async", "async object", "async partial", "takes none", "takes two"],
)
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


@pytest.mark.parametrize("on_event", [print, [].append, lambda *events: None, lambda event, more=None: None])
def test_every_other_listener_is_taken(registry: ToolRegistry, on_event: Any) -> None:
    assert "No OpenRouter account" in str(registry.execute(COUNT, on_event=on_event).error)


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
    with pytest.raises(ValueError, match="response_cache_ttl is from"):
        OpenRouter(response_cache_ttl=10**5000)
    with pytest.raises(ValueError, match="max_workers must be"):
        ToolRegistry.from_manifest(max_workers=-(10**5000))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"title": "A"}, "client_options: OpenRouter takes no 'title', did you mean 'x_title'?"),
        ({"max_retries": 1}, "client_options: OpenRouter takes no 'max_retries'"),
        ({"api_key": CANARY}, "client_options: OpenRouter takes no 'api_key'; accounts= gives"),
        ({5: 5}, "client_options: OpenRouter takes no '5'"),
        ("x_title", "client_options must be a dict, not str"),
        (["x_title"], "client_options must be a dict, not list"),
    ],
)
def test_an_option_that_there_is_not_is_named(options: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        ToolRegistry.from_manifest(client_options=options)
    assert str(caught.value).startswith(words)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("accounts", "given"),
    [
        ({"alice": {"api_key": CANARY}}, "dict"),
        (CANARY, "str"),
        (MemoryAccounts, "the class MemoryAccounts"),
        (object(), "object"),
    ],
    ids=["dict", "key", "class", "object"],
)
def test_accounts_that_can_not_be_asked_are_refused(accounts: Any, given: str) -> None:
    with pytest.raises(TypeError) as caught:
        ToolRegistry.from_manifest(accounts=accounts)
    assert str(caught.value).startswith("accounts must be something like MemoryAccounts({user_id: {field: value}})")
    assert str(caught.value).endswith(f"not {given}")


@pytest.mark.parametrize(
    ("accounts", "words"),
    [
        ([CANARY], "not list"),
        ({"alice": CANARY}, "an account is a dict such as {'api_key': '...'}, not str"),
        ({"alice": None}, "an account is a dict such as {'api_key': '...'}, not NoneType"),
        ({None: {"api_key": CANARY}}, "a user_id is a text, not NoneType"),
        ({"alice": {"api_key": CANARY.encode()}}, "api_key must be a text, not bytes"),
        ({"alice": {"api_key": 5}}, "api_key must be a text, not int"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_accounts_of_another_form_are_refused_without_a_key_in_the_words(accounts: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        MemoryAccounts(accounts)
    assert str(caught.value).startswith("MemoryAccounts takes {user_id: {field: value}}")
    assert str(caught.value).endswith(words)
    assert CANARY not in str(caught.value)
    with pytest.raises(TypeError, match="api_key must be a text, not int"):
        MemoryAccounts().connect("alice", api_key=5)  # type: ignore[arg-type]


def test_a_variable_that_is_not_set_is_no_mistake() -> None:
    accounts = MemoryAccounts({"alice": {"api_key": None}})  # type: ignore[dict-item]
    assert "No OpenRouter account with api_key" in str(
        ToolRegistry.from_manifest(accounts=accounts).execute(COUNT, user_id="alice").error
    )


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"api_key": 5}, 'The api_key of user "default" can\'t be used: it is no text, but int. Nothing was sent.'),
        ({"api_key": [CANARY]}, "can't be used: it is no text, but list"),
        ({"api_key": CANARY.encode()}, "can't be used: it is no text, but bytes"),
        (CANARY, "The account store failed (TypeError). Nothing was sent."),
        ([CANARY], "The account store failed (TypeError). Nothing was sent."),
    ],
)
def test_what_a_store_of_the_hosts_gives_wrongly_is_no_fault_of_the_toolkits(held: Any, words: str) -> None:
    class Store:
        def credentials(self, user_id: str, toolkit: str) -> Any:
            return held

        def how_to_connect(self, user_id: str, toolkit: str) -> str:
            return "Ask."

    envelope = ToolRegistry.from_manifest(accounts=Store()).execute(COUNT)
    assert words in str(envelope.error)
    assert '"type":"not_connected"' in envelope.data
    assert CANARY not in str(envelope)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"allow": 5}, "allow, deny and tags are lists of slugs or tags, toolsets a list of names, and int is neither"),
        (
            {"deny": [None]},
            "allow, deny and tags are lists of slugs or tags, toolsets a list of names, and NoneType is neither",
        ),
        (
            {"tags": [["models"]]},
            "allow, deny and tags are lists of slugs or tags, toolsets a list of names, and list is neither",
        ),
        ({"switched_off": ["OPENROUTER_GET_CREDITS"]}, "switched_off must be a function that gives slugs, not list"),
        ({"before_execute": 5}, "before_execute: a hook is a function, not int"),
        ({"after_execute": "audit"}, "after_execute: a hook is a function, not str"),
    ],
)
def test_a_toolset_and_hooks_of_another_form_are_refused(given: Any, words: str) -> None:
    with pytest.raises(TypeError) as caught:
        ToolRegistry.from_manifest(**given)
    assert str(caught.value) == words
