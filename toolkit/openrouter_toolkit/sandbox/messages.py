"""The format of POST /messages: Anthropic's format with OpenRouter's additions."""

import json
from collections.abc import Iterator
from typing import Any

from .answers import pieces
from .completions import Completion
from .conversations import MESSAGES_ROLES, conversation, last_question, parts, rounds_since_question, text_of
from .errors import ApiError, JsonObject, anthropic_body
from .formats import KEEP_ALIVE, frame
from .parameters import MESSAGES, check_parameters, is_integer
from .prompts import Prompt, Tool, length_limit, parse_tool, requested_models, stop_sequences
from .usage import anthropic_usage, cost_fields

_SIGNATURE = "c2FuZGJveA=="
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_EMPTY = {"text": "", "thinking": "", "signature": "", "input": {}}

error_body = anthropic_body


def parse(body: JsonObject) -> Prompt:
    """The prompt of a request body. Raises ApiError 400 for an invalid body."""
    check_parameters(body, MESSAGES)
    messages = conversation(body, MESSAGES_ROLES)
    tools = _tools(body.get("tools"))
    choice = body.get("tool_choice") or {}
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled" and not is_integer(thinking.get("budget_tokens")):
        raise ApiError(400, "thinking.budget_tokens: required, an integer")
    last = parts(messages[-1].get("content"))
    texts = [body.get("system"), *(message.get("content") for message in messages)]
    return Prompt(
        models=requested_models(body),
        question=last_question(messages),
        characters=sum(len(text_of(text)) for text in texts)
        + sum(len(json.dumps(tool.parameters)) + len(tool.description) for tool in tools),
        stream=body.get("stream") is True,
        rounds=rounds_since_question(messages),
        tool_results=tuple(text_of(part.get("content")) for part in last if part.get("type") == "tool_result"),
        tools=tools,
        tool_choice=_tool_choice(choice),
        parallel=choice.get("disable_parallel_tool_use") is not True,
        max_tokens=length_limit(body, "max_tokens"),
        stop=stop_sequences(body.get("stop_sequences")),
        wants_reasoning=thinking.get("type") in {"enabled", "adaptive"},
        answer_schema=_answer_schema(body.get("output_config")),
        has_image=any(part.get("type") == "image" for message in messages for part in parts(message.get("content"))),
    )


def result(completion: Completion) -> JsonObject:
    """The complete answer, not streamed."""
    return {
        **_message(completion),
        "content": _blocks(completion),
        "stop_reason": _stop_reason(completion),
        "stop_sequence": completion.stopped_at,
        "usage": {**anthropic_usage(completion), **cost_fields(completion)},
    }


def opening(completion: Completion) -> Iterator[str]:
    """The frames of a streamed answer up to its last text; the last block is not closed yet."""
    yield KEEP_ALIVE
    started = {**anthropic_usage(completion), "output_tokens": 0}
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


def ending(completion: Completion) -> Iterator[str]:
    """The frames after the last text."""
    yield _event("content_block_stop", index=len(_blocks(completion)) - 1)
    usage = {**anthropic_usage(completion), **cost_fields(completion)}
    stop = {"stop_reason": _stop_reason(completion), "stop_sequence": completion.stopped_at}
    yield _event("message_delta", delta={**stop, "stop_details": None, "container": None}, usage=usage)
    yield _event("message_stop")


def broken_result(completion: Completion, error: ApiError) -> JsonObject:
    """An error body instead of a message, because the format has no partial messages."""
    return anthropic_body(error)


def broken_ending(completion: Completion, error: ApiError) -> Iterator[str]:
    """The event that reports an error."""
    yield _event("error", error=anthropic_body(error)["error"])


broken_choice_ending = broken_ending


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


def _stop_reason(completion: Completion) -> str:
    return (
        "stop_sequence"
        if completion.stopped_at
        else _STOP_REASONS.get(completion.finish_reason, completion.finish_reason)
    )


def _tools(declared: Any) -> tuple[Tool, ...]:
    """The tools that the client runs. Tools that run at the provider have another type and are left out."""
    if declared is None:
        return ()
    if not isinstance(declared, list):
        raise ApiError(400, "tools: must be a list")
    for position, tool in enumerate(declared):
        if not isinstance(tool, dict) or (_is_custom(tool) and not isinstance(tool.get("input_schema"), dict)):
            raise ApiError(400, f"tools.{position}: must be an object with a type of its own, or with an input_schema")
    return tuple(
        parse_tool(tool, "input_schema", f"tools.{position}")
        for position, tool in enumerate(declared)
        if _is_custom(tool)
    )


def _is_custom(tool: JsonObject) -> bool:
    return tool.get("type") in (None, "custom")


def _tool_choice(choice: JsonObject) -> str:
    kind = choice.get("type", "auto")
    if kind != "tool":
        return "required" if kind == "any" else str(kind)
    if not isinstance(choice.get("name"), str):
        raise ApiError(400, "tool_choice.name: required, a text")
    return str(choice["name"])


def _answer_schema(output_config: Any) -> JsonObject | None:
    wanted = output_config.get("format") if isinstance(output_config, dict) else None
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    return schema if isinstance(schema, dict) else None
