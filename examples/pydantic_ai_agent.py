"""A pydantic-ai agent that knows OpenRouter."""

import os
import sys

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents.pydantic_ai import tools

MODEL = os.environ.get("OPENROUTER_MODEL", "openai/gpt-4o-mini")
QUESTION = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"
ACTIONS = ["OPENROUTER_LIST_AVAILABLE_MODELS", "OPENROUTER_CREATE_CHAT_COMPLETION"]


def main(question: str) -> None:
    """Answer a question, and show what was called for it."""
    if not os.environ.get("OPENROUTER_API_KEY"):
        raise SystemExit("Set OPENROUTER_API_KEY; a key is made at https://openrouter.ai/keys.")
    provider = OpenAIProvider(
        base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
        api_key=os.environ["OPENROUTER_API_KEY"],
    )
    with ToolRegistry.from_manifest(allow=ACTIONS) as registry:
        agent = Agent(OpenAIChatModel(MODEL, provider=provider), tools=tools(registry))
        result = agent.run_sync(question)
    for message in result.new_messages():
        for part in message.parts:
            print(f"{part.part_kind}: {getattr(part, 'content', '')[:200]}")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or QUESTION)
