"""Lists of models: the documented query parameters, filters, orders, pages, and the RSS feed of GET /models.

Invalid values are refused; parameters that an endpoint does not have are ignored, as the API ignores them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from .errors import ApiError, JsonObject
from .models import Model, Ranking, describe_model

Query = Mapping[str, str]

CATEGORIES = (
    *("programming", "roleplay", "marketing", "marketing/seo", "technology", "science"),
    *("translation", "legal", "finance", "health", "trivia", "academia"),
)
_INPUTS = ("text", "image", "file", "audio", "video")
_OUTPUTS = ("all", "text", "image", "embeddings", "audio", "video", "rerank", "speech", "transcription", "decisions")


class Parameter(NamedTuple):
    """One query parameter.

    Attributes:
        read: turns the text into a value; raises ValueError that says what the value must be.
        fits: whether a model passes the filter with this value.
    """

    read: Callable[[str], Any] = str
    fits: Callable[[Model, Any], bool] = lambda _, __: True


def _names(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",") if name.strip()}


def _search(value: str) -> str:
    return value.strip().lower()


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of: {', '.join(allowed)}")
        return value

    return read


def _list_of(*allowed: str) -> Callable[[str], set[str]]:
    def read(value: str) -> set[str]:
        if not _names(value) <= set(allowed):
            raise ValueError(f"must be a comma-separated list of: {', '.join(allowed)}")
        return _names(value)

    return read


def _number(minimum: float = 0, maximum: float = float("inf"), *, integer: bool = False) -> Callable[[str], float]:
    limits = f"of at least {minimum}" if maximum == float("inf") else f"from {minimum} to {maximum}"

    def read(value: str) -> float:
        try:
            number = float(value if value.strip("+-.eE0123456789") == "" else "nan")
        except ValueError:
            number = float("nan")
        if not minimum <= number <= maximum or number == float("inf") or (integer and not number.is_integer()):
            raise ValueError(f"must be {'an integer' if integer else 'a number'} {limits}")
        return number

    return read


def _price(model: Model) -> Decimal:
    return Decimal(model.prompt_price) + Decimal(model.completion_price)


def _ranked(measure: Callable[[Ranking], float]) -> Callable[[Model], float]:
    """A sort key from a model's ranking; models without a ranking come last."""
    return lambda model: float("inf") if model.ranking is None else measure(model.ranking)


# Sort keys, in ascending order.
_ORDERS: dict[str, Callable[[Model], Decimal | float]] = {
    **dict.fromkeys(("most-popular", "top-weekly"), _ranked(lambda ranking: -ranking.weekly_tokens)),
    "newest": lambda model: -model.created,
    "pricing-low-to-high": _price,
    "pricing-high-to-low": lambda model: -_price(model),
    "context-high-to-low": lambda model: -model.context_length,
    "throughput-high-to-low": _ranked(lambda ranking: -ranking.throughput),
    "latency-low-to-high": _ranked(lambda ranking: ranking.latency),
    "intelligence-high-to-low": _ranked(lambda ranking: -ranking.intelligence),
    "coding-high-to-low": _ranked(lambda ranking: -ranking.coding),
    "agentic-high-to-low": _ranked(lambda ranking: -ranking.agentic),
    "design-arena-elo-high-to-low": _ranked(lambda ranking: -ranking.elo),
}


def _range(name: str, read: Callable[[str], float], measure: Callable[[Model], float | None]) -> dict[str, Parameter]:
    """The parameters min_… and max_… of a measure; a model without the measure passes neither."""

    def at_least(model: Model, limit: float, sign: int = 1) -> bool:
        value = measure(model)
        # The tolerance covers the rounding error of a price times a million.
        return value is not None and (value - limit) * sign >= -1e-9

    return {
        f"min_{name}": Parameter(read, at_least),
        f"max_{name}": Parameter(read, lambda model, limit: at_least(model, limit, -1)),
    }


def _ranking(name: str, read: Callable[[str], float], attribute: str) -> dict[str, Parameter]:
    return _range(name, read, lambda model: getattr(model.ranking, attribute, None))


