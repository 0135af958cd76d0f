"""Handler for messages in Anthropic's format."""

from __future__ import annotations

from typing import Any

from ..openrouter.client import BoundClient
from ..openrouter.streams.message_stream import MessageStream
from ..steps import Answer


def create_message(arguments: dict[str, Any], openrouter: BoundClient) -> Answer:
    """Create a message in Anthropic's format, with any model (POST /messages)."""
    return openrouter.complete("/messages", arguments, MessageStream)
