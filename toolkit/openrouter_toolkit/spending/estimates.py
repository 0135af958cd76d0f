"""The worst case of a call: what it costs at most by the catalogue's prices, or None where nothing bounds it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from ..models.prices import Prices, highest_accepted

Catalogue = Mapping[str, Prices | None]

# More than any provider's documentation counts for one image: 48,169 tokens in high detail by OpenAI's smallest models.
_TOKENS_PER_IMAGE = 50_000
# What is usual: bytes of a prompt for a token, tokens for an image and for an answer.
_LIKELY_BYTES, _LIKELY_IMAGE, _LIKELY_ANSWER = 4, 1_000, 500
_IMAGES = frozenset({"image", "image_url", "input_image"})
# Their length in tokens can't be known from the call; the model's context bounds it.
_LONG_MEDIA = frozenset({"file", "document", "input_file", "input_audio", "audio", "video_url", "input_video", "video"})
# Parameters whose use is billed beyond tokens, or that may exchange the model.
_UNBOUNDED = ("plugins", "preset", "web_search_options", "mcp_servers", "fallbacks", "audio", "image_config")
# Tiers that cost what the catalogue says, or less.
_USUAL_TIERS = (None, "auto", "default", "flex", "standard_only")
_FUNCTION_TYPES = (None, "function", "custom")
_MAX_DEPTH = 100


@dataclass(slots=True)
class _Content:
    """What a call's arguments hold besides text."""

    images: int = 0
    long_media: bool = False
    caching: bool = False
    embedded: int = 0  # bytes of data inside that are no text


class ModelEstimate(NamedTuple):
    """What a call costs at most if one model answers it.

    Attributes:
        fixed: US dollars without the answer's tokens.
        per_token: US dollars for each of those.
        read: how many tokens it reads at most.
        written: how many it writes at most.
        about: US dollars about, see `quotes.ModelQuote`.
    """

    fixed: Decimal
    per_token: Decimal
    read: int
    written: int
    about: Decimal = Decimal(0)

    @property
    def cost(self) -> Decimal:
        """US dollars at most."""
        return self.fixed + self.per_token * self.written


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call costs at most, whichever of its models answers.

    Attributes:
        models: for each model that may answer.
        answers: how many answers are asked for.
    """

    models: tuple[ModelEstimate, ...]
    answers: int = 1

    @property
    def cost(self) -> Decimal:
        """US dollars at most."""
        return max(model.cost for model in self.models) * self.answers

    @property
    def tokens(self) -> int:
        """Tokens at most, read and written."""
        return max(model.read + model.written for model in self.models) * self.answers

    def longest_answer(self, dollars: Decimal | None = None, tokens: int | None = None) -> int | None:
        """Return the greatest `max_tokens` with which the call stays within these; None if there is none."""
        longest = min(model.written for model in self.models)
        if tokens is not None:
            longest = min(longest, *(tokens // self.answers - model.read for model in self.models))
        if dollars is not None:
            longest = min(longest, *(self._affordable(model, dollars) for model in self.models))
        return longest if longest > 0 else None

    def with_answer_of(self, max_tokens: int) -> Estimate:
        """Return the estimate of the same call with `max_tokens`."""
        models = (model._replace(written=min(model.written, max_tokens)) for model in self.models)
        return Estimate(tuple(models), self.answers)

    def _affordable(self, model: ModelEstimate, dollars: Decimal) -> int:
        """Return how many tokens one model may write for an amount; 0 or less if it is too dear without any."""
        left = dollars - model.fixed * self.answers
        price = model.per_token * self.answers
        if left < 0 or not price:
            return model.written if left >= 0 else 0
        return int(left // price)


def worst_case(arguments: Mapping[str, Any], catalogue: Catalogue) -> Decimal | None:
    """What a call costs at most in US dollars, see `estimate`; None if its price is unknown."""
    found = estimate(arguments, catalogue)
    return None if found is None else found.cost


def estimate(arguments: Mapping[str, Any], catalogue: Catalogue) -> Estimate | None:
    """What a call costs at most; None if its price is unknown.

    A prompt has at most as many tokens as its JSON has bytes, an answer as many as `max_tokens` or the model allow; of
    several models, the dearest counts, and each of `n` answers as a call of its own. The price of a router, or of a
    model that is not in the catalogue, is unknown unless `provider.max_price` bounds it; that of presets, plugins,
    tools that run at the provider and faster service tiers always is.
    """
    measured = MeasuredCall(arguments)
    models = [measured.estimate(model, catalogue) for model in models_of(arguments) or [""]]
    known = [model for model in models if model is not None]
    return Estimate(tuple(known), measured.answers) if len(known) == len(models) else None


class MeasuredCall:
    """A call's arguments, measured once, to be estimated for any model.

    Attributes:
        answers: how many answers are asked for.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.answers = _answers(arguments)
        self._arguments = arguments
        self._unbounded = _is_unbounded(arguments)
        self._accepted = highest_accepted(arguments.get("provider"))
        self._content = _content(arguments)
        text = len(json.dumps(arguments, ensure_ascii=False, default=str).encode(errors="replace"))
        self._text = text - self._content.embedded

    def estimate(self, model: str, catalogue: Catalogue) -> ModelEstimate | None:
        """What the call costs at most if a model answers it; None if its price is unknown."""
        if self._unbounded:
            return None
        prices = _bounded(_listed(catalogue, model), self._accepted)
        return None if prices is None else _cost(self._arguments, prices, self._content, self._text)