_PAGE = {"offset": Parameter(_number(integer=True)), "limit": Parameter(_number(1, 1000, integer=True))}
_OUTPUT = {
    "output_modalities": Parameter(
        _list_of(*_OUTPUTS),
        lambda model, wanted: "all" in wanted or not (wanted or {"text"}).isdisjoint(model.output_modalities),
    )
}
_SORT = {"sort": Parameter(_one_of(*_ORDERS))}
PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {
    "/models": {
        **_PAGE,
        **_OUTPUT,
        **_SORT,
        **dict.fromkeys(("use_rss", "use_rss_chat_links"), Parameter()),
        "q": Parameter(_search, lambda model, text: text in model.id.lower() or text in model.name.lower()),
        "supported_parameters": Parameter(_names, lambda model, wanted: wanted.issubset(model.parameters)),
        "arch": Parameter(_search, lambda model, text: text in model.tokenizer.lower()),
        "model_authors": Parameter(_names, lambda model, authors: model.id.partition("/")[0] in authors),
        "providers": Parameter(
            _names, lambda model, wanted: any(wanted & {offer.name.lower(), offer.slug} for offer in model.providers)
        ),
        "category": Parameter(_one_of(*CATEGORIES), lambda model, category: category in model.categories),
        "input_modalities": Parameter(
            _list_of(*_INPUTS), lambda model, wanted: wanted.issubset(model.input_modalities)
        ),
        "context": Parameter(_number(1, integer=True), lambda model, least: model.context_length >= least),
        "distillable": Parameter(
            _one_of("true", "false"), lambda model, wanted: model.distillable == (wanted == "true")
        ),
        "zdr": Parameter(_one_of("true"), lambda model, _: any(offer.zero_data_retention for offer in model.providers)),
        "region": Parameter(
            _one_of("eu", "us"), lambda model, wanted: any(offer.region == wanted for offer in model.providers)
        ),
        # US dollars per million tokens
        **_range("price", _number(), lambda model: float(model.prompt_price) * 1e6),
        **_range("output_price", _number(), lambda model: float(model.completion_price) * 1e6),
        **_range("age_days", _number(integer=True), lambda model: (time.time() - model.created) / 86_400),
        **_ranking("intelligence_index", _number(), "intelligence"),
        **_ranking("coding_index", _number(), "coding"),
        **_ranking("agentic_index", _number(), "agentic"),
        **_ranking("tool_success_rate", _number(0, 1), "tool_success_rate"),
    },
    "/models/user": {**_PAGE, **_OUTPUT, **_SORT},
    "/models/count": _OUTPUT,
    "/embeddings/models": _PAGE,
}


def select(models: Sequence[Model], path: str, query: Query) -> list[Model]:
    """The models that pass every filter of the endpoint's query, sorted as it asks.

    Raises:
        ApiError: 400 for an invalid value.
    """
    chosen = list(models)
    default = {"output_modalities": "embeddings" if path == "/embeddings/models" else "text"}
    for name, parameter in {**_OUTPUT, **PARAMETERS[path]}.items():
        text = query.get(name) if name in PARAMETERS[path] else None
        if text is None and name not in default:
            continue
        try:
            value = parameter.read(default[name] if text is None else text)
        except ValueError as problem:
            raise ApiError(400, f"{name}: {problem}") from None
        chosen = [model for model in chosen if parameter.fits(model, value)]
    if "sort" in query and "sort" in PARAMETERS[path]:
        chosen.sort(key=_ORDERS[query["sort"]])
    return chosen


def page(models: Sequence[Model], path: str, query: Query) -> JsonObject:
    """One page of a list in the API's shape: data, total_count, links."""
    total = len(models)
    next_page = None
    if "offset" in query or "limit" in query:
        offset = int(float(query.get("offset", "0")))
        limit = int(float(query.get("limit", "500")))
        models = models[offset : offset + limit]
        if offset + limit < total:
            known = {name: query[name] for name in PARAMETERS[path] if name in query}
            next_page = f"/api/v1{path}?{urlencode({**known, 'offset': offset + limit, 'limit': limit})}"
    return {"data": [describe_model(model) for model in models], "total_count": total, "links": {"next": next_page}}


def rss(models: Sequence[Model], *, chat_links: bool) -> bytes:
    """The models as an RSS 2.0 feed. With `chat_links`, links lead to the chat instead of the model's page."""
    items = ""
    for model in models:
        target = f"chat?{urlencode({'models': model.id})}" if chat_links else model.id
        published = format_datetime(datetime.fromtimestamp(model.created, UTC))
        items += (
            f"<item><title>{escape(model.name)}</title><link>https://openrouter.ai/{target}</link>"
            f"<description>{escape(model.description)}</description><guid>{model.id}</guid>"
            f"<pubDate>{published}</pubDate></item>"
        )
    head = "<title>OpenRouter Models</title><link>https://openrouter.ai/models</link>"
    about = "<description>The sandbox's catalogue</description>"
    feed = f'<rss version="2.0"><channel>{head}{about}{items}</channel></rss>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{feed}'.encode()
