"""Other models, where another model is the way out: those of the catalogue that can do what a call needs."""

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

# The look-up must never make a failure slower than this, in seconds.
LONGEST_LOOK_UP = 2.0
_KEPT_FOR = 600.0
_KEPT_AFTER_FAILURE = 30.0
_MOST = 5
_CLOSENESS = 0.75
_CHARACTERS_A_TOKEN = 4
_OTHER_MODEL_HELPS = {
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
# A parameter of the call, and what a model's supported_parameters must list for it.
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
    """What the choice needs to know of a model. The price is in US dollars for a prompt and an answer token."""

    id: str
    context: int
    price: float
    parameters: frozenset[str]
    inputs: frozenset[str]
    outputs: frozenset[str]


@dataclass(slots=True)
class Needs:
    """What one call asks of its model."""

    parameters: set[str] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    tokens: int = 0

    def met_by(self, model: Model) -> bool:
        """Whether the model can do the call."""
        return (
            self.parameters <= model.parameters
            and self.inputs <= model.inputs
            and self.outputs <= model.outputs
            and self.tokens <= model.context
        )


def another_model_helps(error: ActionError) -> bool:
    """Whether the failure lies in the model that was chosen, and not in a limit or in the base URL."""
    if error.details.get("limit") or error.details.get("not_openrouter"):
        return False
    availability: Mapping[str, Any] = error.details.get("availability") or {}
    if str(availability.get("code")) in _OTHER_MODEL_HELPS:
        return True
    return error.type in ("context_length_exceeded", "not_found") and error.status != 410


def needs_of(arguments: Mapping[str, Any], error: ActionError) -> Needs:
    """What this very call needs: its parameters, the kinds of its content, its length in tokens."""
    needs = Needs()
    needs.parameters = {wanted for name, wanted in _PARAMETERS.items() if arguments.get(name)}
    if needs.parameters & {"tool_choice"}:
        needs.parameters.add("tools")
    modalities = arguments.get("modalities")
    needs.outputs = {kind for kind in modalities if isinstance(kind, str)} if isinstance(modalities, list) else {"text"}
    characters = 0
    for text, kind in _contents([arguments.get(name) for name in ("messages", "system", "prompt", "tools")]):
        characters += len(text)
        if kind in _MODALITIES:
            needs.inputs.add(_MODALITIES[kind])
    answer = arguments.get("max_completion_tokens") or arguments.get("max_tokens")
    requested = error.details.get("requested_tokens")
    known = requested if error.type == "context_length_exceeded" and isinstance(requested, int) else None
    needs.tokens = known or characters // _CHARACTERS_A_TOKEN + (answer if isinstance(answer, int) else 0)
    return needs


def _contents(node: Any, kind: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text inside, with the kind of content that it stands in; data URLs are not text."""
    if isinstance(node, str):
        yield ("" if node.startswith("data:") else node), kind
    elif isinstance(node, list):
        for item in node:
            yield from _contents(item, kind, depth + 1)
    elif isinstance(node, dict) and depth < 50:
        own = node.get("type")
        kind = own if isinstance(own, str) else kind
        if kind in _MODALITIES:
            yield "", kind
        for name, value in node.items():
            if name not in ("type", "data"):
                yield from _contents(value, kind, depth + 1)


class Catalogue:
    """The catalogue, looked up once and kept for a while, for all calls of a registry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: list[Model] = []
        self._stale_at = -math.inf

    def models(self, look_up: Callable[[], str], timeout: float) -> list[Model]:
        """All models, from memory or by `look_up`; none when it fails or another thread takes too long with it."""
        if monotonic() < self._stale_at:
            return self._models
        if not self._lock.acquire(timeout=max(0.0, timeout)):
            return self._models
        try:
            if monotonic() >= self._stale_at:
                try:
                    self._models = list(_models(json.loads(look_up())["data"]))
                    self._stale_at = monotonic() + _KEPT_FOR
                except Exception:  # noqa: BLE001 - a suggestion is a courtesy; its failure is not the caller's
                    self._stale_at = monotonic() + _KEPT_AFTER_FAILURE
            return self._models
        finally:
            self._lock.release()


def suggest(models: list[Model], needs: Needs, chosen: str) -> list[str]:
    """Up to five ids that can do the call: nearest name first, then cheapest."""
    fitting = sorted((model for model in models if model.id != chosen and needs.met_by(model)), key=lambda m: m.price)
    near = close_matches(chosen, [model.id for model in fitting], count=_MOST, closeness=_CLOSENESS)
    return (near + [model.id for model in fitting if model.id not in near])[:_MOST]


def in_words(suggested: list[str], chosen: str, models: list[Model]) -> str:
    """The suggestions as a sentence, and which of them was meant, where the chosen one does not exist."""
    can_do = f"Models that can do this call: {', '.join(short_name(name, 80) for name in suggested)}."
    exists = any(model.id == chosen for model in models)
    meant = [] if exists else close_matches(chosen, suggested, closeness=_CLOSENESS)
    return f"Did you mean {short_name(meant[0], 80)}? {can_do}" if meant else can_do


def _models(entries: list[Any]) -> Iterator[Model]:
    """What can be read of the catalogue; an entry that can't is left out, and takes no other with it."""
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
    """US dollars a token; a router's -1 means that nobody knows before."""
    try:
        price = float(value)
    except (TypeError, ValueError):
        return math.inf
    return price if price >= 0 else math.inf
