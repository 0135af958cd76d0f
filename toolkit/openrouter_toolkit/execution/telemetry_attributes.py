"""A call's attributes by OpenTelemetry's GenAI conventions; what was said only where the environment asks for it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .. import answer
from ..envelope import as_json
from ..text.redaction import redact_thoroughly
from .call_record import CallRecord

Attributes = dict[str, Any]

_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON_SPANS = ("true", "span_only", "span_and_event")
_NUMBERS = ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty")
# Each attribute, and the parameters that may have it.
_INTEGERS = {"max_tokens": ("max_tokens", "max_completion_tokens"), "seed": ("seed",)}
_DETAILS = {
    "cache_read.input_tokens": (("prompt_tokens_details", "cached_tokens"), ("cache_read_input_tokens",)),
    "cache_creation.input_tokens": (("prompt_tokens_details", "cache_write_tokens"), ("cache_creation_input_tokens",)),
    "reasoning.output_tokens": (("completion_tokens_details", "reasoning_tokens"),),
}


def span_name(record: CallRecord) -> str:
    """The operation, and what it is done with: `chat acme/atlas-small`, `execute_tool OPENROUTER_GET_CREDITS`."""
    if record.operation == "execute_tool":
        return f"execute_tool {record.name}" if record.action is not None else "execute_tool"
    return f"{record.operation} {record.request_model}" if record.request_model else record.operation


def common(record: CallRecord, provider: str) -> Attributes:
    """What is known when a call begins, and what metrics have too."""
    found: Attributes = {"gen_ai.operation.name": record.operation, "gen_ai.provider.name": provider}
    if record.operation == "execute_tool":
        found["gen_ai.tool.name"] = record.name
    elif record.request_model:
        found["gen_ai.request.model"] = record.request_model
    return found


def labels(record: CallRecord, begun: Mapping[str, Any]) -> Attributes:
    """The attributes of metrics: few values each, so no unknown slug."""
    found = dict(begun)
    if record.action is None:
        found.pop("gen_ai.tool.name", None)
    if record.operation != "execute_tool" and record.request_model:
        found["gen_ai.request.model"] = record.request_model
    model = record.answer.model if record.answer is not None else None
    return {**found, "gen_ai.response.model": model} if model else found


def request(record: CallRecord) -> Attributes:
    """What the call asked for, as the hooks left it."""
    found: Attributes = {
        "openrouter_toolkit.action": record.name,
        "user.id": record.user_id,
    }
    if record.operation == "execute_tool":
        return {**found, "gen_ai.tool.type": "function"}
    for name in _NUMBERS:
        if _is_number(value := record.argument(name)):
            found[f"gen_ai.request.{name}"] = float(value)
    for attribute, names in _INTEGERS.items():
        for name in names:
            if type(value := record.argument(name)) is int:
                found[f"gen_ai.request.{attribute}"] = value
    if type(count := record.argument("n")) is int and count != 1:
        found["gen_ai.request.choice.count"] = count
    stop = record.argument("stop") or record.argument("stop_sequences")
    if stop := [stop] if isinstance(stop, str) else _texts(stop):
        found["gen_ai.request.stop_sequences"] = stop
    if record.argument("stream") is True:
        found["gen_ai.request.stream"] = True
    if isinstance(session := record.argument("session_id"), str):
        found["gen_ai.conversation.id"] = session
    if record.request_model:
        found["gen_ai.request.model"] = record.request_model
    return found


def response(record: CallRecord) -> Attributes:
    """What came of it: the model, the reasons to finish, the tokens and the cost."""
    envelope = record.answer
    if envelope is None:
        return {}
    read, written = record.tokens
    found: Attributes = {
        "gen_ai.response.id": envelope.generation_id,
        "gen_ai.response.model": envelope.model,
        "gen_ai.response.finish_reasons": envelope.finish_reasons or None,
        "gen_ai.usage.input_tokens": read,
        "gen_ai.usage.output_tokens": written,
        "openrouter_toolkit.cost": None if envelope.cost is None else float(envelope.cost),
        **{f"gen_ai.usage.{name}": _count(envelope.usage, paths) for name, paths in _DETAILS.items()},
    }
    return {name: value for name, value in found.items() if value is not None}


def contents_wanted() -> bool:
    """Whether the environment asks for contents on spans."""
    return os.environ.get(_CAPTURE, "").strip().lower() in _ON_SPANS


def contents(record: CallRecord) -> Attributes:
    """What was said, as JSON text in the conventions' shapes. What looks like a key is redacted."""
    envelope = record.executed
    if record.operation == "execute_tool":
        result = None if envelope is None else envelope.data
        found = {"gen_ai.tool.call.arguments": record.arguments, "gen_ai.tool.call.result": result}
    else:
        found = {
            "gen_ai.system_instructions": _parts(record.argument("system")),
            "gen_ai.input.messages": _input_messages(record),
            "gen_ai.output.messages": [] if envelope is None else _output_messages(record),
            "gen_ai.tool.definitions": record.argument("tools"),
        }
    texts = {name: value if isinstance(value, str) else as_json(value) for name, value in found.items() if value}
    return {name: redact_thoroughly(text, ()) for name, text in texts.items()}


def _input_messages(record: CallRecord) -> list[dict[str, Any]]:
    prompt = record.argument("prompt")
    messages = [{"role": "user", "content": prompt}] if prompt else record.argument("messages")
    return [{"role": one.get("role"), "parts": _message_parts(one)} for one in answer.mappings(messages)]


def _message_parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    if message.get("role") == "tool":
        return [{"type": "tool_call_response", "id": message.get("tool_call_id"), "response": message.get("content")}]
    calls = []
    for call in answer.mappings(message.get("tool_calls")):
        function = call.get("function")
        named = function if isinstance(function, Mapping) else {}
        calls.append(_tool_call(call.get("id"), named.get("name"), named.get("arguments")))
    return [*_parts(message.get("content")), *calls]


def _parts(content: Any) -> list[dict[str, Any]]:
    """Content as parts: text as the conventions write it, others as they are."""
    listed = [{"type": "text", "text": content}] if isinstance(content, str) else answer.mappings(content)
    return [
        {"type": "text", "content": part.get("text")} if part.get("type") == "text" else dict(part) for part in listed
    ]


def _output_messages(record: CallRecord) -> list[dict[str, Any]]:
    envelope = record.executed
    if envelope is None:
        return []
    calls = [_tool_call(call.id, call.name, call.arguments) for call in envelope.tool_calls]
    parts = [*_parts(envelope.text or []), *calls]
    reason = next(iter(envelope.finish_reasons), "error" if not envelope.successful else "")
    return [{"role": "assistant", "parts": parts, "finish_reason": reason}] if parts else []


def _tool_call(identifier: Any, name: Any, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": identifier, "name": name, "arguments": arguments}


def _count(usage: Any, paths: Sequence[tuple[str, ...]]) -> int | None:
    """The first count that one of the paths leads to."""
    for path in paths:
        value = usage
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if type(value) is int:
            return value
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else []
