"""An agent of the OpenAI Agents SDK that knows OpenRouter.

pip install 'openrouter-toolkit[openai-agents]'
export OPENROUTER_API_KEY=sk-or-v1-... OPENROUTER_MODEL=...   # the exact ID of a model that calls tools
python examples/openai_agents_agent.py "Count the available models, please."
"""

import asyncio
import os
import sys

from openai import AsyncOpenAI

from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner
from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents.openai_agents import tools

# Traces would go to OpenAI, with a key of OpenAI's.
CONFIG = RunConfig(tracing_disabled=True, tool_not_found_behavior="return_error_to_model")


async def main(question: str) -> None:
    """Answer a question, and show what was called for it."""
    base_url = os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1")
    async with AsyncOpenAI(base_url=base_url, api_key=os.environ["OPENROUTER_API_KEY"]) as client:
        model = OpenAIChatCompletionsModel(os.environ["OPENROUTER_MODEL"], client)
        with ToolRegistry.from_manifest(read_only=True) as registry:
            agent = Agent(name="OpenRouter expert", model=model, tools=[*tools(registry)])
            result = await Runner.run(agent, question, run_config=CONFIG)
    for item in result.new_items:
        print(item.type, getattr(item, "output", ""))
    print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Count the available models, please."))
