"""Handler for messages in Anthropic's format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..openrouter.streams.message_stream import MessageStream

if TYPE_CHECKING:
    from ..openrouter.client import BoundClient


def create_message(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """Create a message in Anthropic's format, with any model (POST /messages)."""
    return openrouter.complete("/messages", arguments, MessageStream)
