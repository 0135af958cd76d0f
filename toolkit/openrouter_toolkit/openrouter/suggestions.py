"""Suggest other models from the catalogue that can do what a failed call needs."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from ..envelope import ActionError
from ..models.needs import Model, Needs, needs_of, read_models
from ..text.close_matches import close_matches
from ..text.sanitize import short_name

# Timeout of the catalogue lookup, in seconds: a failure must not become slower than this.
MAX_LOOKUP_SECONDS = 2.0
_CACHED_FOR = 600.0
_CACHED_AFTER_FAILURE = 30.0
_MAX_SUGGESTIONS = 5
_CLOSENESS = 0.75
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


def another_model_helps(error: ActionError) -> bool:
    """Whether the chosen model caused the failure, and not a limit or the base URL."""
    if error.details.get("limit") or error.details.get("not_openrouter"):
        return False
    availability: Mapping[str, Any] = error.details.get("availability") or {}
    if str(availability.get("code")) in _MODEL_PROBLEMS:
        return True
    return error.type in ("context_length_exceeded", "not_found") and error.status != 410


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
                    self._models = list(read_models(json.loads(look_up())["data"]))
                    self._stale_at = monotonic() + _CACHED_FOR
                except Exception:  # noqa: BLE001 - suggestions are optional; their failure must not reach the caller
                    self._stale_at = monotonic() + _CACHED_AFTER_FAILURE
            return self._models
        finally:
            self._lock.release()


def needs_after(arguments: Mapping[str, Any], error: ActionError) -> Needs:
    """What a call needs whose failure may tell how long it is."""
    requested = error.details.get("requested_tokens")
    reported = requested if error.type == "context_length_exceeded" and isinstance(requested, int) else None
    return needs_of(arguments, reported)


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
