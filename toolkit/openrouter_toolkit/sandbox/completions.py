"""The answer to a prompt, independent of its format: text, reasoning, tool calls, tokens and cost."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .answers import ToolCall, answer_text, choose_calls, pieces, reasoning_text
from .errors import ApiError, JsonObject
from .models import Model, no_endpoints
from .prompts import Prompt

KEEP_ALIVE = ": OPENROUTER PROCESSING\n\n"
DONE = "data: [DONE]\n\n"
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
        count: the number of choices (`n`), all with the same answer.
        completion_tokens: the total of all choices, reasoning included.
        cached_from: the id of the original generation, if the answer came from the response cache.
    """

    id: str
    created: int
    model: Model
    text: str
    reasoning: str | None
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    stopped_at: str | None
    count: int
    picture: bool
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_from: str | None = None
    started_at: float = field(default_factory=time.monotonic)

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


def new_generation_id() -> str:
    """A unique generation id."""
    return f"gen-{int(time.time())}-{secrets.token_hex(10)}"


def complete(prompt: Prompt, model: Model, generation_id: str, text: str | None = None) -> Completion:
    """Answer a prompt as a model would, or with a given text.

    Raises:
        ApiError: the model lacks what the prompt needs (context, tools, images).
    """
    _check_abilities(prompt, model)
    calls = choose_calls(prompt)
    reasons = "reasoning" in model.abilities and (prompt.wants_reasoning or model.reasoning_mandatory)
    thought = pieces(reasoning_text(prompt))[: prompt.max_tokens] if reasons else []
    tokens_left = None if prompt.max_tokens is None else prompt.max_tokens - len(thought)
    words, finish_reason, stopped_at = _limit("" if calls else text or answer_text(prompt), prompt, tokens_left)
    return assemble(
        prompt,
        model,
        generation_id,
        text=words,
        reasoning="".join(thought) if reasons else None,
        tool_calls=tuple(calls),
        finish_reason="tool_calls" if calls else finish_reason,
        stopped_at=stopped_at,
        picture=prompt.wants_image and "image" in model.output_modalities,
    )


def assemble(
    prompt: Prompt,
    model: Model,
    generation_id: str,
    *,
    text: str,
    reasoning: str | None,
    tool_calls: tuple[ToolCall, ...],
    finish_reason: str,
    stopped_at: str | None = None,
    picture: bool = False,
) -> Completion:
    """Build the completion from its parts, with its tokens counted."""
    thought = len(pieces(reasoning or ""))
    written = sum(len(pieces(call.name + call.arguments_text)) for call in tool_calls) + len(pieces(text))
    return Completion(
        id=generation_id,
        created=int(time.time()),
        model=model,
        text=text,
        reasoning=reasoning,
        tool_calls=tool_calls,
        finish_reason=finish_reason,
        stopped_at=stopped_at,
        count=prompt.choices,
        picture=picture,
        prompt_tokens=prompt.tokens,
        completion_tokens=(written + thought) * prompt.choices,
        reasoning_tokens=thought * prompt.choices,
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
