"""Suggest other models from the catalogue that can do what a failed call needs."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from ..envelope import ActionError
from ..text.close_matches import close_matches
from ..text.sanitize import short_name

# Timeout of the catalogue lookup, in seconds: a failure must not become slower than this.
MAX_LOOKUP_SECONDS = 2.0
_CACHED_FOR = 600.0
_CACHED_AFTER_FAILURE = 30.0
_MAX_SUGGESTIONS = 5
_CLOSENESS = 0.75
_CHARACTERS_PER_TOKEN = 4
_MODEL_PROBLEMS = {
    "constraint_filtered",
    "free_variant_ended",
    "model_deprecated",
    "model_not_found",
    "model_unavailable_upstream",
    "no_endpoints",
    "privacy_restricted",
    "region_restricted",
    "wrong_endpoint",
}
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


def another_model_helps(error: ActionError) -> bool:
    """Whether the chosen model caused the failure, and not a limit or the base URL."""
    if error.details.get("limit") or error.details.get("not_openrouter"):
        return False
    availability: Mapping[str, Any] = error.details.get("availability") or {}
    if str(availability.get("code")) in _MODEL_PROBLEMS:
        return True
    return error.type in ("context_length_exceeded", "not_found") and error.status != 410


def needs_of(arguments: Mapping[str, Any], error: ActionError) -> Needs:
    """What a call needs: parameters, input and output modalities, length in tokens (estimated)."""
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
    requested = error.details.get("requested_tokens")
    reported = requested if error.type == "context_length_exceeded" and isinstance(requested, int) else None
    needs.tokens = reported or characters // _CHARACTERS_PER_TOKEN + (max_output if isinstance(max_output, int) else 0)
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


class Catalogue:
    """The model catalogue, cached for some minutes and shared by all calls of a registry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: list[Model] = []
        self._stale_at = -math.inf

    def models(self, look_up: Callable[[], str], timeout: float) -> list[Model]:
        """All models, cached or by `look_up`; the old list, or none, if that fails or another thread is too slow."""
        if monotonic() < self._stale_at:
            return self._models
        if not self._lock.acquire(timeout=max(0.0, timeout)):
            return self._models
        try:
            if monotonic() >= self._stale_at:
                try:
                    self._models = list(_models(json.loads(look_up())["data"]))
                    self._stale_at = monotonic() + _CACHED_FOR
                except Exception:  # noqa: BLE001 - suggestions are optional; their failure must not reach the caller
                    self._stale_at = monotonic() + _CACHED_AFTER_FAILURE
            return self._models
        finally:
            self._lock.release()


def suggest(models: list[Model], needs: Needs, chosen: str) -> list[str]:
    """Up to five ids of models that can do the call: closest names first, then the cheapest."""
    fitting = sorted((model for model in models if model.id != chosen and needs.met_by(model)), key=lambda m: m.price)
    close = close_matches(chosen, [model.id for model in fitting], count=_MAX_SUGGESTIONS, closeness=_CLOSENESS)
    return (close + [model.id for model in fitting if model.id not in close])[:_MAX_SUGGESTIONS]


def as_sentence(suggested: list[str], chosen: str, models: list[Model]) -> str:
    """The suggestions as a sentence, with "Did you mean" if the chosen model does not exist."""
    can_do = f"Models that can do this call: {', '.join(short_name(name, 80) for name in suggested)}."
    exists = any(model.id == chosen for model in models)
    closest = [] if exists else close_matches(chosen, suggested, closeness=_CLOSENESS)
    return f"Did you mean {short_name(closest[0], 80)}? {can_do}" if closest else can_do


def _models(entries: list[Any]) -> Iterator[Model]:
    """The catalogue's models; an entry that can't be read is skipped."""
    for entry in entries:
        with suppress(AttributeError, KeyError, TypeError, ValueError, OverflowError):
            yield _model(entry)


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
