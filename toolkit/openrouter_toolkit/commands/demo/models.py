"""Which model the demo works with, chosen from the catalogue as it is."""

from __future__ import annotations

from typing import Any

_ROOM = 32_000  # tokens of context: in the end the model reads the whole catalogue in its brief form


def price(model: dict[str, Any]) -> float:
    """US dollars for a prompt token and a completion token together; below zero where nobody can say."""
    pricing = model.get("pricing") or {}
    prompt, completion = float(pricing.get("prompt") or 0), float(pricing.get("completion") or 0)
    return -1.0 if prompt < 0 or completion < 0 else prompt + completion


def suitable(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The paid models that call tools, answer in text and can read the catalogue, best first.

    Those that reason come last: with few tokens to spend, they might end before they answer.
    """
    able = [
        model
        for model in models
        if "tools" in (model.get("supported_parameters") or ())
        and "text" in (model.get("architecture") or {}).get("output_modalities", ["text"])
        and (model.get("context_length") or _ROOM) >= _ROOM
        and price(model) > 0
    ]
    return sorted(able, key=lambda model: ("reasoning" in model["supported_parameters"], price(model)))
