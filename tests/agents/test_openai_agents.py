"""The OpenAI Agents SDK: what is its own way, beside what holds in each framework."""

from __future__ import annotations

import asyncio

import pytest
from agents import Agent, FunctionTool, ModelBehaviorError, OpenAIChatCompletionsModel, RunConfig, Runner
from openai import AsyncOpenAI

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents import openai_agents

from .scripted_models import Call, ChatModel


def test_they_are_function_tools_and_not_strict(registry: ToolRegistry) -> None:
    made = openai_agents.tools(registry)
    assert [tool.name for tool in made] == list(registry.actions)
    assert all(isinstance(tool, FunctionTool) and tool.strict_json_schema is False for tool in made)


def test_a_tool_that_does_not_exist_ends_the_run_unless_the_run_is_told_otherwise(registry: ToolRegistry) -> None:
    async def run(model: ChatModel) -> None:
        async with AsyncOpenAI(base_url=model.url, api_key="k", max_retries=0) as client:
            chat = OpenAIChatCompletionsModel("scripted", client)
            agent = Agent(name="Agent", model=chat, tools=[*openai_agents.tools(registry)])
            await Runner.run(agent, "Go.", run_config=RunConfig(tracing_disabled=True))

    with ChatModel([Call("OPENROUTER_LIST_MODELS")]) as model, pytest.raises(ModelBehaviorError, match="LIST_MODELS"):
        asyncio.run(run(model))
