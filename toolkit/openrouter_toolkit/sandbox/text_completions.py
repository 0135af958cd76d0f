"""The format of POST /completions: a text prompt and a text answer."""

from collections.abc import Iterator

from .answers import pieces
from .completions import Completion
from .errors import ApiError, JsonObject, error_object, openrouter_body
from .formats import DONE, KEEP_ALIVE, frame
from .parameters import COMPLETIONS, check_parameters
from .prompts import Prompt, length_limit, requested_models, stop_sequences
from .usage import openai_usage

error_body = openrouter_body


def parse(body: JsonObject) -> Prompt:
    """The prompt of a request body. Raises ApiError 400 for an invalid body."""
    check_parameters(body, COMPLETIONS)
    value = body.get("prompt")
    prompts = [value] if isinstance(value, str) else value
    if not isinstance(prompts, list) or not prompts or not all(isinstance(text, str) for text in prompts):
        raise ApiError(400, "prompt: required, a text or a list of texts")
    question = "\n".join(prompts)
    return Prompt(
        models=requested_models(body),
        question=question,
        characters=len(question),
        stream=body.get("stream") is True,
        max_tokens=length_limit(body, "max_tokens"),
        stop=stop_sequences(body.get("stop")),
        choices=int(body.get("n") or 1),
    )


def result(completion: Completion) -> JsonObject:
    """The complete answer, not streamed."""
    choices = [_choice(index, completion.text, completion.finish_reason) for index in range(completion.count)]
    return {**_object(completion, choices), "system_fingerprint": None, "usage": openai_usage(completion)}


def opening(completion: Completion) -> Iterator[str]:
    """The frames of a streamed answer up to its last text."""
    yield KEEP_ALIVE
    for piece in pieces(completion.text):
        for index in range(completion.count):
            yield frame(_object(completion, [_choice(index, piece, None)]))


def ending(completion: Completion) -> Iterator[str]:
    """The frames after the last text: finish reason, usage and [DONE]."""
    choices = [_choice(index, "", completion.finish_reason) for index in range(completion.count)]
    yield frame(_object(completion, choices))
    yield frame({**_object(completion, choices), "usage": openai_usage(completion)})
    yield DONE


def broken_result(completion: Completion, error: ApiError) -> JsonObject:
    """An answer of status 200 with the error inside its choice."""
    choice = {**_choice(0, completion.text, "error"), "error": error_object(error)}
    return {**result(completion), "choices": [choice]}


def broken_ending(completion: Completion, error: ApiError) -> Iterator[str]:
    """A last chunk with an error at the top level."""
    yield frame({**_object(completion, [_choice(0, "", "error")]), "error": error_object(error)})
    yield DONE


def broken_choice_ending(completion: Completion, error: ApiError) -> Iterator[str]:
    """A last chunk with the error inside its choice."""
    yield frame(_object(completion, [{**_choice(0, "", "error"), "error": error_object(error)}]))
    yield DONE


def _object(completion: Completion, choices: list[JsonObject]) -> JsonObject:
    return {
        "id": completion.id,
        "object": "text_completion",
        "created": completion.created,
        "model": completion.model.id,
        "provider": completion.provider,
        "choices": choices,
    }


def _choice(index: int, text: str, finish_reason: str | None) -> JsonObject:
    finish = {"finish_reason": finish_reason, "native_finish_reason": finish_reason}
    return {"index": index, "text": text, "logprobs": None, **finish}
