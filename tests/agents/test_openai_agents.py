"""The OpenAI Agents SDK: what is its own way, beside what holds in each framework."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents import Agent, FunctionTool, ModelBehaviorError, OpenAIChatCompletionsModel, RunConfig, Runner
from openai import AsyncOpenAI

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents import openai_agents

from .scripted_models import Call, ChatModel


def test_they_are_function_tools_and_not_strict(registry: ToolRegistry) -> None:
    made = openai_agents.tools(registry)
    assert [tool.name for tool in made] == list(registry.offered)
    assert all(isinstance(tool, FunctionTool) and tool.strict_json_schema is False for tool in made)


async def run(registry: ToolRegistry, model: ChatModel, **told: Any) -> Any:
    async with AsyncOpenAI(base_url=model.url, api_key="k", max_retries=0) as client:
        chat = OpenAIChatCompletionsModel("scripted", client)
        agent = Agent(name="Agent", model=chat, tools=[*openai_agents.tools(registry)])
        result = await Runner.run(agent, "Go.", run_config=RunConfig(tracing_disabled=True, **told))
        return result.final_output


def test_a_tool_that_does_not_exist_ends_the_run(registry: ToolRegistry) -> None:
    with (
        ChatModel([Call("OPENROUTER_LIST_MODELS")], "Done.") as model,
        pytest.raises(ModelBehaviorError, match="LIST_MODELS"),
    ):
        asyncio.run(run(registry, model))
    assert len(model.requests) == 1


def test_a_tool_that_does_not_exist_is_told_where_the_run_says_so(registry: ToolRegistry) -> None:
    with ChatModel([Call("OPENROUTER_LIST_MODELS")], "Done.") as model:
        said = asyncio.run(run(registry, model, tool_not_found_behavior="return_error_to_model"))
    assert said == "Done."
    (_, second) = model.requests
    answer = second["messages"][-1]
    assert answer["role"] == "tool"
    assert "OPENROUTER_LIST_MODELS" in answer["content"]