def models_of(arguments: Mapping[str, Any]) -> list[str]:
    """The models that may answer, as far as they are named; none of them means the account's default."""
    others = arguments.get("models")
    named = [arguments.get("model"), *(others if isinstance(others, list) else ())]
    return [model for model in named if isinstance(model, str)]


def _listed(catalogue: Catalogue, model: str) -> Prices | None:
    """A model's prices. The variant `:floor` asks for the cheapest provider; other unlisted ones may be dearer."""
    found = catalogue.get(model)
    return catalogue.get(model.removesuffix(":floor")) if found is None else found


def _bounded(prices: Prices | None, accepted: Mapping[str, Decimal]) -> Prices | None:
    """The prices under what the call accepts at most; None if neither is known."""
    prompt, completion = accepted.get("prompt"), accepted.get("completion")
    if prices is None:
        if prompt is None or completion is None:
            return None
        media = max(prompt, accepted.get("audio", prompt))
        image, request = (accepted.get(name, Decimal(0)) for name in ("image", "request"))
        return Prices(prompt, prompt, media, completion, image, request)
    return replace(
        prices,
        prompt=prices.prompt if prompt is None else min(prices.prompt, prompt),
        output=prices.output if completion is None else min(prices.output, completion),
        request=min(prices.request, accepted.get("request", prices.request)),
        image=min(prices.image, accepted.get("image", prices.image)),
    )


def _cost(arguments: Mapping[str, Any], prices: Prices, content: _Content, text: int) -> ModelEstimate | None:
    output = _most_output(arguments, prices)
    if output is None or (content.long_media and prices.context is None):
        return None
    tokens, likely = text + content.images * _TOKENS_PER_IMAGE, text // _LIKELY_BYTES + content.images * _LIKELY_IMAGE
    if prices.context is not None:
        tokens = prices.context if content.long_media else min(tokens, prices.context)
        likely = prices.context if content.long_media else min(likely, prices.context)
        output = min(output, prices.context)
    price = prices.cache_write if content.caching else prices.prompt
    if content.images or content.long_media:
        price = max(price, prices.media)
    others = content.images * prices.image + prices.request
    about = likely * price + min(output, _LIKELY_ANSWER) * prices.output + others
    return ModelEstimate(tokens * price + others, prices.output, tokens, output, about)


def _most_output(arguments: Mapping[str, Any], prices: Prices) -> int | None:
    limits = [arguments.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")]
    given = [limit for limit in limits if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0]
    return max(given, default=prices.max_output)


def _answers(arguments: Mapping[str, Any]) -> int:
    numbers = [arguments.get(name) for name in ("n", "best_of")]
    return max([number for number in numbers if isinstance(number, int) and number > 0], default=1)


def _is_unbounded(arguments: Mapping[str, Any]) -> bool:
    """Whether something else than tokens, images and requests may be billed."""
    modalities, tools = arguments.get("modalities"), arguments.get("tools")
    return (
        any(arguments.get(name) not in (None, "", []) for name in _UNBOUNDED)
        or arguments.get("service_tier") not in _USUAL_TIERS
        or arguments.get("speed") not in (None, "standard")
        or (isinstance(modalities, list) and modalities != ["text"])
        or any(isinstance(tool, Mapping) and tool.get("type") not in _FUNCTION_TYPES for tool in _listed_in(tools))
    )


def _listed_in(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _content(arguments: Mapping[str, Any]) -> _Content:
    content = _Content(caching=any(name.startswith("prompt_cache") for name in arguments))
    for part in _objects(arguments, 0):
        kind = part.get("type")
        content.caching |= "cache_control" in part
        if not isinstance(kind, str) or not (kind in _IMAGES or kind in _LONG_MEDIA):
            continue
        content.images += kind in _IMAGES
        content.long_media |= kind in _LONG_MEDIA
        content.embedded += len(json.dumps(part, ensure_ascii=False, default=str).encode(errors="replace"))
    return content


def _objects(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Every object inside, those of media without what is in them."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        yield value
        kind = value.get("type")
        if not isinstance(kind, str) or not (kind in _IMAGES or kind in _LONG_MEDIA):
            for item in value.values():
                yield from _objects(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item, depth + 1)
