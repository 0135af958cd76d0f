"""Reads the tool calls of a model's answer, and writes their results as messages, in each vendor's format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..envelope import Envelope


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of a model; its arguments are JSON text or an object."""

    id: str
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a tool call.

    Attributes:
        call: the call.
        text: the text for the model: the answer, as a summary if the action has one, or the error.
        envelope: the full answer.
    """

    call: ToolCall
    text: str
    envelope: Envelope

    @property
    def failed(self) -> bool:
        """Whether the call failed."""
        return not self.envelope.successful


def read(response: Any) -> tuple[str, dict[str, Any], list[ToolCall]]:
    """Return the format of an answer, the answer as a dict, and its tool calls.

    Raises:
        TypeError: it is not an answer of OpenAI's chat completions or responses, or of Anthropic's messages.
    """
    answer = _as_dict(response)
    if isinstance(answer.get("choices"), list):
        return "openai", answer, _openai_calls(answer)
    if isinstance(answer.get("output"), list):
        return "openai-responses", answer, _calls(answer["output"], "call_id", "arguments", "function_call")
    if isinstance(answer.get("content"), list) and answer.get("role") == "assistant":
        return "anthropic", answer, _calls(answer["content"], "id", "input", "tool_use")
    raise TypeError(
        "wanted the answer of OpenAI's chat completions or responses, or of Anthropic's messages, "
        f"as the SDK's object or its dict, not {type(response).__name__}"
    )


def messages(format_name: str, answer: dict[str, Any], results: list[ToolResult]) -> list[dict[str, Any]]:
    """Return the messages for the conversation: the assistant's own, unchanged, and the results."""
    return _MESSAGES[format_name](answer, results)


def _as_dict(response: Any) -> dict[str, Any]:
    """Convert the SDK's object to a dict with all fields, including those unknown to the SDK, without nulls."""
    if isinstance(response, Mapping):
        return dict(response)
    dump = getattr(response, "model_dump", None)
    if dump is None:
        return {}
    dumped: dict[str, Any] = dump(exclude_none=True, mode="json", warnings=False)
    return dumped


def _mappings(listed: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list, without other values; an empty list if it is not a list."""
    return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []


def _calls(items: Any, id_name: str, arguments_name: str, kind: str | None = None) -> list[ToolCall]:
    """Return the tool calls in a list of objects; of those with `kind` as their type, if it is given."""
    return [
        ToolCall(str(item.get(id_name, "")), str(item.get("name", "")), item.get(arguments_name))
        for item in _mappings(items)
        if kind is None or item.get("type") == kind
    ]


def _openai_message(answer: dict[str, Any]) -> dict[str, Any]:
    choices = _mappings(answer["choices"])
    message = choices[0].get("message") if choices else None
    return dict(message) if isinstance(message, Mapping) else {}


def _openai_calls(answer: dict[str, Any]) -> list[ToolCall]:
    calls = _mappings(_openai_message(answer).get("tool_calls"))
    functions = [(call, call.get("function")) for call in calls]
    flat = [{**(f if isinstance(f, Mapping) else {}), "id": call.get("id", "")} for call, f in functions]
    return _calls(flat, "id", "arguments")


def _openai_messages(answer: dict[str, Any], results: list[ToolResult]) -> list[dict[str, Any]]:
    message = {k: v for k, v in _openai_message(answer).items() if v is not None or k == "content"}
    appended = [{"role": "tool", "tool_call_id": result.call.id, "content": result.text} for result in results]
    return [message, *appended] if message else appended


def _responses_messages(answer: dict[str, Any], results: list[ToolResult]) -> list[dict[str, Any]]:
    output = [
        {name: value for name, value in item.items() if value is not None} for item in _mappings(answer["output"])
    ]
    appended = [{"type": "function_call_output", "call_id": r.call.id, "output": r.text} for r in results]
    return [*output, *appended]


def _anthropic_messages(answer: dict[str, Any], results: list[ToolResult]) -> list[dict[str, Any]]:
    message = {"role": "assistant", "content": answer["content"]}
    appended = [
        {"type": "tool_result", "tool_use_id": result.call.id, "content": result.text, "is_error": result.failed}
        for result in results
    ]
    return [message, {"role": "user", "content": appended}] if appended else [message]


_MESSAGES = {"openai": _openai_messages, "openai-responses": _responses_messages, "anthropic": _anthropic_messages}
