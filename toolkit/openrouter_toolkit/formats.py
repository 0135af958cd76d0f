"""Vendor formats of tool definitions, tool calls and results, for hosts that use them without a registry."""

from .tool_calling import (
    FORMATS,
    SELECT,
    ToolCall,
    ToolResult,
    input_schema,
    messages,
    original_names,
    read,
    why_not_strict,
)

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
