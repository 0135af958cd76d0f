"""An agent without any SDK: one of the toolkit's actions is the model, and two of them are its tools."""

import os
import sys
from typing import Any

from openrouter_toolkit import ToolRegistry

MODEL = os.environ.get("OPENROUTER_MODEL", "openai/gpt-4o-mini")
REQUEST = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"

registry = ToolRegistry.from_manifest(allow=["OPENROUTER_LIST_AVAILABLE_MODELS", "OPENROUTER_CREATE_CHAT_COMPLETION"])
question: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": REQUEST}]}
question["tools"] = registry.tools("openai")
for _ in range(10):
    envelope = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", question)
    if not envelope.successful:
        sys.exit(envelope.error)
    question["messages"] += registry.handle_tool_calls(envelope.json())
    if not envelope.tool_calls:
        print(envelope.text)
        break
    print(*(call.name for call in envelope.tool_calls))
else:
    print("The model found no end.")
