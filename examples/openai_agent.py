"""An agent on OpenAI's chat completions: the openai client, pointed at OpenRouter, calls the toolkit's tools."""

import os
from typing import Any

from openai import OpenAI

from openrouter_toolkit import Action, Envelope, ToolRegistry

MODEL = os.environ.get("OPENROUTER_MODEL", "openai/gpt-4o-mini")
REQUEST = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"


def show(action: Action | None, envelope: Envelope, seconds: float) -> None:
    """Print which tool was called, and how it went."""
    print(f"{action.slug if action else 'an unknown tool'}: {envelope.error or f'done in {seconds:.1f} s'}")


if not os.environ.get("OPENROUTER_API_KEY"):
    raise SystemExit("Set OPENROUTER_API_KEY; a key is made at https://openrouter.ai/keys.")
registry = ToolRegistry.from_manifest(
    allow=["OPENROUTER_LIST_AVAILABLE_MODELS", "OPENROUTER_CREATE_CHAT_COMPLETION"], after_execute=show
)
client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ["OPENROUTER_API_KEY"],
)
tools: Any = registry.tools("openai")
conversation: list[Any] = [{"role": "user", "content": REQUEST}]
for _ in range(10):
    answer = client.chat.completions.create(model=MODEL, messages=conversation, tools=tools)
    conversation += registry.handle_tool_calls(answer)
    if not answer.choices[0].message.tool_calls:
        print(answer.choices[0].message.content)
        break
else:
    print("The model found no end.")
