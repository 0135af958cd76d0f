"""The answer to a prompt, independent of its format: text, reasoning, tool calls, tokens and cost."""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from .answers import ToolCall, answer_text, choose_calls, pieces, reasoning_text
from .connection import Connection
from .errors import ApiError, JsonObject
from .models import Model, no_endpoints
from .prompts import Prompt

KEEP_ALIVE = ": OPENROUTER PROCESSING\n\n"
DONE = "data: [DONE]\n\n"
EVENT_STREAM = "text/event-stream"
# An image of one pixel, for models with image output.
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAA"
    "AABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Completion:
    """One generation.

    Attributes:
        finish_reason: stop, length, tool_calls, or what a script says.
        stopped_at: the stop sequence that ended the text, if one did.
        cached_from: the id of the original generation, if the answer came from the response cache.
    """

    id: str
    model: Model
    prompt: Prompt
    text: str
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    stopped_at: str | None = None
    cached_from: str | None = None
    created: int = field(default_factory=lambda: int(time.time()))
    started_at: float = field(default_factory=time.monotonic)

    @property
    def count(self) -> int:
        """The number of choices (`n`), all with the same answer."""
        return self.prompt.choices

    @property
    def prompt_tokens(self) -> int:
        """The tokens of the prompt; none if the answer came from the response cache."""
        return 0 if self.cached_from else self.prompt.tokens

    @property
    def reasoning_tokens(self) -> int:
        """The tokens of the reasoning, in all choices."""
        return 0 if self.cached_from else len(pieces(self.reasoning or "")) * self.count

    @property
    def completion_tokens(self) -> int:
        """The tokens of all choices, reasoning included."""
        calls = sum(len(pieces(call.name + call.arguments_text)) for call in self.tool_calls)
        written = 0 if self.cached_from else (len(pieces(self.text)) + calls) * self.count
        return written + self.reasoning_tokens

    @property
    def provider(self) -> str:
        """The name of the provider that answered."""
        return self.model.providers[0].name

    @property
    def prompt_cost(self) -> float:
        """The cost of the prompt's tokens, in US dollars."""
        return round(self.prompt_tokens * float(self.model.prompt_price), 12)

    @property
    def completion_cost(self) -> float:
        """The cost of the answer's tokens, in US dollars."""
        return round(self.completion_tokens * float(self.model.completion_price), 12)

    @property
    def cost(self) -> float:
        """The total cost of the generation, in US dollars."""
        return round(self.prompt_cost + self.completion_cost, 12)

    @property
    def images(self) -> list[JsonObject]:
        """The picture of a model with image output, if the request asks for one."""
        wanted = self.prompt.wants_image and "image" in self.model.output_modalities
        return [{"type": "image_url", "image_url": {"url": PICTURE}}] if wanted else []

    @property
    def cost_fields(self) -> JsonObject:
        """The fields that OpenRouter adds to the usage of every format."""
        return {
            "cost": self.cost,
            "is_byok": False,
            "cost_details": {
                "upstream_inference_cost": self.cost,
                "upstream_inference_prompt_cost": self.prompt_cost,
                "upstream_inference_completions_cost": self.completion_cost,
            },
        }


@dataclass(frozen=True)
class Format:
    """A format of requests and answers: /chat/completions, /messages or /completions.

    Attributes:
        parse: the prompt of a request's body; raises ApiError 400.
        result: the complete answer, not streamed.
        opening: the events of a streamed answer up to its last text.
        ending: the events after the last text.
        error_body: the body of an error response.
        failed_result: an answer of status 200 whose body reports that generation failed midway.
        failed_ending: the events that end a stream with an error; inside a choice, if the format supports that.
    """

    parse: Callable[[JsonObject], Prompt]
    result: Callable[[Completion], JsonObject]
    opening: Callable[[Completion], Iterator[str]]
    ending: Callable[[Completion], Iterator[str]]
    error_body: Callable[[ApiError], JsonObject]
    failed_result: Callable[[Completion, ApiError], JsonObject]
    failed_ending: Callable[[Completion, ApiError, bool], Iterator[str]]


def frame(data: JsonObject, event: str | None = None) -> str:
    """One server-sent event."""
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {json.dumps(data, ensure_ascii=False)}\n\n"


