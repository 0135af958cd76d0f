"""pydantic-ai: outcomes and metadata of results, schemas on the wire, and whose retries are spent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import Agent, Tool, UnexpectedModelBehavior
from pydantic_ai.messages import ToolReturnPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents import pydantic_ai
from openrouter_toolkit.sandbox import Sandbox

from .scripted_models import Call, ChatModel, Turn

COUNT, CREDITS, GENERATION = "OPENROUTER_GET_MODELS_COUNT", "OPENROUTER_GET_CREDITS", "OPENROUTER_GET_GENERATION"


def returned(tools: list[Tool[Any]], *script: Turn, **options: Any) -> list[ToolReturnPart]:
    """The results that an agent with these tools has in its messages at the end."""

    async def run(model: ChatModel) -> list[ToolReturnPart]:
        async with AsyncOpenAI(base_url=model.url, api_key="k", max_retries=0) as client:
            chat = OpenAIChatModel("scripted", provider=OpenAIProvider(openai_client=client))
            result = await Agent(chat, tools=tools, **options).run("Go.")
        parts = [part for message in result.new_messages() for part in message.parts]
        return [part for part in parts if isinstance(part, ToolReturnPart)]

    with ChatModel(*script, "Done.") as model:
        return asyncio.run(run(model))


def test_the_envelope_is_the_metadata(registry: ToolRegistry) -> None:
    (part,) = returned(pydantic_ai.tools(registry), [Call(COUNT)])
    assert part.outcome == "success"
    assert part.metadata == registry.execute(COUNT)
    assert part.content == part.metadata["data"]


def test_a_failure_has_failed_and_spends_no_retry(registry: ToolRegistry) -> None:
    parts = returned(pydantic_ai.tools(registry), *[[Call(CREDITS)]] * 4, retries=0)
    assert [part.outcome for part in parts] == ["failed"] * 4
    assert "management key" in str(parts[0].content)


def test_broken_json_spends_the_frameworks_own_retries(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    broken: list[Turn] = [[Call(GENERATION, '{"id": "gen')], [Call(GENERATION, "[1]")]]
    assert len(returned(pydantic_ai.tools(registry), *broken, retries=2)) == 2
    with pytest.raises(UnexpectedModelBehavior, match=GENERATION):
        returned(pydantic_ai.tools(registry), *broken, retries=1)
    assert openrouter_sandbox.requests == []


def test_left_to_itself_it_would_make_tools_strict(registry: ToolRegistry) -> None:
    (tool,) = (tool for tool in pydantic_ai.tools(registry) if tool.name == GENERATION)
    for strict, sent in ((False, None), (None, True)):
        tool.strict = strict
        with ChatModel("Done.") as model:
            asyncio.run(asked(model, tool))
            assert model.requests[-1]["tools"][0]["function"].get("strict") is sent


async def asked(model: ChatModel, tool: Tool[Any]) -> None:
    async with AsyncOpenAI(base_url=model.url, api_key="k", max_retries=0) as client:
        await Agent(OpenAIChatModel("scripted", provider=OpenAIProvider(openai_client=client)), tools=[tool]).run("Go.")


def test_what_an_action_does_is_in_the_metadata_of_its_tool(registry: ToolRegistry) -> None:
    for tool in pydantic_ai.tools(registry):
        assert tool.metadata == registry.actions[tool.name].definition.annotations.model_dump()
