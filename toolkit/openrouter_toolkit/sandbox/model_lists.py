"""Lists of models: filters, sorting, pages, and the RSS feed of GET /models.

The queries have already been validated (queries.py).
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from .catalogue import Model, Ranking, describe_model
from .errors import JsonObject
from .queries import Query, as_number, names


def _price(model: Model) -> Decimal:
    return Decimal(model.prompt_price) + Decimal(model.completion_price)


def _by_ranking(measure: Callable[[Ranking], float]) -> Callable[[Model], float]:
    """A sort key from a model's ranking; models without a ranking come last."""
    return lambda model: float("inf") if model.ranking is None else measure(model.ranking)


# Sort keys, in ascending order.
_ORDERS: dict[str, Callable[[Model], Decimal | float]] = {
    "newest": lambda model: -model.created,
    "pricing-low-to-high": _price,
    "pricing-high-to-low": lambda model: -_price(model),
    "context-high-to-low": lambda model: -model.context_length,
    "most-popular": _by_ranking(lambda ranking: -ranking.weekly_tokens),
    "top-weekly": _by_ranking(lambda ranking: -ranking.weekly_tokens),
    "throughput-high-to-low": _by_ranking(lambda ranking: -ranking.throughput),
    "latency-low-to-high": _by_ranking(lambda ranking: ranking.latency),
    "intelligence-high-to-low": _by_ranking(lambda ranking: -ranking.intelligence),
    "coding-high-to-low": _by_ranking(lambda ranking: -ranking.coding),
    "agentic-high-to-low": _by_ranking(lambda ranking: -ranking.agentic),
    "design-arena-elo-high-to-low": _by_ranking(lambda ranking: -ranking.elo),
}


def select(models: Sequence[Model], query: Query) -> list[Model]:
    """The models that pass every filter of the query, sorted as it asks."""
    chosen = [
        model
        for model in models
        if _passes_text_filters(model, query) and _passes_number_filters(model, query) and _has_output(model, query)
    ]
    if "sort" in query:
        chosen.sort(key=_ORDERS[query["sort"]])
    return chosen


def page(models: Sequence[Model], query: Query, path: str) -> JsonObject:
    """One page of a list in the API's shape: data, total_count, links."""
    total = len(models)
    next_page = None
    if "offset" in query or "limit" in query:
        offset = int(as_number(query.get("offset", "0")))
        limit = int(as_number(query.get("limit", "500")))
        models = models[offset : offset + limit]
        if offset + limit < total:
            next_page = f"/api/v1{path}?{urlencode({**query, 'offset': offset + limit, 'limit': limit})}"
    return {
        "data": [describe_model(model) for model in models],
        "total_count": total,
        "links": {"next": next_page},
    }


def rss(models: Sequence[Model], *, chat_links: bool) -> str:
    """The models as an RSS 2.0 feed. With `chat_links`, links lead to the chat instead of the model's page."""
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


def _passes_text_filters(model: Model, query: Query) -> bool:
    offered = {name.lower() for provider in model.providers for name in (provider.name, provider.slug)}
    search = query.get("q", "").strip().lower()
    return all(
        (
            "category" not in query or query["category"] in model.categories,
            search in model.id.lower() or search in model.name.lower(),
            names(query.get("supported_parameters", "")) <= set(model.parameters),
            names(query.get("input_modalities", "")) <= set(model.input_modalities),
            "model_authors" not in query or model.author in names(query["model_authors"]),
            "providers" not in query or not offered.isdisjoint(names(query["providers"])),
            query.get("arch", "").strip().lower() in model.tokenizer.lower(),
            "distillable" not in query or model.distillable == (query["distillable"] == "true"),
            "region" not in query or any(provider.region == query["region"] for provider in model.providers),
            "zdr" not in query or model.zero_data_retention,
        )
    )


def _passes_number_filters(model: Model, query: Query) -> bool:
    """Whether prices (US dollars per million tokens), context, age and ranking fit; a missing measure does not fit."""
    ranking = model.ranking
    measured: dict[str, float | None] = {
        "price": float(model.prompt_price) * 1e6,
        "output_price": float(model.completion_price) * 1e6,
        "age_days": (time.time() - model.created) / 86_400,
        "intelligence_index": None if ranking is None else ranking.intelligence,
        "coding_index": None if ranking is None else ranking.coding,
        "agentic_index": None if ranking is None else ranking.agentic,
        "tool_success_rate": None if ranking is None else ranking.tool_success_rate,
    }
    for name, value in measured.items():
        # The tolerance covers the rounding error of a price times a million.
        for end, sign in (("min", 1), ("max", -1)):
            limit = query.get(f"{end}_{name}")
            if limit is not None and (value is None or (value - as_number(limit)) * sign < -1e-9):
                return False
    return model.context_length >= as_number(query.get("context", "1"))


def _has_output(model: Model, query: Query) -> bool:
    wanted = names(query.get("output_modalities", "")) or {"text"}
    return "all" in wanted or not wanted.isdisjoint(model.output_modalities)
