"""What a model's answer says, in each vendor's format: its text, its tool calls, its usage and its cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from decimal import Decimal

Format = Literal["openai", "openai-responses", "anthropic"]
# What marks the rows of the answers that hold no text, by the place of the rows: embeddings, documents by relevance.
_ROWS = {"data": "embedding", "results": "relevance_score"}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of a model; its arguments are JSON text or an object."""

    id: str
    name: str
    arguments: Any


def format_of(answer: Any) -> Format | None:
    """The format of an answer: OpenAI's chat completions or responses, or Anthropic's messages; None if none of them.

    Text completions have the format of chat completions.
    """
    if not isinstance(answer, Mapping):
        return None
    if isinstance(answer.get("choices"), list):
        return "openai"
    if isinstance(answer.get("output"), list):
        return "openai-responses"
    if isinstance(answer.get("content"), list) and answer.get("role") == "assistant":
        return "anthropic"
    return None


def is_of_model(answer: Any) -> bool:
    """Whether a model gave an answer: in one of the formats, or as embeddings or documents by relevance."""
    return format_of(answer) is not None or (
        isinstance(answer, Mapping)
        and any(mark in row for place, mark in _ROWS.items() for row in mappings(answer.get(place))[:1])
    )


def text_in(answer: Any) -> str | None:
    """What the model said, of several choices in the first one; None where it said nothing."""
    match format_of(answer):
        case "openai":
            content = message_in(answer).get("content")
            return _joined(content if content is not None else _first_choice(answer).get("text"))
        case "openai-responses":
            messages = [item for item in mappings(answer["output"]) if item.get("type") == "message"]
            return _joined([part for message in messages for part in mappings(message.get("content"))])
        case "anthropic":
            return _joined(answer["content"])
        case _:
            return None


def tool_calls_in(answer: Any) -> list[ToolCall]:
    """The tool calls in an answer, of several choices in the first one; their arguments are as the model wrote them."""
    match format_of(answer):
        case "openai":
            return [_chat_call(call) for call in mappings(message_in(answer).get("tool_calls"))]
        case "openai-responses":
            calls = [item for item in mappings(answer["output"]) if item.get("type") == "function_call"]
            return [_call(call, "call_id", call.get("arguments")) for call in calls]
        case "anthropic":
            calls = [block for block in mappings(answer["content"]) if block.get("type") == "tool_use"]
            return [_call(call, "id", call.get("partial_json", call.get("input"))) for call in calls]
        case _:
            return []


def parsed(call: ToolCall) -> ToolCall:
    """The call with its arguments parsed to an object, empty for none; text that is no JSON object stays as it is."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (TypeError, ValueError, RecursionError):
        return call
    return ToolCall(call.id, call.name, arguments) if isinstance(arguments, dict) else call


def usage_in(answer: Any) -> dict[str, Any] | None:
    """The answer's `usage`, with the names of its format; None if there is none."""
    usage = answer.get("usage") if is_of_model(answer) else None
    return usage if isinstance(usage, dict) else None


def cost_in(answer: Any) -> Decimal | None:
    """The cost in US dollars, if the answer was parsed with numbers as `Decimal`; None if it is unknown."""
    from decimal import Decimal

    cost = (usage_in(answer) or {}).get("cost")
    if isinstance(cost, bool) or not isinstance(cost, int | Decimal):
        return None
    return Decimal(cost)


def finish_reasons_in(answer: Any) -> list[str]:
    """Why the model stopped, of each choice; empty where the answer does not say it."""
    match format_of(answer):
        case "openai":
            reasons = [choice.get("finish_reason") for choice in mappings(answer["choices"])]
        case "anthropic":
            reasons = [answer.get("stop_reason")]
        case _:
            reasons = [answer.get("status")] if format_of(answer) else []
    return [reason for reason in reasons if isinstance(reason, str)]


def field_in(answer: Any, name: str) -> str | None:
    """A text among the answer's own fields, such as `model` or `id`; None if there is none."""
    value = answer.get(name) if is_of_model(answer) else None
    return value if isinstance(value, str) and value else None


def mappings(listed: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, without other values; an empty list if it is not a list."""
    return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []


def message_in(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The message of a chat completion's first choice; empty if there is none."""
    message = _first_choice(answer).get("message")
    return dict(message) if isinstance(message, Mapping) else {}


def _first_choice(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(mappings(answer["choices"])), {})


def _joined(content: Any) -> str | None:
    """A text, or the texts of a list of parts; None if there is no text."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    texts = [part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | Mapping)]
    found = [text for text in texts if isinstance(text, str)]
    return "".join(found) if found else None


def _chat_call(call: Mapping[str, Any]) -> ToolCall:
    function = call.get("function")
    function = function if isinstance(function, Mapping) else {}
    return ToolCall(str(call.get("id", "")), str(function.get("name", "")), function.get("arguments"))


def _call(item: Mapping[str, Any], id_name: str, arguments: Any) -> ToolCall:
    return ToolCall(str(item.get(id_name, "")), str(item.get("name", "")), arguments)
