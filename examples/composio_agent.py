"""An agent on Composio's current package (0.30): the toolkit's tools in its OpenAI provider, without Composio's key."""

import json
import os
from typing import Any

from composio_openai import OpenAIProvider
from openai import OpenAI

from openrouter_toolkit import Action, Envelope, ToolRegistry
from openrouter_toolkit.agents.composio.providers import attach

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
provider = OpenAIProvider()
client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ["OPENROUTER_API_KEY"],
)
tools = attach(provider, registry)
conversation: list[Any] = [{"role": "user", "content": REQUEST}]
for _ in range(10):
    answer = client.chat.completions.create(model=MODEL, messages=conversation, tools=tools)
    message = answer.choices[0].message
    if not message.tool_calls:
        print(message.content)
        break
    conversation.append(message.model_dump(exclude_none=True))
    results = provider.handle_tool_calls(user_id="default", response=answer)
    for call, result in zip(message.tool_calls, results, strict=True):
        conversation.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
else:
    print("The model found no end.")
