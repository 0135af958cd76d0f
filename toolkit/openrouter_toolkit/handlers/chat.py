"""Handlers for chat completions and legacy text completions."""

from __future__ import annotations

import ast
import json
from typing import Any

from ..envelope import ActionError
from ..openrouter.client import BoundClient
from ..openrouter.streams.chat_stream import ChatStream
from ..steps import Answer
from ..text.sanitize import preview, short_name


def create_chat_completion(arguments: dict[str, Any], openrouter: BoundClient) -> Answer:
    """Create a chat completion (POST /chat/completions).

    The API no longer has `functions` and `function_call`: they are sent as `tools` and `tool_choice`, and the
    model's calls are returned as `tool_calls`.
    """
    return openrouter.complete(
        "/chat/completions", _with_tools(arguments), lambda: ChatStream(_choice_count(arguments))
    )


def create_completion(arguments: dict[str, Any], openrouter: BoundClient) -> Answer:
    """Create a text completion (POST /completions, a legacy endpoint)."""
    return openrouter.complete("/completions", arguments, lambda: ChatStream(_choice_count(arguments)))


def _choice_count(arguments: dict[str, Any]) -> int:
    """Return the number of choices that a call requests."""
    count = arguments.get("n")
    return int(count) if isinstance(count, int | float) else 1


def _with_tools(arguments: dict[str, Any]) -> dict[str, Any]:
    """Convert `functions` and `function_call`; existing `tools` come first, an existing `tool_choice` is kept."""
    body = dict(arguments)
    functions = body.pop("functions", None)
    function_call = body.pop("function_call", None)
    if functions:
        tools = [{"type": "function", "function": function} for function in functions]
        body["tools"] = [*(body.get("tools") or ()), *tools]
    if function_call is not None and body.get("tool_choice") is None and body.get("tools"):
        body["tool_choice"] = _tool_choice(function_call, body["tools"])
    return body


def _tool_choice(function_call: Any, tools: list[dict[str, Any]]) -> Any:
    """Convert `function_call`: `none`, `auto`, `required`, or a function as an object, as JSON text, or by its name."""
    if function_call in ("none", "auto", "required"):
        return function_call
    names = [name for tool in tools if (name := _name_in(tool)) is not None]
    name = function_call
    if isinstance(function_call, str) and function_call.strip().startswith("{"):
        name = _read_object(function_call)
    if isinstance(name, dict):
        name = name.get("name") or _name_in(name)
    if isinstance(name, str) and name in names:
        return {"type": "function", "function": {"name": name}}
    problem = (
        f'given {preview(function_call)}, wanted none, auto, or {{"name": ...}} with one of '
        f"{', '.join(map(short_name, names))}"
    )
    raise ActionError(
        "invalid_arguments",
        f"function_call: {problem}",
        f"Nothing was sent. function_call: {problem}. Fix it and call again.",
        problems=[{"path": "function_call", "problem": problem}],
    )


def _name_in(tool: Any) -> str | None:
    """Return the name of the function in a tool or a tool choice, or None."""
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _read_object(text: str) -> Any:
    """Parse a text as JSON, or with single quotes as Python prints objects; None if it is neither."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
    return None
