"""The format of POST /messages: Anthropic's format with OpenRouter's additions."""

import json
from collections.abc import Iterator
from typing import Any

from .answers import pieces
from .completions import KEEP_ALIVE, Completion, Format, frame
from .errors import ApiError, JsonObject, anthropic_body
from .prompts import parse_messages

_SIGNATURE = "c2FuZGJveA=="
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_EMPTY = {"text": "", "thinking": "", "signature": "", "input": {}}


def _result(completion: Completion) -> JsonObject:
    return {
        **_message(completion),
        "content": _blocks(completion),
        "stop_reason": _stop_reason(completion),
        "stop_sequence": completion.stopped_at,
        "usage": {**_usage(completion), **completion.cost_fields},
    }


def _opening(completion: Completion) -> Iterator[str]:
    """The events up to the last text; the last block is not closed yet."""
    yield KEEP_ALIVE
    started = {**_usage(completion), "output_tokens": 0}
    yield _event("message_start", message={**_message(completion), "content": [], "usage": started})
    for index, block in enumerate(_blocks(completion)):
        if index:
            yield _event("content_block_stop", index=index - 1)
        empty = {name: _EMPTY.get(name, value) for name, value in block.items()}
        yield _event("content_block_start", index=index, content_block=empty)
        if not index:
            yield _event("ping")
        for delta in _deltas(block):
            yield _event("content_block_delta", index=index, delta=delta)


def _ending(completion: Completion) -> Iterator[str]:
    yield _event("content_block_stop", index=len(_blocks(completion)) - 1)
    usage = {**_usage(completion), **completion.cost_fields}
    stop = {"stop_reason": _stop_reason(completion), "stop_sequence": completion.stopped_at}
    yield _event("message_delta", delta={**stop, "stop_details": None, "container": None}, usage=usage)
    yield _event("message_stop")


def _failed_ending(completion: Completion, error: ApiError, in_choice: bool) -> Iterator[str]:
    yield _event("error", error=anthropic_body(error)["error"])


def _event(kind: str, **fields: Any) -> str:
    return frame({"type": kind, **fields}, kind)


def _message(completion: Completion) -> JsonObject:
    return {
        "id": completion.id,
        "type": "message",
        "role": "assistant",
        "model": completion.model.id,
        "provider": completion.provider,
        "container": None,
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }


def _blocks(completion: Completion) -> list[JsonObject]:
    blocks: list[JsonObject] = []
    if completion.reasoning is not None:
        blocks.append({"type": "thinking", "thinking": completion.reasoning, "signature": _SIGNATURE})
    if completion.text or not completion.tool_calls:
        blocks.append({"type": "text", "text": completion.text, "citations": None})
    for call in completion.tool_calls:
        named = {"id": call.id, "name": call.name}
        blocks.append({"type": "tool_use", **named, "input": call.arguments, "caller": {"type": "direct"}})
    return blocks


def _deltas(block: JsonObject) -> Iterator[JsonObject]:
    if block["type"] == "thinking":
        for piece in pieces(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "text":
        for piece in pieces(block["text"]):
            yield {"type": "text_delta", "text": piece}
    else:
        arguments = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
        for piece in ["", *pieces(arguments)]:
            yield {"type": "input_json_delta", "partial_json": piece}


def _usage(completion: Completion) -> JsonObject:
    """Usage without the cost."""
    return {
        "input_tokens": completion.prompt_tokens,
        "output_tokens": completion.completion_tokens,
        "output_tokens_details": {"thinking_tokens": completion.reasoning_tokens},
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": None,
        "inference_geo": None,
        "server_tool_use": None,
        "service_tier": "standard",
    }


def _stop_reason(completion: Completion) -> str:
    if completion.stopped_at:
        return "stop_sequence"
    return _STOP_REASONS.get(completion.finish_reason, completion.finish_reason)


# An error body stands in for a message that failed, because the format has no partial messages.
MESSAGES = Format(
    parse_messages, _result, _opening, _ending, anthropic_body, lambda _, error: anthropic_body(error), _failed_ending
)
