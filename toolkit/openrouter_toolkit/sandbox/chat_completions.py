"""The format of POST /chat/completions: complete and streamed answers."""

from collections.abc import Iterator
from itertools import zip_longest

from . import chat_requests
from .answers import pieces
from .completions import PICTURE, Completion
from .errors import ApiError, JsonObject, error_object, openrouter_body
from .formats import DONE, KEEP_ALIVE, frame
from .usage import openai_usage

_SIGNATURE = "c2FuZGJveA=="
_REASONING_FORMAT = "anthropic-claude-v1"
_KEEP_ALIVE_EVERY = 6

parse = chat_requests.parse
error_body = openrouter_body


def result(completion: Completion) -> JsonObject:
    """The complete answer, not streamed."""
    message: JsonObject = {
        "role": "assistant",
        "content": completion.text,
        "refusal": None,
        "reasoning": completion.reasoning,
    }
    if completion.reasoning is not None:
        message["reasoning_details"] = [_reasoning_detail(completion.reasoning, _SIGNATURE)]
    if completion.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "index": index,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_text},
            }
            for index, call in enumerate(completion.tool_calls)
        ]
    if completion.picture:
        message["images"] = [{"type": "image_url", "image_url": {"url": PICTURE}}]
    choices = [
        {"index": index, "logprobs": None, "message": message, **_finish(completion.finish_reason)}
        for index in range(completion.count)
    ]
    return {
        **_common_fields(completion, "chat.completion"),
        "system_fingerprint": None,
        "choices": choices,
        "usage": openai_usage(completion),
    }


def opening(completion: Completion) -> Iterator[str]:
    """The frames of a streamed answer up to its last text."""
    yield KEEP_ALIVE
    answers = [[(index, delta) for delta in _deltas(completion)] for index in range(completion.count)]
    for position, turn in enumerate(zip_longest(*answers)):
        if position % _KEEP_ALIVE_EVERY == _KEEP_ALIVE_EVERY - 1:
            yield KEEP_ALIVE
        for index, delta in turn:
            yield frame(_chunk(completion, [_choice(index, delta)]))


def ending(completion: Completion) -> Iterator[str]:
    """The frames after the last text: finish reason, usage and [DONE]."""
    finish = _finish(completion.finish_reason)
    choices = [{**_choice(index, {"content": ""}), **finish} for index in range(completion.count)]
    for choice in choices:
        yield frame(_chunk(completion, [choice]))
    yield frame({**_chunk(completion, choices), "usage": openai_usage(completion)})
    yield DONE


def broken_result(completion: Completion, error: ApiError) -> JsonObject:
    """An answer of status 200 with the error inside its choice."""
    failed = result(completion)
    failed["choices"][0].update({"error": error_object(error), **_finish("error")})
    return failed


def broken_ending(completion: Completion, error: ApiError) -> Iterator[str]:
    """A last chunk with an error at the top level."""
    choice = {**_choice(0, {"content": ""}), **_finish("error")}
    yield frame({**_chunk(completion, [choice]), "error": error_object(error)})
    yield DONE


def broken_choice_ending(completion: Completion, error: ApiError) -> Iterator[str]:
    """A last chunk with the error inside its choice."""
    choice = {**_choice(0, {"content": ""}), **_finish("error"), "error": error_object(error)}
    yield frame(_chunk(completion, [choice]))
    yield DONE


def _deltas(completion: Completion) -> Iterator[JsonObject]:
    if completion.reasoning is not None:
        for piece in pieces(completion.reasoning):
            yield {"content": "", "reasoning": piece, "reasoning_details": [_reasoning_detail(piece)]}
        yield {"content": "", "reasoning_details": [_reasoning_detail("", _SIGNATURE)]}
    for index, call in enumerate(completion.tool_calls):
        function = {"name": call.name, "arguments": ""}
        yield {
            "content": None,
            "tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}],
        }
        for piece in pieces(call.arguments_text):
            yield {"content": None, "tool_calls": [{"index": index, "function": {"arguments": piece}}]}
    for piece in pieces(completion.text):
        yield {"content": piece}
    if completion.picture:
        yield {"content": "", "images": [{"type": "image_url", "image_url": {"url": PICTURE}}]}


def _common_fields(completion: Completion, kind: str) -> JsonObject:
    return {
        "id": completion.id,
        "object": kind,
        "created": completion.created,
        "model": completion.model.id,
        "provider": completion.provider,
    }


def _chunk(completion: Completion, choices: list[JsonObject]) -> JsonObject:
    return {**_common_fields(completion, "chat.completion.chunk"), "choices": choices}


def _choice(index: int, delta: JsonObject) -> JsonObject:
    finish = {"finish_reason": None, "native_finish_reason": None}
    return {"index": index, "delta": {"role": "assistant", **delta}, **finish}


def _finish(reason: str) -> JsonObject:
    return {"finish_reason": reason, "native_finish_reason": reason}


def _reasoning_detail(text: str, signature: str | None = None) -> JsonObject:
    detail = {"type": "reasoning.text", "text": text, "format": _REASONING_FORMAT, "index": 0}
    return detail if signature is None else {**detail, "signature": signature}
