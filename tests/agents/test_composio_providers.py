"""Composio's providers with our tools, offline: five providers, and the same promises by each of them."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from agents import Agent, FunctionTool, OpenAIChatCompletionsModel, RunConfig, Runner
from agents.tool_context import ToolContext
from anthropic.types import Message
from composio.exceptions import InvalidParams
from composio_anthropic import AnthropicProvider
from composio_langchain import LangchainProvider
from composio_openai import OpenAIProvider, OpenAIResponsesProvider
from composio_openai_agents import OpenAIAgentsProvider
from jsonschema import Draft202012Validator
from langchain.agents import create_agent
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_openai import ChatOpenAI
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from openrouter_toolkit import MemoryAccounts, Refused, ToolRegistry
from openrouter_toolkit.agents.composio.providers import attach, tools
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling import input_schema

from ..loopback import stay_on_loopback
from .scripted_models import Call, ChatModel

ALICE, BOB = "sk-or-v1-sandbox-alice", "sk-or-v1-sandbox-bob"
MODEL = "acme/atlas-large"
QUESTION = "Count the available models"
PROVIDERS: dict[str, Callable[[], Any]] = {
    "openai": OpenAIProvider,
    "responses": OpenAIResponsesProvider,
    "anthropic": AnthropicProvider,
    "langchain": LangchainProvider,
    "openai-agents": OpenAIAgentsProvider,
}
RAISING = ["openai", "responses", "anthropic"]
AGENTIC = ["langchain", "openai-agents"]
every_provider = pytest.mark.parametrize("name", PROVIDERS)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No Composio key, no settings of whoever runs the tests, and nobody reached but loopback."""
    for name in ("COMPOSIO_API_KEY", "OPENAI_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    strangers = stay_on_loopback(monkeypatch)
    yield
    assert strangers == []


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    """Two connected users, and no key in the environment."""
    with registry_of() as registry:
        yield registry


def registry_of(**options: Any) -> ToolRegistry:
    accounts = MemoryAccounts({"alice": {"api_key": ALICE}, "bob": {"api_key": BOB}})
    return ToolRegistry.from_manifest(accounts=accounts, client_options={"max_attempts": 1}, **options)


class Attached:
    """One of the five providers with our tools, called as its SDK calls it: by the SDK's own object of an answer."""

    def __init__(self, name: str, registry: ToolRegistry, *, user_id: str = "alice", **options: Any) -> None:
        self.name = name
        self.user_id = user_id
        self.provider = PROVIDERS[name]()
        if name in AGENTIC:
            options["user_id"] = user_id
        self.tools = attach(self.provider, registry, **options)

    def call(self, tool: str, arguments: str) -> Any:
        """The result of a call whose arguments a model wrote as this text."""
        if self.name in AGENTIC:
            chosen = next(each for each in self.tools if each.name == tool)
            if self.name == "langchain":
                written = {"type": "tool_call", "id": "call-1", "name": tool, "args": json.loads(arguments)}
                return _read(chosen.invoke(written).content)
            return _read(invoke(chosen, arguments))
        return self.handle(answer(self.name, [(tool, arguments)]))[0]

    def handle(self, response: Any) -> Any:
        return self.provider.handle_tool_calls(user_id=self.user_id, response=response)


def invoke(tool: FunctionTool, arguments: str) -> Any:
    context = ToolContext(context=None, tool_name=tool.name, tool_call_id="call-1", tool_arguments=arguments)

    async def run() -> Any:
        return await tool.on_invoke_tool(context, arguments)

    return asyncio.run(run())


def _read(text: str) -> Any:
    """A result as its model reads it: JSON, or a sentence of LangChain's."""
    return json.loads(text) if text.startswith("{") else text


def answer(name: str, calls: list[tuple[str, str]]) -> Any:
    """A model's answer that wants these calls, as the SDK's object."""
    if name == "openai":
        wanted = [
            {"id": f"call-{at}", "type": "function", "function": {"name": tool, "arguments": arguments}}
            for at, (tool, arguments) in enumerate(calls)
        ]
        message = {"role": "assistant", "content": None, "tool_calls": wanted}
        choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
        return ChatCompletion.model_validate(
            {"id": "gen-1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
        )
    if name == "responses":
        items = [
            {"type": "function_call", "call_id": f"call-{at}", "name": tool, "arguments": arguments}
            for at, (tool, arguments) in enumerate(calls)
        ]
        head = {"id": "resp-1", "object": "response", "created_at": 1, "model": MODEL, "tool_choice": "auto"}
        return Response.model_validate({**head, "output": items, "parallel_tool_calls": True, "tools": []})
    blocks = [
        {"type": "tool_use", "id": f"toolu-{at}", "name": tool, "input": _object_where_it_is(arguments)}
        for at, (tool, arguments) in enumerate(calls)
    ]
    return Message.construct(id="msg-1", type="message", role="assistant", model=MODEL, content=blocks)


def _object_where_it_is(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def parameters_of(tool: Any) -> dict[str, Any]:
    """The parameters that a wrapped tool shows to its model."""
    if isinstance(tool, dict):
        tool = tool.get("function", tool)
        return dict(tool.get("parameters") or tool["input_schema"])
    if isinstance(tool, FunctionTool):
        return tool.params_json_schema
    return dict(convert_to_openai_tool(tool)["function"]["parameters"])


def without(schema: Any, *keywords: str) -> Any:
    """A schema's copy without some keywords; properties of such names stay."""
    if isinstance(schema, list):
        return [without(part, *keywords) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: without(part, *keywords) for name, part in value.items()}
        if key == "properties"
        else without(value, *keywords)
        for key, value in schema.items()
        if key not in keywords
    }


def with_plain_names(schema: dict[str, Any]) -> dict[str, Any]:
    plain = {name.replace("-", "_"): part for name, part in schema["properties"].items()}
    return {**schema, "properties": plain}


@pytest.mark.parametrize("extensions", [False, True])
def test_our_tools_are_composios_tools_with_exactly_our_schemas(registry: ToolRegistry, extensions: bool) -> None:
    made = tools(registry, extensions=extensions)
    assert [tool.slug for tool in made] == list(registry.offered)
    for tool in made:
        action = registry.actions[tool.slug]
        assert json.dumps(tool.input_parameters) == json.dumps(input_schema(action, extensions=extensions))
        assert (tool.name, tool.description) == (action.definition.name, action.definition.description)
        assert (tool.toolkit.slug, tool.version) == ("openrouter", registry.toolkit.version)
        Draft202012Validator.check_schema(tool.output_parameters)


def test_who_changes_a_tool_does_not_change_the_registrys(registry: ToolRegistry) -> None:
    before = [tool.model_dump() for tool in tools(registry)]
    for tool in tools(registry):
        for part in tool.input_parameters["properties"].values():  # type: ignore[attr-defined]
            part.clear()
        tool.output_parameters["properties"].clear()  # type: ignore[attr-defined]
        tool.tags.clear()
    assert [tool.model_dump() for tool in tools(registry)] == before
    assert "id: given 5, wanted a string" in str(
        registry.execute("OPENROUTER_GET_GENERATION", {"id": 5}, user_id="alice").error
    )


@pytest.mark.parametrize("extensions", [False, True])
@every_provider
def test_what_a_model_is_shown_is_ours_but_for_the_documented_differences(
    name: str, extensions: bool, registry: ToolRegistry
) -> None:
    shown = Attached(name, registry, extensions=extensions).tools
    if name == "openai":
        ours = registry.tools("openai", extensions=extensions)
        assert shown == [{**tool, "function": {**tool["function"], "strict": None}} for tool in ours]
    elif name == "responses":
        assert shown == registry.tools("openai-responses", extensions=extensions)
    elif name == "anthropic":
        ours = registry.tools("anthropic", extensions=extensions)
        assert shown == [{**tool, "input_schema": with_plain_names(tool["input_schema"])} for tool in ours]
    for tool, action in zip(shown, registry.offered.values(), strict=True):
        ours_is = input_schema(action, extensions=extensions)
        schema = parameters_of(tool)
        if name == "openai-agents":
            assert (tool.name, tool.description) == (action.slug, action.definition.description)
            assert schema == without(ours_is, "pattern")
        if name == "langchain":
            assert (tool.name, tool.description) == (action.slug, action.definition.description)
            assert schema.keys() <= {"type", "properties", "required"}
            assert schema.get("required") == ours_is.get("required")
            assert list(schema["properties"]) == list(with_plain_names(ours_is)["properties"])
            for part, own in zip(schema["properties"].values(), ours_is["properties"].values(), strict=True):
                assert part.get("description") == own.get("description")


def test_what_langchain_leaves_out_is_what_is_documented(registry: ToolRegistry) -> None:
    """The parameters of one type, key by key; those of several come as `anyOf`."""
    keywords = ("enum", "minItems", "maxItems", "default")
    compared = 0
    for tool in Attached("langchain", registry).tools:
        ours = with_plain_names(input_schema(registry.actions[tool.name], extensions=False))["properties"]
        for name, part in parameters_of(tool)["properties"].items():
            if isinstance(ours[name].get("type"), str) and "additionalProperties" not in ours[name]:
                assert without(part, *keywords) == without(ours[name], *keywords), (tool.name, name)
                assert not {"enum", "minItems", "maxItems"} & part.keys()
                compared += 1
    assert compared > 50


@every_provider
def test_a_call_answers_with_the_answer_as_an_object(name: str, registry: ToolRegistry) -> None:
    result = Attached(name, registry).call("OPENROUTER_GET_MODELS_COUNT", "{}")
    assert result == {"data": {"data": {"count": 14}}, "error": None, "successful": True}
    Draft202012Validator(tools(registry)[0].output_parameters).validate(result)


@every_provider
def test_a_completion_with_nested_arguments_arrives_whole(
    name: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is 17 * 3?", "cache_control": None}]}]
    arguments = {"model": "acme/atlas-small", "messages": messages, "logit_bias": {"50": -1}, "stop": ["END"]}
    result = Attached(name, registry).call("OPENROUTER_CREATE_CHAT_COMPLETION", json.dumps(arguments))
    assert result["data"]["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert openrouter_sandbox.requests[-1].body == arguments


@every_provider
@pytest.mark.parametrize(("user_id", "key"), [("alice", ALICE), ("bob", BOB)])
def test_a_users_calls_are_made_with_the_users_key(
    name: str, user_id: str, key: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    result = Attached(name, registry, user_id=user_id).call("OPENROUTER_GET_CURRENT_KEY", "{}")
    assert result["successful"]
    assert [request.key for request in openrouter_sandbox.requests] == [key]
    assert key not in json.dumps(result)


@every_provider
def test_a_user_who_is_not_connected_is_told_so_and_nothing_is_sent(
    name: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    for user_id in ("mallory", ""):
        result = Attached(name, registry, user_id=user_id).call("OPENROUTER_GET_CURRENT_KEY", "{}")
        assert (result["data"], result["successful"]) == ({}, False)
        assert "connect" in result["error"]
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("name", AGENTIC)
def test_an_agentic_provider_without_a_user_uses_the_default_one(
    name: str, openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ToolRegistry.from_manifest() as registry:
        attached = Attached(name, registry)
        attached.tools = attach(PROVIDERS[name](), registry)
        assert attached.call("OPENROUTER_GET_CURRENT_KEY", "{}")["successful"]
    assert [request.key for request in openrouter_sandbox.requests] == [openrouter_sandbox.api_key]


@pytest.mark.parametrize("name", RAISING)
def test_who_names_a_user_where_it_would_be_ignored_is_told_so(name: str, registry: ToolRegistry) -> None:
    with pytest.raises(ValueError, match=r"Provider takes user_id with each handle_tool_calls, not here"):
        attach(PROVIDERS[name](), registry, user_id="alice")


@every_provider
def test_the_title_arrives_as_the_header_x_title(
    name: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    attached = Attached(name, registry)
    tool = attached.tools[list(registry.offered).index("OPENROUTER_LIST_EMBEDDING_MODELS")]
    title, referer, _ = parameters_of(tool)["properties"]
    dashed = name in ("openai", "responses", "openai-agents")
    assert (title, referer) == (("X-Title", "HTTP-Referer") if dashed else ("X_Title", "HTTP_Referer"))
    arguments = json.dumps({title: "My app", referer: "https://my.app"})
    assert attached.call("OPENROUTER_LIST_EMBEDDING_MODELS", arguments)["successful"]
    headers = openrouter_sandbox.requests[-1].headers
    assert (headers["x-title"], headers["http-referer"]) == ("My app", "https://my.app")


@every_provider
def test_the_other_spelling_of_a_title_arrives_too_but_not_through_langchain(
    name: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    other = "X_Title" if name in ("openai", "responses", "openai-agents") else "X-Title"
    result = Attached(name, registry).call("OPENROUTER_LIST_EMBEDDING_MODELS", json.dumps({other: "My app"}))
    if name == "langchain":
        assert result == "Tool input validation error"
        assert openrouter_sandbox.requests == []
    else:
        assert result["successful"]
        assert openrouter_sandbox.requests[-1].headers["x-title"] == "My app"


@every_provider
def test_lists_are_brief_unless_the_model_selects(name: str, registry: ToolRegistry) -> None:
    attached = Attached(name, registry)
    brief = attached.call("OPENROUTER_LIST_AVAILABLE_MODELS", "{}")["data"]
    assert brief["columns"] == "id|context|in|out|can"
    assert len(brief["rows"]) == 14
    selected = attached.call("OPENROUTER_LIST_AVAILABLE_MODELS", '{"select": "{first: data[0].id}"}')
    assert selected["data"] == {"first": "acme/atlas-large"}


@every_provider
@pytest.mark.parametrize(
    ("select", "found"), [("data[:2].id", ["acme/atlas-large", "acme/atlas-small"]), ("data[0].nothing", None)]
)
def test_an_answer_that_is_no_object_is_in_one(name: str, select: str, found: Any, registry: ToolRegistry) -> None:
    result = Attached(name, registry).call("OPENROUTER_LIST_AVAILABLE_MODELS", json.dumps({"select": select}))
    assert result == {"data": {"result": found}, "error": None, "successful": True}


@every_provider
def test_a_feed_is_a_text_in_an_object(name: str, registry: ToolRegistry) -> None:
    result = Attached(name, registry).call("OPENROUTER_LIST_AVAILABLE_MODELS", '{"use_rss": true}')
    assert result["data"]["result"].startswith("<?xml")


@every_provider
@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("OPENROUTER_GET_GENERATION", {"id": "gen-never"}, "There is no generation with this id"),
        ("OPENROUTER_GET_CREDITS", {}, "wants a management key"),
        ("OPENROUTER_LIST_AVAILABLE_MODELS", {"select": "data["}, "select: "),
        ("OPENROUTER_CREATE_COMPLETION", {"model": "sandbox/html-200", "prompt": "a"}, "JSON"),
        ("OPENROUTER_CREATE_COMPLETION", {"model": "sandbox/cut-before-answer", "prompt": "a"}, "onnection"),
        ("OPENROUTER_CREATE_COMPLETION", {"model": "sandbox/echo-key", "prompt": "a"}, "key"),
    ],
)
def test_a_failure_is_a_result_that_says_what_to_do(
    name: str, tool: str, arguments: dict[str, Any], told: str, registry: ToolRegistry
) -> None:
    result = Attached(name, registry).call(tool, json.dumps(arguments))
    assert (result["data"], result["successful"]) == ({}, False)
    assert told in result["error"]
    Draft202012Validator(tools(registry)[0].output_parameters).validate(result)
    assert ALICE not in json.dumps(result)


@every_provider
@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("OPENROUTER_GET_GENERATION", {"idd": "gen-1"}, "did you mean id?"),
        ("OPENROUTER_GET_GENERATION", {}, "id: required"),
        ("OPENROUTER_LIST_AVAILABLE_MODELS", {"category": "programing"}, "did you mean programming?"),
    ],
)
def test_wrong_arguments_are_told_so_that_they_can_be_mended_but_not_through_langchain(
    name: str, tool: str, arguments: dict[str, Any], told: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    result = Attached(name, registry).call(tool, json.dumps(arguments))
    if name == "langchain":
        assert result == "Tool input validation error"
    else:
        assert told in result["error"]
        assert result["successful"] is False
    assert openrouter_sandbox.requests == []


@every_provider
def test_numbers_written_as_text_are_mended_but_not_through_langchain(
    name: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    arguments = {"model": "acme/atlas-small", "prompt": "Hello", "max_tokens": "5"}
    result = Attached(name, registry).call("OPENROUTER_CREATE_COMPLETION", json.dumps(arguments))
    if name == "langchain":
        assert result == "Tool input validation error"
    else:
        assert result["successful"]
        assert openrouter_sandbox.requests[-1].body["max_tokens"] == 5


@pytest.mark.parametrize("arguments", ['{"id": "gen-1"', "[1]", '"gen-1"', "5", "NaN"])
@pytest.mark.parametrize("name", [*RAISING, "openai-agents"])
def test_arguments_that_are_no_object_do_what_is_documented(
    name: str, arguments: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    if name in RAISING:
        with pytest.raises(InvalidParams):
            Attached(name, registry).call("OPENROUTER_GET_GENERATION", arguments)
    else:
        result = Attached(name, registry).call("OPENROUTER_GET_GENERATION", arguments)
        assert result["successful"] is False
        assert "Tool arguments" in result["error"]
    assert openrouter_sandbox.requests == []


def test_langchain_ends_an_agents_run_at_arguments_that_are_no_object(registry: ToolRegistry) -> None:
    broken = Call("OPENROUTER_GET_GENERATION", '{"id": ')
    with ChatModel([broken], "Never asked.") as scripted:
        model: Any = ChatOpenAI(base_url=f"{scripted.url}/v1", api_key="none", model="scripted")  # type: ignore[arg-type]
        agent: Any = create_agent(model, Attached("langchain", registry).tools)
        last = agent.invoke({"messages": [{"role": "user", "content": QUESTION}]})["messages"][-1]
    assert last.invalid_tool_calls[0]["args"] == '{"id": '
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("name", ["openai", "responses"])
def test_calls_before_a_broken_one_are_made_and_the_registry_itself_has_a_result_for_each(
    name: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    broken = answer(name, [("OPENROUTER_GET_MODELS_COUNT", "{}"), ("OPENROUTER_GET_GENERATION", "{broken")])
    with pytest.raises(InvalidParams):
        Attached(name, registry).handle(broken)
    assert [request.path.rpartition("/")[2] for request in openrouter_sandbox.requests] == ["count"]
    told = json.dumps(registry.handle_tool_calls(broken, user_id="alice"))
    assert "count" in told
    assert "not valid JSON" in told


@pytest.mark.parametrize("name", ["openai", "responses", "openai-agents"])
@pytest.mark.parametrize("arguments", ["", "  ", "{}"])
def test_nothing_at_all_is_no_arguments(name: str, arguments: str, registry: ToolRegistry) -> None:
    assert Attached(name, registry).call("OPENROUTER_GET_MODELS_COUNT", arguments)["successful"]


@pytest.mark.parametrize("name", RAISING)
def test_several_calls_have_several_results_in_their_order_and_unknown_tools_too(
    name: str, registry: ToolRegistry
) -> None:
    calls = [
        ("OPENROUTER_GET_MODELS_COUNT", "{}"),
        ("OPENROUTER_GET_MODEL_COUNT", "{}"),
        ("OPENROUTER_OPENROUTER_LIST_PROVIDERS", "{}"),
    ]
    results = Attached(name, registry).handle(answer(name, calls))
    assert [result["successful"] for result in results] == [True, False, True]
    assert "Did you mean OPENROUTER_GET_MODELS_COUNT?" in results[1]["error"]
    assert Attached(name, registry).handle(answer(name, [])) == []


@every_provider
def test_hooks_and_toolsets_of_the_registry_hold(name: str, openrouter_sandbox: Sandbox) -> None:
    seen: list[str] = []

    def no_money(action: Any, arguments: Any, user_id: str) -> None:
        seen.append(user_id)
        if action.definition.annotations.costsMoney:
            raise Refused("nothing that costs money")

    with registry_of(deny=["payments"], before_execute=no_money) as registry:
        attached = Attached(name, registry)
        assert "OPENROUTER_CREATE_COINBASE_CHARGE" not in str(attached.tools)
        arguments = json.dumps({"model": "acme/atlas-small", "prompt": "Hello"})
        result = attached.call("OPENROUTER_CREATE_COMPLETION", arguments)
    assert (result["data"], result["successful"]) == ({}, False)
    assert "nothing that costs money" in result["error"]
    assert seen == ["alice"]
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("name", RAISING)
def test_a_tool_that_was_not_given_is_refused(name: str, openrouter_sandbox: Sandbox) -> None:
    with registry_of(read_only=True) as registry:
        arguments = '{"model": "acme/atlas-small", "prompt": "Hello"}'
        result = Attached(name, registry).call("OPENROUTER_CREATE_COMPLETION", arguments)
    assert "did not allow it" in result["error"]
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("name", RAISING)
def test_composios_modifiers_are_refused_rather_than_ignored(
    name: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    provider = PROVIDERS[name]()
    attach(provider, registry)
    response = answer(name, [("OPENROUTER_GET_MODELS_COUNT", "{}")])
    with pytest.raises(ValueError, match="modifiers are not applied"):
        provider.handle_tool_calls(user_id="alice", response=response, modifiers=[object()])
    assert openrouter_sandbox.requests == []


@every_provider
def test_two_registries_with_two_providers_do_not_mix(name: str, openrouter_sandbox: Sandbox) -> None:
    with registry_of() as one, registry_of(allow=["OPENROUTER_GET_CURRENT_KEY"]) as other:
        first, second = Attached(name, one, user_id="alice"), Attached(name, other, user_id="bob")
        for attached in (first, second, first):
            assert attached.call("OPENROUTER_GET_CURRENT_KEY", "{}")["successful"]
    assert [request.key for request in openrouter_sandbox.requests] == [ALICE, BOB, ALICE]
    assert (len(first.tools), len(second.tools)) == (len(one.offered), 1)


@pytest.mark.parametrize("name", RAISING)
def test_one_provider_serves_many_threads_and_users(
    name: str, registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    attached = Attached(name, registry)

    def ask(number: int) -> Any:
        user_id = ("alice", "bob")[number % 2]
        select = json.dumps({"select": f"[`{number}`, data[0].slug]"})
        response = answer(name, [("OPENROUTER_LIST_PROVIDERS", select)])
        return attached.provider.handle_tool_calls(user_id=user_id, response=response)[0]["data"]["result"][0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == list(range(40))
    keys = [request.key for request in openrouter_sandbox.requests]
    assert (keys.count(ALICE), keys.count(BOB)) == (20, 20)


def test_a_call_under_way_is_not_ended_by_cancelling_an_agents_run(openrouter_sandbox: Sandbox) -> None:
    under_way, cancelled = threading.Event(), threading.Event()

    def wait(*_: Any) -> None:
        under_way.set()
        assert cancelled.wait(10)

    async def run(tool: FunctionTool) -> None:
        context = ToolContext(context=None, tool_name=tool.name, tool_call_id="call-1", tool_arguments="{}")
        task = asyncio.ensure_future(tool.on_invoke_tool(context, "{}"))
        assert await asyncio.to_thread(under_way.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()

    with registry_of(allow=["OPENROUTER_GET_MODELS_COUNT"], before_execute=wait) as registry:
        asyncio.run(run(Attached("openai-agents", registry).tools[0]))  # it waits for the thread
    assert len(openrouter_sandbox.requests) == 1


@every_provider
def test_no_key_is_shown_by_anything(name: str, registry: ToolRegistry) -> None:
    attached = Attached(name, registry)
    attached.call("OPENROUTER_GET_CURRENT_KEY", "{}")
    shown = [attached.provider, vars(attached.provider), attached.tools, *tools(registry)]
    for thing in [*shown, *(copy.copy(vars(tool)) for tool in attached.tools if hasattr(tool, "__dict__"))]:
        assert "sk-or-" not in repr(thing)


def test_openais_client_and_a_model_go_through_a_whole_conversation(
    registry: ToolRegistry, openrouter_sandbox: Sandbox
) -> None:
    attached = Attached("openai", registry)
    conversation: list[Any] = [{"role": "user", "content": QUESTION}]
    with openai.OpenAI(base_url=openrouter_sandbox.base_url, api_key=openrouter_sandbox.api_key) as client:
        wanted = client.chat.completions.create(model=MODEL, messages=conversation, tools=attached.tools)
        sent = openrouter_sandbox.requests[-1].body["tools"]
        assert sent == attached.tools
        (result,) = attached.handle(wanted)
        message = wanted.choices[0].message
        assert message.tool_calls is not None
        told_back = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": json.dumps(result)}
        conversation += [message, told_back]
        told = client.chat.completions.create(model=MODEL, messages=conversation, tools=attached.tools)
    assert '"count": 14' in (told.choices[0].message.content or "")


def test_anthropics_client_and_a_model_ask_for_a_call(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    attached = Attached("anthropic", registry)
    url, key = openrouter_sandbox.base_url.removesuffix("/v1"), openrouter_sandbox.api_key
    with anthropic.Anthropic(base_url=url, auth_token=key, api_key=None, max_retries=0) as client:
        wanted = client.messages.create(
            model=MODEL, max_tokens=100, messages=[{"role": "user", "content": QUESTION}], tools=attached.tools
        )
    assert openrouter_sandbox.requests[-1].body["tools"] == attached.tools
    assert attached.handle(wanted) == [{"data": {"data": {"count": 14}}, "error": None, "successful": True}]


def test_an_agent_of_langchain_comes_to_its_answer(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    key: Any = openrouter_sandbox.api_key
    model = ChatOpenAI(base_url=openrouter_sandbox.base_url, api_key=key, model=MODEL)
    agent: Any = create_agent(model, Attached("langchain", registry).tools)
    asked = {"messages": [{"role": "user", "content": QUESTION}]}
    for state in (agent.invoke(asked), asyncio.run(agent.ainvoke(asked))):
        assert '"count": 14' in state["messages"][-1].content
    made = [request.key for request in openrouter_sandbox.requests if request.path.endswith("/models/count")]
    assert made == [ALICE, ALICE]


def test_an_agent_of_openais_comes_to_its_answer(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    async def run() -> str:
        async with openai.AsyncOpenAI(base_url=openrouter_sandbox.base_url, api_key=BOB) as client:
            model = OpenAIChatCompletionsModel(MODEL, client)
            agent = Agent(name="Assistant", model=model, tools=Attached("openai-agents", registry).tools)
            ran = await Runner.run(agent, QUESTION, run_config=RunConfig(tracing_disabled=True))
            return str(ran.final_output)

    assert '"count": 14' in asyncio.run(run())
    made = [request.key for request in openrouter_sandbox.requests if request.path.endswith("/models/count")]
    assert made == [ALICE]


ALONE = """
import socket, sys
reached = []
def watch(event, arguments):
    if event == "socket.connect" and arguments[1][0] != "127.0.0.1":
        reached.append(arguments[1]); raise OSError("no network")
    if event == "socket.getaddrinfo" and arguments[0] != "127.0.0.1":
        reached.append(arguments[0]); raise OSError("no network")
    if reached:
        print("reached", reached, flush=True)
        reached.clear()
sys.addaudithook(watch)
from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents.composio.providers import attach
from composio_openai import OpenAIProvider
from openai.types.chat import ChatCompletion
provider = OpenAIProvider()
tools = attach(provider, ToolRegistry.from_manifest())
answer = ChatCompletion.model_validate_json(sys.stdin.read())
print(len(tools), provider.handle_tool_calls(user_id="default", response=answer))
"""


def test_importing_attaching_calling_and_leaving_reach_nobody_and_write_no_file(
    openrouter_sandbox: Sandbox, tmp_path: Path
) -> None:
    """In a process of its own, so that what Composio does at import and at exit is seen too."""
    script = tmp_path / "alone.py"
    script.write_text(ALONE, encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    ran = subprocess.run(
        [sys.executable, script],
        input=answer("openai", [("OPENROUTER_GET_MODELS_COUNT", "")]).model_dump_json(),
        env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home)},
        cwd=home,
        text=True,
        capture_output=True,
        timeout=60,
    )
    wanted = {"data": {"data": {"count": 14}}, "error": None, "successful": True}
    assert (ran.stdout, ran.stderr) == (f"13 [{wanted}]\n", "")
    assert list(home.iterdir()) == []


def test_without_composios_package_it_is_said_what_to_install(
    registry: ToolRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when composio-core is there in its place: it has no module `composio.types`."""
    provider = OpenAIProvider()
    monkeypatch.setitem(sys.modules, "composio.types", None)
    for use in (lambda: tools(registry), lambda: attach(provider, registry)):
        with pytest.raises(ImportError, match=r"pip install 'openrouter-toolkit\[composio\]'"):
            use()


def test_our_module_alone_does_not_load_composio() -> None:
    code = "import sys, openrouter_toolkit.agents.composio.providers; print('composio' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("False\n", "")
