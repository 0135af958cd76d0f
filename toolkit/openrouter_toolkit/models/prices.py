"""The prices of models, read from the catalogue: exact decimals, US dollars per token, image or request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model costs at most, under any condition that the catalogue names, such as a long prompt.

    Attributes:
        prompt: per input token.
        cache_write: per input token that is written to a cache; `prompt` if that is dearer.
        media: per token of image or audio input; `prompt` if that is dearer.
        output: per output token, the dearer of completion and reasoning.
        image: per input image, beside its tokens.
        request: per request.
        context: the most tokens that fit into the model; None if unknown.
        max_output: the most tokens that it answers; None if unknown.
    """

    prompt: Decimal
    cache_write: Decimal
    media: Decimal
    output: Decimal
    image: Decimal = Decimal(0)
    request: Decimal = Decimal(0)
    context: int | None = None
    max_output: int | None = None


def read_catalogue(text: str) -> dict[str, Prices | None]:
    """The prices by model id from the catalogue's JSON; None for a model whose price depends, such as a router's.

    Raises:
        ValueError: the text is not a catalogue.
    """
    try:
        entries = json.loads(text, parse_float=Decimal)["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("the catalogue of models can't be read") from None
    if not isinstance(entries, list):
        raise ValueError("the catalogue of models can't be read")  # noqa: TRY004 - about the text, not about a type
    return {
        entry["id"]: _prices(entry) for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    }


def highest_accepted(provider: Any) -> dict[str, Decimal]:
    """The prices that a call accepts at most, by `provider.max_price`: per token, image and request."""
    named = provider.get("max_price") if isinstance(provider, Mapping) else None
    if not isinstance(named, Mapping):
        return {}
    found = {name: _amount(value) for name, value in named.items()}
    per_million = ("prompt", "completion", "audio")
    return {
        str(name): amount / _MILLION if name in per_million else amount
        for name, amount in found.items()
        if amount is not None
    }


def _prices(entry: Mapping[str, Any]) -> Prices | None:
    """A model's prices; None if one of them is not known."""
    pricing = entry.get("pricing")
    if not isinstance(pricing, Mapping):
        return None
    conditions = [pricing, *_overrides(pricing)]

    def dearest(*names: str) -> Decimal | None:
        amounts = [_amount(one[name]) for one in conditions for name in names if one.get(name) is not None]
        return None if None in amounts else max((amount for amount in amounts if amount is not None), default=None)

    prompt, output = dearest("prompt"), dearest("completion", "internal_reasoning")
    cache_write = dearest("prompt", "input_cache_write", "input_cache_write_1h")
    media = dearest("prompt", "image_token", "audio")
    if prompt is None or output is None or cache_write is None or media is None:
        return None
    top = entry.get("top_provider")
    top = top if isinstance(top, Mapping) else {}
    context = _count(entry.get("context_length")) or _count(top.get("context_length"))
    return Prices(
        prompt,
        cache_write,
        media,
        output,
        dearest("image") or Decimal(0),
        dearest("request") or Decimal(0),
        context,
        _count(top.get("max_completion_tokens")) or context,
    )


def _overrides(pricing: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = pricing.get("overrides")
    for override in listed if isinstance(listed, list) else ():
        if isinstance(override, Mapping):
            yield override


def _amount(value: Any) -> Decimal | None:
    """An amount of dollars, 0 or more; None for anything else, as for the -1 of a router."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
