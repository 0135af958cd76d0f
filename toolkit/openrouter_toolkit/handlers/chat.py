"""Handlers of completions: chat, and the legacy text in, text out."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

from ..envelope import ActionError
from ..openrouter.streams.chat_stream import ChatStream
from ..text.sanitize import preview, short_name

if TYPE_CHECKING:
    from ..openrouter.client import BoundClient


def create_chat_completion(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """A chat completion (POST /chat/completions).

    The API no longer has `functions` and `function_call`: they become `tools` and `tool_choice`, and the model's
    calls come back as `tool_calls`.
    """
    return openrouter.complete("/chat/completions", _with_tools(arguments), lambda: ChatStream(_asked(arguments)))


def create_completion(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """A text completion (POST /completions, a legacy endpoint)."""
    return openrouter.complete("/completions", arguments, lambda: ChatStream(_asked(arguments)))


def _asked(arguments: dict[str, Any]) -> int:
    """How many choices a call asks for."""
    asked = arguments.get("n")
    return int(asked) if isinstance(asked, int | float) else 1


def _with_tools(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with functions as tools; what `tools` and `tool_choice` say already comes first."""
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
    """`none`, `auto`, `required`, or one function: as an object, as its text, or by its bare name."""
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
        f"Nothing was sent. function_call: {problem}. Mend it and call again.",
        problems=[{"path": "function_call", "problem": problem}],
    )


def _name_in(tool: Any) -> str | None:
    """The name of the function in a tool, or in a tool choice."""
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _read_object(text: str) -> Any:
    """The object that a text means: JSON, or with single quotes as Python prints it."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
    return None
