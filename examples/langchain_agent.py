"""A LangChain agent that knows OpenRouter."""

import os
import sys

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from openrouter_toolkit import Action, Envelope, ToolRegistry
from openrouter_toolkit.agents.langchain import answering_broken_calls, tools

MODEL = os.environ.get("OPENROUTER_MODEL", "openai/gpt-4o-mini")
QUESTION = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"
ACTIONS = ["OPENROUTER_LIST_AVAILABLE_MODELS", "OPENROUTER_CREATE_CHAT_COMPLETION"]


def show(action: Action | None, envelope: Envelope, seconds: float) -> None:
    """Print which tool was called, and how it went."""
    print(f"{action.slug if action else 'an unknown tool'}: {envelope.error or f'done in {seconds:.1f} s'}")


def main(question: str) -> None:
    """Answer a question, and show what was called for it."""
    if not os.environ.get("OPENROUTER_API_KEY"):
        raise SystemExit("Set OPENROUTER_API_KEY; a key is made at https://openrouter.ai/keys.")
    model = ChatOpenAI(
        model=MODEL,
        base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
        api_key=SecretStr(os.environ["OPENROUTER_API_KEY"]),
    )
    with ToolRegistry.from_manifest(allow=ACTIONS, after_execute=show) as registry:
        agent = create_agent(model, tools(registry), middleware=[answering_broken_calls()])
        state = agent.invoke({"messages": [{"role": "user", "content": question}]})
    print(state["messages"][-1].text)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or QUESTION)
