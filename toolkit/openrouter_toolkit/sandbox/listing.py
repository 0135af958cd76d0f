"""Lists of models: filters, order, pages, and the RSS feed of GET /models."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from .catalogue import Model, describe_model
from .errors import ApiError, JsonObject

Query = Mapping[str, str]

CATEGORIES = (
    *("programming", "roleplay", "marketing", "marketing/seo", "technology", "science"),
    *("translation", "legal", "finance", "health", "trivia", "academia"),
)


def _price(model: Model) -> Decimal:
    return Decimal(model.prompt_price) + Decimal(model.completion_price)


# The key and whether the order is reversed; None keeps the catalogue's own order.
_ORDERS: dict[str, tuple[Callable[[Model], Decimal], bool] | None] = {
    "newest": (lambda model: Decimal(model.created), True),
    "pricing-low-to-high": (_price, False),
    "pricing-high-to-low": (_price, True),
    "context-high-to-low": (lambda model: Decimal(model.context_length), True),
    **dict.fromkeys(
        (
            *("most-popular", "top-weekly", "throughput-high-to-low", "latency-low-to-high"),
            *("intelligence-high-to-low", "coding-high-to-low", "agentic-high-to-low"),
            "design-arena-elo-high-to-low",
        )
    ),
}


def select(models: Sequence[Model], query: Query) -> list[Model]:
    """The models that pass every filter of the query, in the order that it asks for.

    Raises:
        ApiError: 400 for a number that is none, and for an unknown category or order.
    """
    chosen = [
        model
        for model in models
        if _passes_words(model, query) and _passes_numbers(model, query) and _has_output(model, query)
    ]
    order = _ORDERS[_one_of("sort", query["sort"], _ORDERS)] if "sort" in query else None
    if order is not None:
        chosen.sort(key=order[0], reverse=order[1])
    return chosen


def page(models: Sequence[Model], query: Query, path: str) -> JsonObject:
    """One page of a list as the API answers it: data, total_count, links."""
    total = len(models)
    offset = int(_number("offset", query, 0) or 0)
    limit = int(_number("limit", query, 1, 1000) or 500)
    following = None
    if "offset" in query or "limit" in query:
        models = models[offset : offset + limit]
        if offset + limit < total:
            following = f"/api/v1{path}?{urlencode({**query, 'offset': offset + limit, 'limit': limit})}"
    return {
        "data": [describe_model(model) for model in models],
        "total_count": total,
        "links": {"next": following},
    }


def rss(models: Sequence[Model], *, chat_links: bool) -> str:
    """The models as an RSS 2.0 feed; `chat_links` leads to the chat instead of the model's page."""
    feed = ET.Element("rss", version="2.0")
    channel = ET.SubElement(feed, "channel")
    for tag, text in (
        ("title", "OpenRouter Models"),
        ("link", "https://openrouter.ai/models"),
        ("description", "The sandbox's catalogue"),
    ):
        ET.SubElement(channel, tag).text = text
    for model in models:
        target = f"chat?{urlencode({'models': model.id})}" if chat_links else model.id
        item = ET.SubElement(channel, "item")
        for tag, text in (
            ("title", model.name),
            ("link", f"https://openrouter.ai/{target}"),
            ("description", model.description),
            ("guid", model.id),
            ("pubDate", format_datetime(datetime.fromtimestamp(model.created, UTC))),
        ):
            ET.SubElement(item, tag).text = text
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(feed, encoding="unicode")


def _passes_words(model: Model, query: Query) -> bool:
    offered = {name.lower() for provider in model.providers for name in (provider.name, provider.slug)}
    search = query.get("q", "").lower()
    category = query.get("category")
    return all(
        (
            category is None or _one_of("category", category, CATEGORIES) in model.categories,
            search in model.id.lower() or search in model.name.lower(),
            _names(query, "supported_parameters") <= set(model.parameters),
            _names(query, "input_modalities") <= set(model.input_modalities),
            "model_authors" not in query or model.author in _names(query, "model_authors"),
            "providers" not in query or not offered.isdisjoint(_names(query, "providers")),
            query.get("zdr") != "true" or model.zero_data_retention,
        )
    )


def _passes_numbers(model: Model, query: Query) -> bool:
    """Whether prices (US dollars a million tokens), context length (tokens) and age (days) fit."""
    age = (time.time() - model.created) / 86_400
    measured = {
        "price": float(model.prompt_price) * 1e6,
        "output_price": float(model.completion_price) * 1e6,
        "age_days": age,
    }
    for name, value in measured.items():
        least, most = _number(f"min_{name}", query, 0), _number(f"max_{name}", query, 0)
        # A price times a million may miss its limit by a rounding error.
        if (least is not None and value < least - 1e-9) or (most is not None and value > most + 1e-9):
            return False
    return model.context_length >= (_number("context", query, 1) or 0)


def _has_output(model: Model, query: Query) -> bool:
    wanted = _names(query, "output_modalities") or {"text"}
    return "all" in wanted or not wanted.isdisjoint(model.output_modalities)


def _names(query: Query, parameter: str) -> set[str]:
    return {name.strip().lower() for name in query.get(parameter, "").split(",") if name.strip()}


def _one_of(parameter: str, value: str, known: Mapping[str, object] | Sequence[str]) -> str:
    if value not in known:
        raise ApiError(400, f"{parameter} must be one of: {', '.join(known)}")
    return value


def _number(parameter: str, query: Query, least: float, most: float = float("inf")) -> float | None:
    if not query.get(parameter):
        return None
    try:
        number = float(query[parameter])
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        limits = f"at least {least}" if most == float("inf") else f"from {least} to {most}"
        raise ApiError(400, f"{parameter} must be a number, {limits}")
    return number
