"""The worst case of a call by the catalogue's prices, exactly; None where nothing bounds it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from openrouter_toolkit.spending import read_catalogue, worst_case

USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}}
FILE = {"type": "file", "file": {"file_data": "https://files.example/long.pdf"}}


def entry(model: str, prompt: str = "0.000001", completion: str = "0.000002", **more: Any) -> dict[str, Any]:
    pricing = {"prompt": prompt, "completion": completion, **more.pop("pricing", {})}
    top = {"max_completion_tokens": more.pop("max_output", 1000)}
    return {"id": model, "context_length": 10_000, "pricing": pricing, "top_provider": top, **more}


def worst(arguments: dict[str, Any], *entries: dict[str, Any]) -> Decimal | None:
    return worst_case(
        {"model": "a/b", "messages": [USER], **arguments},
        read_catalogue(json.dumps({"data": list(entries) or [entry("a/b")]})),
    )


def size(arguments: dict[str, Any]) -> int:
    return len(json.dumps({"model": "a/b", "messages": [USER], **arguments}))


def priced(arguments: dict[str, Any], output: int, prompt: str = "0.000001", completion: str = "0.000002") -> Decimal:
    return size(arguments) * Decimal(prompt) + output * Decimal(completion)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_prompt_and_all_that_max_tokens_allows(name: str) -> None:
    assert worst({name: 50}) == priced({name: 50}, 50)


def test_without_max_tokens_the_models_own_ceiling_or_its_context() -> None:
    assert worst({}) == priced({}, 1000)
    assert worst({}, entry("a/b", max_output=None)) == priced({}, 10_000)


def test_each_of_n_answers_as_a_call_of_its_own() -> None:
    more = {"max_tokens": 50, "n": 3}
    assert worst(more) == 3 * priced(more, 50)


def test_the_dearest_of_models() -> None:
    more = {"max_tokens": 50, "models": ["a/b", "dear/one"]}
    assert worst(more, entry("a/b"), entry("dear/one", "0.1", "0.2")) == priced(more, 50, "0.1", "0.2")


def test_the_dearer_of_completion_and_reasoning() -> None:
    reasoning = entry("a/b", pricing={"internal_reasoning": "0.5"})
    assert worst({"max_tokens": 50}, reasoning) == priced({"max_tokens": 50}, 50, completion="0.5")


def test_the_dearest_condition_counts() -> None:
    night = entry("a/b", pricing={"overrides": [{"min_prompt_tokens": 200_000, "prompt": "0.9"}]})
    assert worst({"max_tokens": 50}, night) == priced({"max_tokens": 50}, 50, prompt="0.9")


def test_a_price_for_each_request_and_each_image_beside_its_tokens() -> None:
    each = entry("a/b", pricing={"request": "0.25", "image": "0.5"}, context_length=1_000_000)
    assert worst({"max_tokens": 50}, each) == priced({"max_tokens": 50}, 50) + Decimal("0.25")
    more = {"max_tokens": 50, "messages": [{"role": "user", "content": [IMAGE, IMAGE]}]}
    text = size(more) - 2 * len(json.dumps(IMAGE))
    tokens = (text + 2 * 50_000) * Decimal("0.000001") + 50 * Decimal("0.000002")
    assert worst(more, each) == tokens + 2 * Decimal("0.5") + Decimal("0.25")


def test_a_file_may_fill_the_context() -> None:
    more = {"max_tokens": 50, "messages": [{"role": "user", "content": [FILE]}]}
    assert worst(more) == 10_000 * Decimal("0.000001") + 50 * Decimal("0.000002")


def test_what_is_written_to_a_cache_may_cost_more() -> None:
    cached = entry("a/b", pricing={"input_cache_write": "0.3", "input_cache_write_1h": "0.4"})
    plain, asked = {"max_tokens": 50}, {"max_tokens": 50, "cache_control": {"type": "ephemeral"}}
    assert worst(plain, cached) == priced(plain, 50)
    assert worst(asked, cached) == priced(asked, 50, prompt="0.4")


def test_a_free_model_costs_nothing() -> None:
    assert worst({"model": "a/b:free"}, entry("a/b:free", "0", "0")) == 0


def test_floor_is_the_plain_model_and_other_variants_are_unknown() -> None:
    more = {"model": "a/b:floor", "max_tokens": 5}
    assert worst(more) == priced(more, 5)
    assert worst({"model": "a/b:nitro"}) is None
    assert worst({"model": "a/b:online"}) is None


UNKNOWN: list[dict[str, Any]] = [
    {"model": "openrouter/auto"},
    {"model": "nobody/none"},
    {"model": "@preset/mine"},
    {"preset": "mine"},
    {"models": ["a/b", "nobody/none"]},
    {"plugins": [{"id": "web"}]},
    {"web_search_options": {}},
    {"tools": [{"type": "openrouter:web_search"}]},
    {"service_tier": "priority"},
    {"modalities": ["text", "image"]},
]


@pytest.mark.parametrize("more", UNKNOWN, ids=lambda more: next(iter(more)))
def test_an_unknown_price(more: dict[str, Any]) -> None:
    assert worst({"max_tokens": 50, **more}, entry("a/b"), entry("openrouter/auto", "-1", "-1")) is None


def test_max_price_bounds_a_router_where_it_names_prompt_and_completion() -> None:
    accepted = {"prompt": "3", "completion": 15, "request": "0.1"}
    more = {"model": "openrouter/auto", "max_tokens": 50, "provider": {"max_price": accepted}}
    router = entry("openrouter/auto", "-1", "-1")
    assert worst(more, router) == priced(more, 50, "0.000003", "0.000015") + Decimal("0.1")
    assert worst({**more, "provider": {"max_price": {"prompt": 3}}}, router) is None
    del more["max_tokens"]
    assert worst(more, router) is None  # nothing bounds the answer's length


def test_max_price_bounds_a_model_that_is_dearer() -> None:
    more = {"max_tokens": 50, "provider": {"max_price": {"prompt": 0.5, "completion": 1}}}
    assert worst(more) == priced(more, 50, "0.0000005", "0.000001")
    assert worst({**more, "plugins": [{"id": "web"}]}) is None


def test_function_tools_are_tokens() -> None:
    more = {"max_tokens": 5, "tools": [{"type": "function", "function": {"name": "f"}}, {"name": "anthropics"}]}
    assert worst(more) == priced(more, 5)


@pytest.mark.parametrize("text", ["", "[]", '{"data": {}}', "<html>", '{"data": null}'])
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="catalogue of models can't be read"):
        read_catalogue(text)


def test_an_entry_of_another_shape_has_an_unknown_price() -> None:
    odd = [None, {"id": 5}, {"id": "x/y"}, {"id": "z/z", "pricing": {"prompt": "free", "completion": "0"}}]
    assert read_catalogue(json.dumps({"data": odd})) == {"x/y": None, "z/z": None}
