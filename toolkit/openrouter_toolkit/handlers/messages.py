"""Handler of messages in Anthropic's format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..openrouter.message_stream import MessageStream

if TYPE_CHECKING:
    from ..openrouter.client import OpenRouterCall


def create_message(arguments: dict[str, Any], openrouter: OpenRouterCall) -> str:
    """A message in Anthropic's format, from any model (POST /messages)."""
    return openrouter.complete("/messages", arguments, MessageStream)