@dataclass(frozen=True)
class Answer:
    """An answer to be written: its connection, format, content, whether to stream it, and the delay per chunk."""

    connection: Connection
    format: Format
    completion: Completion
    stream: bool
    chunk_delay: float = 0.0

    def write(self, pieces: Iterable[str | bytes]) -> None:
        """Write chunks of a started answer, each followed by the delay."""
        for piece in pieces:
            self.connection.write(piece)
            self.connection.wait(self.chunk_delay)

    def start(self) -> None:
        """Send the headers; of a stream, also the events up to the last text."""
        self.connection.start(content_type=EVENT_STREAM if self.stream else "application/json")
        if self.stream:
            self.write(self.format.opening(self.completion))

    def end(self) -> None:
        """Send the rest of a stream, or else the complete answer."""
        if self.stream:
            for event in self.format.ending(self.completion):
                self.connection.write(event)
            self.connection.finish_answer()
        else:
            self.connection.send_json(200, self.format.result(self.completion))

    def fail(self, error: ApiError, *, in_choice: bool = False) -> None:
        """End with an error after the text of a stream; without a stream, send only the error."""
        if self.stream:
            self.start()
            self.write(self.format.failed_ending(self.completion, error, in_choice))
            self.connection.finish_answer()
        elif in_choice:
            self.connection.send_json(200, self.format.failed_result(self.completion, error))
        else:
            self.send_error(error, error.status)

    def send_error(self, error: ApiError, status: int) -> None:
        """Send only an error."""
        self.connection.answer_headers.update(error.headers)
        self.connection.send_json(status, self.format.error_body(error))

    def cut(self) -> None:
        """Close the connection after the text of a stream; without a stream, in the middle of the answer."""
        self.start()
        if not self.stream:
            serialized = json.dumps(self.format.result(self.completion))
            self.write([serialized[: len(serialized) // 2]])
        self.connection.cut()


def new_generation_id() -> str:
    """A unique generation id."""
    return f"gen-{int(time.time())}-{secrets.token_hex(10)}"


def complete(prompt: Prompt, model: Model, generation_id: str) -> Completion:
    """Answer a prompt as a model would. Raises ApiError if the model lacks what it needs (context, tools, images)."""
    _check_abilities(prompt, model)
    calls = choose_calls(prompt)
    reasons = "reasoning" in model.abilities and (prompt.wants_reasoning or model.reasoning_mandatory)
    thought = pieces(reasoning_text(prompt))[: prompt.max_tokens] if reasons else []
    tokens_left = None if prompt.max_tokens is None else prompt.max_tokens - len(thought)
    words, finish_reason, stopped_at = _limit("" if calls else answer_text(prompt), prompt, tokens_left)
    return Completion(
        generation_id,
        model,
        prompt,
        words,
        "".join(thought) if reasons else None,
        tuple(calls),
        "tool_calls" if calls else finish_reason,
        stopped_at,
    )


def _limit(text: str, prompt: Prompt, tokens_left: int | None) -> tuple[str, str, str | None]:
    """The text, cut at the first stop sequence or after `tokens_left` tokens, and why it ended."""
    found = [(text.index(word), word) for word in prompt.stop if word in text]
    position, stopped_at = min(found, default=(len(text), None))
    written = pieces(text[:position])
    if tokens_left is not None and len(written) > tokens_left:
        return "".join(written[:tokens_left]), "length", None
    return text[:position], "stop", stopped_at


def _check_abilities(prompt: Prompt, model: Model) -> None:
    if prompt.tokens > model.context_length:
        raise ApiError(
            400,
            f"This endpoint's maximum context length is {model.context_length} tokens. However, you "
            f"requested about {prompt.tokens} tokens. Shorten the prompt, or use a longer context.",
            "context_length_exceeded",
        )
    if "text" not in model.output_modalities:
        raise no_endpoints("text output", model.id, "wrong_endpoint")
    if prompt.tools and "tools" not in model.abilities:
        raise no_endpoints("tool use", model.id)
    if prompt.has_image and "image" not in model.input_modalities:
        raise no_endpoints("image input", model.id)
