"""The catalogue of models: fetched, kept in a cache file for prices and completion, and searched by name."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ..answer import mappings
from ..text.close_matches import close_matches
from .places import cache_file, write_private
from .terminal import CommandFailed

if TYPE_CHECKING:
    from ..registry import ToolRegistry

_ACTION = "OPENROUTER_LIST_AVAILABLE_MODELS"
_CACHE = "models.json"
_FRESH, _JUST_FETCHED = 24 * 3600.0, 300.0  # seconds
_TIMEOUT = 10.0  # seconds, where the list is only for a price
_MILLION = 1_000_000
_MIN_DECIMALS, _MAX_DECIMALS = 2, 6
# What is kept of an entry: enough for a price, a filter and a name.
_KEPT = ("id", "canonical_slug", "name", "created", "context_length", "architecture", "pricing", "supported_parameters")


@dataclass(frozen=True)
class Model:
    """One model of the catalogue.

    Attributes:
        id: the name by which it is called.
        entry: the catalogue's whole entry.
        created: seconds since 1970, 0 if unknown.
        context: the context length in tokens, 0 if unknown.
        input_price: US dollars per million tokens; None if it is unknown, or varies as a router's does.
        output_price: the same for the answer's tokens.
    """

    id: str
    entry: dict[str, Any]
    created: float
    context: int
    input_price: Decimal | None
    output_price: Decimal | None

    @property
    def name(self) -> str:
        """The name for people."""
        return str(self.entry.get("name") or "")

    @property
    def inputs(self) -> list[str]:
        """What it takes: text, image, ..."""
        return self._modalities("input")

    @property
    def outputs(self) -> list[str]:
        """What it gives: text, image, ..."""
        return self._modalities("output")

    @property
    def parameters(self) -> list[str]:
        """The parameters that it supports, such as tools."""
        return _texts(self.entry.get("supported_parameters"))

    @property
    def free(self) -> bool:
        """Whether tokens cost nothing."""
        return self.input_price == 0 == self.output_price

    @property
    def price(self) -> str:
        """Its price in words."""
        if self.free:
            return "free"
        if self.input_price is None or self.output_price is None:
            return "its price varies or is unknown"
        return f"{dollars(self.input_price)} in, {dollars(self.output_price)} out per million tokens"

    def _modalities(self, direction: str) -> list[str]:
        architecture = self.entry.get("architecture")
        return _texts(architecture.get(f"{direction}_modalities")) if isinstance(architecture, dict) else []


def fetch(registry: ToolRegistry, user_id: str, timeout: float | None = None) -> list[Model]:
    """Fetch all models, in the API's order, and keep them in the cache file.

    Raises:
        CommandFailed: there was no answer with a list of models.
    """
    envelope = registry.execute(_ACTION, {"output_modalities": "all"}, user_id=user_id, timeout=timeout)
    if not envelope.successful:
        raise CommandFailed(envelope.error or "the models could not be listed")
    try:
        models = _models(envelope.json()["data"])
    except (ValueError, TypeError, KeyError):
        raise CommandFailed("the answer has no list of models") from None
    kept = [{name: model.entry.get(name) for name in _KEPT} for model in models]
    with suppress(OSError):  # a cache may be missing
        write_private(cache_file(_CACHE), json.dumps({"base_url": _base_url(), "models": kept}))
    return models


def last(max_age: float | None = None) -> list[Model]:
    """The models of the cache file; none if there is no file for this API, or if it is older than some seconds."""
    path = cache_file(_CACHE)
    try:
        if max_age is not None and not 0 <= time.time() - path.stat().st_mtime <= max_age:
            return []
        kept = json.loads(path.read_text(encoding="utf-8"))
        return _models(kept["models"]) if kept["base_url"] == _base_url() else []
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []


def fresh(registry: ToolRegistry, user_id: str, name: str) -> list[Model]:
    """The models of the last day, or of now if none of them has this name. Raises as `fetch` does."""
    kept = last(_FRESH)
    if kept and (find(kept, name) or last(_JUST_FETCHED)):
        return kept
    return fetch(registry, user_id, _TIMEOUT)


def find(models: Iterable[Model], name: str) -> Model | None:
    """The model of a name: its id, its permanent slug, or its id with a variant such as `:nitro`."""
    by_name = {model.id: model for model in models}
    slugs = {str(model.entry.get("canonical_slug")): model for model in reversed(by_name.values())}
    plain, _, variant = name.partition(":")
    return by_name.get(name) or slugs.get(name) or (by_name.get(plain) if variant != "free" else None)


def near(models: Sequence[Model], name: str, count: int = 3) -> list[Model]:
    """The models whose names resemble a name, best first."""
    by_name = {model.id: model for model in models}
    return [by_name[found] for found in close_matches(name, by_name, count=count, closeness=0.5)]


def dollars(price: Decimal) -> str:
    """US dollars with two decimals, or more where the price has them."""
    exponent = price.normalize().as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) else 0
    return f"${price:.{min(max(decimals, _MIN_DECIMALS), _MAX_DECIMALS)}f}"


def _models(entries: Any) -> list[Model]:
    if not isinstance(entries, list):
        raise TypeError("not a list")
    return [_model(dict(entry)) for entry in mappings(entries) if isinstance(entry.get("id"), str)]


def _model(entry: dict[str, Any]) -> Model:
    pricing = entry.get("pricing")
    prices = pricing if isinstance(pricing, dict) else {}
    created, context = entry.get("created"), entry.get("context_length")
    return Model(
        id=entry["id"],
        entry=entry,
        created=created if isinstance(created, int | float) else 0,
        context=int(context) if isinstance(context, int | float) else 0,
        input_price=_per_million(prices.get("prompt")),
        output_price=_per_million(prices.get("completion")),
    )


def _per_million(price: Any) -> Decimal | None:
    try:
        amount = Decimal(str(price)) * _MILLION
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _texts(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _base_url() -> str:
    return os.environ.get("OPENROUTER_BASE_URL", "").strip().rstrip("/")
