"""What a call needs of its model, and which models have that, by the catalogue."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

_CHARACTERS_PER_TOKEN = 4
# A parameter of the call, and the entry of supported_parameters that a model needs for it.
_PARAMETERS = {
    "tools": "tools",
    "functions": "tools",
    "tool_choice": "tool_choice",
    "response_format": "response_format",
    "reasoning": "reasoning",
    "reasoning_effort": "reasoning",
    "thinking": "reasoning",
    "logprobs": "logprobs",
    "logit_bias": "logit_bias",
}
_MODALITIES = {
    "image_url": "image",
    "image": "image",
    "input_audio": "audio",
    "file": "file",
    "document": "file",
    "video_url": "video",
    "input_video": "video",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model's facts for the choice. The price, in US dollars, is for one prompt and one output token."""

    id: str
    context: int
    price: float
    parameters: frozenset[str]
    inputs: frozenset[str]
    outputs: frozenset[str]


@dataclass(slots=True)
class Needs:
    """What one call requires of its model."""

    parameters: set[str] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    tokens: int = 0

    def met_by(self, model: Model) -> bool:
        """Whether the model meets the requirements."""
        return (
            self.parameters <= model.parameters
            and self.inputs <= model.inputs
            and self.outputs <= model.outputs
            and self.tokens <= model.context
        )


def read_models(entries: list[Any]) -> Iterator[Model]:
    """The catalogue's models; an entry that can't be read is skipped."""
    for entry in entries:
        with suppress(AttributeError, KeyError, TypeError, ValueError, OverflowError):
            yield _model(entry)


def needs_of(arguments: Mapping[str, Any], tokens: int | None = None) -> Needs:
    """What a call needs: parameters, input and output modalities, length in `tokens`, estimated where it is None."""
    needs = Needs()
    needs.parameters = {wanted for name, wanted in _PARAMETERS.items() if arguments.get(name)}
    if needs.parameters & {"tool_choice"}:
        needs.parameters.add("tools")
    modalities = arguments.get("modalities")
    needs.outputs = {kind for kind in modalities if isinstance(kind, str)} if isinstance(modalities, list) else {"text"}
    characters = 0
    for text, kind in _texts([arguments.get(name) for name in ("messages", "system", "prompt", "tools")]):
        characters += len(text)
        if kind in _MODALITIES:
            needs.inputs.add(_MODALITIES[kind])
    max_output = arguments.get("max_completion_tokens") or arguments.get("max_tokens")
    needs.tokens = tokens or characters // _CHARACTERS_PER_TOKEN + (max_output if isinstance(max_output, int) else 0)
    return needs


def _texts(node: Any, kind: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text inside, with the type of its content part; data URLs are not text."""
    if isinstance(node, str):
        yield ("" if node.startswith("data:") else node), kind
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item, kind, depth + 1)
    elif isinstance(node, dict) and depth < 50:
        part_type = node.get("type")
        kind = part_type if isinstance(part_type, str) else kind
        if kind in _MODALITIES:
            yield "", kind
        for name, value in node.items():
            if name not in ("type", "data"):
                yield from _texts(value, kind, depth + 1)


def _model(entry: dict[str, Any]) -> Model:
    architecture = entry.get("architecture") or {}
    pricing = entry.get("pricing") or {}
    prices = [_price(pricing.get(name)) for name in ("prompt", "completion")]
    if not isinstance(entry["id"], str) or not entry["id"]:
        raise ValueError(entry["id"])
    return Model(
        id=entry["id"],
        context=int(entry.get("context_length") or 0),
        price=sum(prices),
        parameters=frozenset(entry.get("supported_parameters") or ()),
        inputs=frozenset(architecture.get("input_modalities") or ()),
        outputs=frozenset(architecture.get("output_modalities") or ()),
    )


def _price(value: Any) -> float:
    """US dollars per token; infinite if unknown, as a router's -1 means."""
    try:
        price = float(value)
    except (TypeError, ValueError):
        return math.inf
    return price if price >= 0 else math.inf
