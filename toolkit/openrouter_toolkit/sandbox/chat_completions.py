"""The formats of POST /chat/completions and POST /completions: complete and streamed answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from .answers import pieces
from .completions import DONE, KEEP_ALIVE, Completion, Format, frame
from .errors import ApiError, JsonObject, error_object, openrouter_body
from .prompts import Prompt, parse_chat, parse_text

_SIGNATURE = "c2FuZGJveA=="
_KEEP_ALIVE_EVERY = 6


@dataclass(frozen=True)
class _Choices:
    """What the choices of the two formats hold.

    Attributes:
        object_name: the `object` of a complete answer, and of a chunk.
        whole: the content of a choice.
        deltas: the contents of a streamed choice, one after another.
        end: the content of a streamed choice's last chunk.
    """

    object_name: tuple[str, str]
    whole: Callable[[Completion], JsonObject]
    deltas: Callable[[Completion], Iterator[JsonObject]]
    end: JsonObject

    def format(self, parse: Callable[[JsonObject], Prompt]) -> Format:
        """The format with these choices."""
        return Format(
            parse, self.result, self.opening, self.ending, openrouter_body, self.failed_result, self.failed_ending
        )

    def result(self, completion: Completion) -> JsonObject:
        """The complete answer, not streamed."""
        whole = self.whole(completion)
        choices = [_choice(index, whole, completion.finish_reason) for index in range(completion.count)]
        common = _common_fields(completion, self.object_name[0])
        return {**common, "system_fingerprint": None, "choices": choices, "usage": _usage(completion)}

    def opening(self, completion: Completion) -> Iterator[str]:
        """The events of a streamed answer up to its last text."""
        yield KEEP_ALIVE
        answers = [[(index, delta) for delta in self.deltas(completion)] for index in range(completion.count)]
        for position, turn in enumerate(zip_longest(*answers)):
            if position % _KEEP_ALIVE_EVERY == _KEEP_ALIVE_EVERY - 1:
                yield KEEP_ALIVE
            for index, delta in turn:
                yield frame(self._chunk(completion, _choice(index, delta)))

    def ending(self, completion: Completion) -> Iterator[str]:
        """The events after the last text: finish reason, usage and [DONE]."""
        choices = [_choice(index, self.end, completion.finish_reason) for index in range(completion.count)]
        for choice in choices:
            yield frame(self._chunk(completion, choice))
        yield frame({**self._chunk(completion, *choices), "usage": _usage(completion)})
        yield DONE

    def failed_result(self, completion: Completion, error: ApiError) -> JsonObject:
        """An answer of status 200 with the error inside its choice."""
        choice = {**_choice(0, self.whole(completion), "error"), "error": error_object(error)}
        return {**self.result(completion), "choices": [choice]}

    def failed_ending(self, completion: Completion, error: ApiError, in_choice: bool) -> Iterator[str]:
        """A last chunk with an error, at the top level or inside its choice."""
        choice, problem = _choice(0, self.end, "error"), {"error": error_object(error)}
        if in_choice:
            yield frame(self._chunk(completion, choice | problem))
        else:
            yield frame(self._chunk(completion, choice) | problem)
        yield DONE

    def _chunk(self, completion: Completion, *choices: JsonObject) -> JsonObject:
        return {**_common_fields(completion, self.object_name[1]), "choices": list(choices)}


def _common_fields(completion: Completion, object_name: str) -> JsonObject:
    return {
        "id": completion.id,
        "object": object_name,
        "created": completion.created,
        "model": completion.model.id,
        "provider": completion.provider,
    }


def _choice(index: int, content: JsonObject, finish_reason: str | None = None) -> JsonObject:
    return {"index": index, **content, "finish_reason": finish_reason, "native_finish_reason": finish_reason}


def _usage(completion: Completion) -> JsonObject:
    prompt_details = ("cached_tokens", "cache_write_tokens", "audio_tokens", "video_tokens")
    return {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "total_tokens": completion.prompt_tokens + completion.completion_tokens,
        **completion.cost_fields,
        "prompt_tokens_details": dict.fromkeys(prompt_details, 0),
        "completion_tokens_details": {
            "reasoning_tokens": completion.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }


def _message(completion: Completion) -> JsonObject:
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
    if completion.images:
        message["images"] = completion.images
    return {"logprobs": None, "message": message}


def _delta(**content: object) -> JsonObject:
    return {"delta": {"role": "assistant", **content}}


def _message_deltas(completion: Completion) -> Iterator[JsonObject]:
    if completion.reasoning is not None:
        for piece in pieces(completion.reasoning):
            yield _delta(content="", reasoning=piece, reasoning_details=[_reasoning_detail(piece)])
        yield _delta(content="", reasoning_details=[_reasoning_detail("", _SIGNATURE)])
    for index, call in enumerate(completion.tool_calls):
        function = {"name": call.name, "arguments": ""}
        yield _delta(
            content=None, tool_calls=[{"index": index, "id": call.id, "type": "function", "function": function}]
        )
        for piece in pieces(call.arguments_text):
            yield _delta(content=None, tool_calls=[{"index": index, "function": {"arguments": piece}}])
    for piece in pieces(completion.text):
        yield _delta(content=piece)
    if completion.images:
        yield _delta(content="", images=completion.images)


def _reasoning_detail(text: str, signature: str | None = None) -> JsonObject:
    detail = {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0}
    return detail if signature is None else {**detail, "signature": signature}


def _text(text: str) -> JsonObject:
    return {"text": text, "logprobs": None}


CHAT_COMPLETIONS = _Choices(
    ("chat.completion", "chat.completion.chunk"), _message, _message_deltas, _delta(content="")
).format(parse_chat)
TEXT_COMPLETIONS = _Choices(
    ("text_completion", "text_completion"),
    lambda completion: _text(completion.text),
    lambda completion: map(_text, pieces(completion.text)),
    _text(""),
).format(parse_text)
