"""LangChain: messages with status and artifact, by model or by hand, sync or async."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import SecretStr

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents import langchain
from openrouter_toolkit.sandbox import Sandbox

from .scripted_models import Call, ChatModel

COUNT, CREDITS, GENERATION = "OPENROUTER_GET_MODELS_COUNT", "OPENROUTER_GET_CREDITS", "OPENROUTER_GET_GENERATION"


@pytest.fixture
def tools(registry: ToolRegistry) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in langchain.tools(registry)}


def agent(model: ChatModel, tools: dict[str, BaseTool], **options: Any) -> Any:
    chat = ChatOpenAI(model="scripted", base_url=model.url, api_key=SecretStr("k"), max_retries=0)
    return create_agent(chat, list(tools.values()), **options)


def called(name: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "tool_call", "id": "call_1", "name": name, "args": arguments or {}}


def ways(tool: BaseTool, given: Any) -> list[Any]:
    """What it answers, sync and async."""
    return [tool.invoke(given), asyncio.run(tool.ainvoke(given))]


def test_a_message_has_the_text_and_the_envelope(registry: ToolRegistry, tools: dict[str, BaseTool]) -> None:
    for message in ways(tools[COUNT], called(COUNT)):
        assert isinstance(message, ToolMessage)
        assert (message.status, message.tool_call_id, message.name) == ("success", "call_1", COUNT)
        assert message.artifact == registry.execute(COUNT)
        assert type(message.artifact) is dict
        assert message.content == message.artifact["data"]


def test_a_failure_is_a_message_with_status_error_and_the_envelope(tools: dict[str, BaseTool]) -> None:
    for message in ways(tools[CREDITS], called(CREDITS)):
        assert isinstance(message, ToolMessage)
        assert message.status == "error"
        assert message.artifact["successful"] is False
        assert '"status":403' in message.artifact["data"]
        assert message.content == message.artifact["error"]


def test_callbacks_see_the_failure(tools: dict[str, BaseTool]) -> None:
    class Watch(BaseCallbackHandler):
        seen: list[str] = []  # noqa: RUF012

        def on_tool_end(self, output: Any, **more: Any) -> None:
            self.seen.append(output.status)

    for name in (COUNT, CREDITS):
        tools[name].invoke(called(name), config={"callbacks": [Watch()]})
    assert Watch.seen == ["success", "error"]


def test_called_by_a_program_a_tool_gives_the_text(tools: dict[str, BaseTool]) -> None:
    for text in ways(tools[COUNT], {}):
        assert '"count"' in text
    for text in ways(tools[GENERATION], "gen-1"):
        assert "not valid JSON" in text


def test_a_name_with_a_dash_arrives_by_hand_too(tools: dict[str, BaseTool], openrouter_sandbox: Sandbox) -> None:
    ways(tools["OPENROUTER_LIST_EMBEDDING_MODELS"], {"X-Title": "My agent"})
    assert [request.headers["X-Title"] for request in openrouter_sandbox.requests] == ["My agent"] * 2


def test_what_an_action_does_is_in_the_metadata(registry: ToolRegistry, tools: dict[str, BaseTool]) -> None:
    for slug, action in registry.offered.items():
        assert tools[slug].metadata == action.definition.annotations.model_dump()
        assert tools[slug].tags == action.definition.tags
    completion = tools["OPENROUTER_CREATE_CHAT_COMPLETION"].metadata or {}
    assert (completion["readOnlyHint"], completion["costsMoney"]) == (False, True)


def test_an_agent_without_async_goes_on_after_a_failure_and_remembers_it(tools: dict[str, BaseTool]) -> None:
    with ChatModel([Call(CREDITS), Call(COUNT)], "Done.") as model:
        made = agent(model, tools, checkpointer=InMemorySaver())
        thread: Any = {"configurable": {"thread_id": "1"}}
        made.invoke({"messages": [{"role": "user", "content": "Go."}]}, thread)
        messages = made.get_state(thread).values["messages"]
    told = [message for message in messages if isinstance(message, ToolMessage)]
    assert [message.status for message in told] == ["error", "success"]
    assert [message.artifact["successful"] for message in told] == [False, True]
    assert messages[-1].content == "Done."
    assert model.read() == [message.content for message in told]


def test_broken_json_alone_ends_the_run_before_it_gets_here(
    tools: dict[str, BaseTool], openrouter_sandbox: Sandbox
) -> None:
    with ChatModel([Call(GENERATION, '{"id": "gen')], "Never said.") as model:
        last = agent(model, tools).invoke({"messages": [{"role": "user", "content": "Go."}]})["messages"][-1]
    assert isinstance(last, AIMessage)
    assert (last.content, [call["name"] for call in last.invalid_tool_calls]) == ("", [GENERATION])
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_middleware_answers_broken_json_so_that_the_model_mends_it(
    tools: dict[str, BaseTool], openrouter_sandbox: Sandbox, asynchronous: bool
) -> None:
    with ChatModel([Call(GENERATION, '{"id": "gen')], [Call(COUNT)], "Done.") as model:
        mended = agent(model, tools, middleware=[langchain.answering_broken_calls()])
        conversation: Any = {"messages": [{"role": "user", "content": "Go."}]}
        state = asyncio.run(mended.ainvoke(conversation)) if asynchronous else mended.invoke(conversation)
        broken, counted = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert (broken.status, broken.name, counted.status) == ("error", GENERATION, "success")
    assert "one JSON object" in broken.text
    assert state["messages"][-1].text == "Done."
    assert [request.path for request in openrouter_sandbox.requests] == ["/models/count"]


def test_broken_json_beside_another_call_is_a_result(tools: dict[str, BaseTool]) -> None:
    with ChatModel([Call(GENERATION, '{"id": "gen'), Call(COUNT)], "Done.") as model:
        agent(model, tools).invoke({"messages": [{"role": "user", "content": "Go."}]})
        broken, counted = model.read()
    assert "malformed" in broken
    assert "count" in counted
