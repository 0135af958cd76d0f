"""The four frameworks, each driven as its users drive it: an agent with a model, our tools, and a question."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents import google_genai, langchain, openai_agents, pydantic_ai

from .scripted_models import ChatModel, GeminiModel, ScriptedModel


@dataclass(frozen=True)
class Framework:
    """One framework.

    Attributes:
        name: the extra that installs it.
        module: what a missing installation lacks.
        model: the kind of model that it speaks to.
        tools: our converter.
        run: asks an agent with that model and the registry's tools, and gives its last words.
        told: a schema less what the framework may add to it.
    """

    name: str
    module: str
    model: type[ScriptedModel]
    tools: Callable[..., Any]
    run: Callable[..., Coroutine[Any, Any, str]]
    told: Callable[[dict[str, Any]], dict[str, Any]] = dict


async def run_langchain(model: ScriptedModel, registry: ToolRegistry, **options: Any) -> str:
    from langchain.agents import create_agent
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    chat = ChatOpenAI(model="scripted", base_url=model.url, api_key=SecretStr("k"), max_retries=0)
    agent = create_agent(chat, langchain.tools(registry, **options))
    answer = await agent.ainvoke({"messages": [{"role": "user", "content": "Go."}]})
    return str(answer["messages"][-1].content)


async def run_openai_agents(model: ScriptedModel, registry: ToolRegistry, **options: Any) -> str:
    from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner
    from openai import AsyncOpenAI

    config = RunConfig(tracing_disabled=True, tool_not_found_behavior="return_error_to_model")
    async with AsyncOpenAI(base_url=model.url, api_key="k", max_retries=0) as client:
        chat = OpenAIChatCompletionsModel("scripted", client)
        agent = Agent(name="Agent", model=chat, tools=list(openai_agents.tools(registry, **options)))
        return str((await Runner.run(agent, "Go.", run_config=config)).final_output)


async def run_pydantic_ai(model: ScriptedModel, registry: ToolRegistry, **options: Any) -> str:
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async with AsyncOpenAI(base_url=model.url, api_key="k", max_retries=0) as client:
        chat = OpenAIChatModel("scripted", provider=OpenAIProvider(openai_client=client))
        return (await Agent(chat, tools=pydantic_ai.tools(registry, **options)).run("Go.")).output


async def run_google_genai(
    model: ScriptedModel, registry: ToolRegistry, *, extensions: bool = False, **options: Any
) -> str:
    from google import genai
    from google.genai import types

    config = types.GenerateContentConfig(tools=[google_genai.tools(registry, extensions=extensions)])
    contents: list[Any] = [types.UserContent("Go.")]
    options_of_client = types.HttpOptions(base_url=model.url)
    async with genai.Client(api_key="k", http_options=options_of_client).aio as client:
        while True:
            answer = await client.models.generate_content(model="scripted", contents=contents, config=config)
            if not answer.function_calls:
                return answer.text or ""
            contents += await google_genai.respond_async(registry, answer, **options)


def without_empty_properties(schema: Any) -> Any:
    """A schema less each `"properties": {}`: pydantic-ai gives one to open objects, where it means nothing."""
    if isinstance(schema, list):
        return [without_empty_properties(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: part for name, part in schema.items() if (name, part) != ("properties", {})}
    return {name: without_empty_properties(part) for name, part in kept.items()}


FRAMEWORKS = (
    Framework("langchain", "langchain_core", ChatModel, langchain.tools, run_langchain),
    Framework("openai-agents", "agents", ChatModel, openai_agents.tools, run_openai_agents),
    Framework("pydantic-ai", "pydantic_ai", ChatModel, pydantic_ai.tools, run_pydantic_ai, without_empty_properties),
    Framework("google-genai", "google.genai", GeminiModel, google_genai.tools, run_google_genai),
)
