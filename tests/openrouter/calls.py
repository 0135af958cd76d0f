"""Calls as an agent makes them, and what their envelopes say."""

from __future__ import annotations

from typing import Any

from openrouter_toolkit import Envelope, ToolRegistry

KEY = "sk-or-v1-" + "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
MESSAGE = "OPENROUTER_CREATE_MESSAGE"
READ = "OPENROUTER_GET_CURRENT_KEY"
GENERATION = "OPENROUTER_GET_GENERATION"
CHARGE = "OPENROUTER_CREATE_COINBASE_CHARGE"
MODELS = "OPENROUTER_LIST_AVAILABLE_MODELS"

USER = {"role": "user", "content": "Hello there"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    CHAT: {"model": "acme/atlas-small", "messages": [USER]},
    MESSAGE: {"model": "acme/atlas-small", "messages": [USER], "max_tokens": 50},
    READ: {},
    MODELS: {},
    GENERATION: {"id": "gen-1"},
    CHARGE: {"amount": 5, "sender": "0x" + "ab" * 20, "chain_id": 1},
}


def call(registry: ToolRegistry, slug: str = READ, *, timeout: float | None = 20, **more: Any) -> Envelope:
    """Execute an action with arguments that fit; further ones are added. `on_event` goes to the registry."""
    on_event = more.pop("on_event", None)
    return registry.execute(slug, {**ARGUMENTS[slug], **more}, timeout=timeout, on_event=on_event)


def text_of(result: Any) -> Any:
    """The text of a chat completion or message."""
    if "choices" in result:
        return result["choices"][0]["message"]["content"]
    return "".join(block.get("text", "") for block in result["content"])
