"""The answer to a prompt, independent of format: text, reasoning, tool calls, tokens and cost."""

import secrets
import time
from dataclasses import dataclass, field

from .answers import answer_text, pieces, reasoning_text
from .catalogue import Model
from .errors import ApiError
from .prompts import Prompt
from .tool_calls import ToolCall, choose_calls

# An image of one pixel, for models with image output.
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAA"
    "AABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Completion:
    """One generation.

    Attributes:
        finish_reason: stop, length or tool_calls.
        stopped_at: the stop sequence that ended the text, if one did.
        count: the number of choices (`n`), all with the same answer.
        completion_tokens: the total of all choices, reasoning included.
        cached_from: the id of the original generation, if the answer came from the response cache.
        prompt_cost: in US dollars, as are the other costs.
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
        """The cost of the prompt's tokens."""
        return round(self.prompt_tokens * float(self.model.prompt_price), 12)

    @property
    def completion_cost(self) -> float:
        """The cost of the answer's tokens."""
        return round(self.completion_tokens * float(self.model.completion_price), 12)

    @property
    def cost(self) -> float:
        """The total cost of the generation."""
        return round(self.prompt_cost + self.completion_cost, 12)


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
    reasons = "reasoning" in model.parameters and (prompt.wants_reasoning or model.reasoning_mandatory)
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
    if prompt.tools and "tools" not in model.parameters:
        raise no_endpoints("tool use", model.id, "constraint_filtered")
    if prompt.has_image and "image" not in model.input_modalities:
        raise no_endpoints("image input", model.id, "constraint_filtered")


def no_endpoints(ability: str, model_id: str, code: str) -> ApiError:
    """The 404 for a model that has no provider with the ability that the request needs."""
    return ApiError(
        404,
        f"No endpoints found that support {ability}",
        availability={
            "code": code,
            "retryable": False,
            "requested_models": [model_id],
            "fallback_models": ["acme/atlas-large"],
            "constraint": ability.replace(" ", "_"),
        },
    )
