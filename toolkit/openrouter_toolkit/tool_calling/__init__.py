"""Tool calling: tool definitions, tool calls and tool results in each vendor's format."""

from ..answer import ToolCall
from .definitions import FORMATS
from .responses import ToolResult, messages, read, read_async
from .schemas import SELECT, input_schema, original_names, why_not_strict

__all__ = [
    "FORMATS",
    "SELECT",
    "ToolCall",
    "ToolResult",
    "input_schema",
    "messages",
    "original_names",
    "read",
    "read_async",
    "why_not_strict",
]
