"""An agent of the OpenAI Agents SDK that knows OpenRouter."""

import asyncio
import os
import sys

from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner
from openai import AsyncOpenAI

from openrouter_toolkit import Action, Envelope, ToolRegistry
from openrouter_toolkit.agents.openai_agents import tools

MODEL = os.environ.get("OPENROUTER_MODEL", "openai/gpt-4o-mini")
QUESTION = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"
ACTIONS = ["OPENROUTER_LIST_AVAILABLE_MODELS", "OPENROUTER_CREATE_CHAT_COMPLETION"]
# Traces would go to OpenAI, with a key of OpenAI's.
CONFIG = RunConfig(tracing_disabled=True, tool_not_found_behavior="return_error_to_model")


def show(action: Action | None, envelope: Envelope, seconds: float) -> None:
    """Print which tool was called, and how it went."""
    print(f"{action.slug if action else 'an unknown tool'}: {envelope.error or f'done in {seconds:.1f} s'}")


async def main(question: str) -> None:
    """Answer a question, and show what was called for it."""
    if not os.environ.get("OPENROUTER_API_KEY"):
        raise SystemExit("Set OPENROUTER_API_KEY; a key is made at https://openrouter.ai/keys.")
    base_url = os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1")
    async with AsyncOpenAI(base_url=base_url, api_key=os.environ["OPENROUTER_API_KEY"]) as client:
        model = OpenAIChatCompletionsModel(MODEL, client)
        with ToolRegistry.from_manifest(allow=ACTIONS, after_execute=show) as registry:
            agent = Agent(name="OpenRouter expert", model=model, tools=[*tools(registry)])
            result = await Runner.run(agent, question, run_config=CONFIG)
    print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or QUESTION))
