"""What models are given and what they give back: definitions, tool calls and results, format by format."""

from .definitions import FORMATS
from .responses import ToolCall, ToolResult, messages, read
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
    "why_not_strict",
]
