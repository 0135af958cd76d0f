"""Other models, where another model is the way out of a failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.models.needs import Model, Needs
from openrouter_toolkit.openrouter.suggestions import Catalogue, suggest
from openrouter_toolkit.sandbox import Sandbox

from ..timing import cpu_below, quickest

Ask = Callable[..., Envelope]
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 40_000}}


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(client_options={"max_attempts": 1}) as registry:
        yield registry


@pytest.fixture
def ask(registry: ToolRegistry) -> Ask:
    def ask(model: str, content: Any = "What is 17 * 3?", **more: Any) -> Envelope:
        arguments = {"model": model, "messages": [{"role": "user", "content": content}], **more}
        return registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments)

    return ask


def suggested(envelope: Envelope) -> list[str]:
    assert not envelope.successful
    names: list[str] = json.loads(envelope.data)["error"].get("suggestions", [])
    assert len(names) <= 5
    assert all(name in str(envelope.error) for name in names)
    return names


def catalogue(registry: ToolRegistry) -> dict[str, Any]:
    return {m["id"]: m for m in json.loads(registry.execute("OPENROUTER_LIST_AVAILABLE_MODELS").data)["data"]}


def test_a_misspelt_id_is_answered_with_the_nearest(ask: Ask) -> None:
    assert suggested(ask("acme/atlas-smal"))[0] == "acme/atlas-small"
    assert suggested(ask("ACME/Atlas_Large"))[0] == "acme/atlas-large"


def test_without_a_near_name_the_cheapest_come_first(ask: Ask, registry: ToolRegistry) -> None:
    models = catalogue(registry)
    prices = [
        sum(float(models[name]["pricing"][kind]) for kind in ("prompt", "completion"))
        for name in suggested(ask("zzz/qqqqqq"))
    ]
    assert prices == sorted(prices)


def test_what_is_suggested_can_do_what_the_call_needs(ask: Ask, registry: ToolRegistry) -> None:
    models = catalogue(registry)
    for name in suggested(ask("sandbox/no-tools", tools=TOOLS)):
        assert "tools" in models[name]["supported_parameters"]
    for name in suggested(ask("initech/scribe", [{"type": "text", "text": "What is this?"}, PICTURE])):
        assert "image" in models[name]["architecture"]["input_modalities"]
    for name in suggested(ask("umbra/tiny", "word " * 4_000)):
        assert models[name]["context_length"] > 5_000
    for name in suggested(ask("acme/nothing", tools=TOOLS, reasoning={"effort": "low"})):
        assert {"tools", "reasoning"} <= set(models[name]["supported_parameters"])


def test_a_picture_is_not_counted_as_text(ask: Ask) -> None:
    assert "acme/atlas-small" in suggested(ask("initech/scribe", [{"type": "text", "text": "?"}, PICTURE]))


def test_messages_and_text_completions_have_suggestions_too(registry: ToolRegistry) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    arguments = {"model": "acme/atlas-smal", "messages": messages, "max_tokens": 10}
    assert suggested(registry.execute("OPENROUTER_CREATE_MESSAGE", arguments))[0] == "acme/atlas-small"
    arguments = {"model": "acme/atlas-smal", "prompt": "Hello"}
    assert suggested(registry.execute("OPENROUTER_CREATE_COMPLETION", arguments))[0] == "acme/atlas-small"


def test_other_failures_have_none_and_cost_no_look_up(ask: Ask, openrouter_sandbox: Sandbox) -> None:
    for model in ("sandbox/no-credits", "sandbox/moderated", "sandbox/rate-limited", "sandbox/provider-down"):
        assert suggested(ask(model)) == []
    assert {request.path for request in openrouter_sandbox.requests} == {"/chat/completions"}


def test_the_catalogue_is_looked_up_once(ask: Ask, openrouter_sandbox: Sandbox) -> None:
    for _ in range(4):
        suggested(ask("acme/nothing"))
    assert [request.path for request in openrouter_sandbox.requests].count("/models") == 1


def test_a_look_up_that_fails_is_no_failure_and_is_not_tried_each_time() -> None:
    asked: list[int] = []

    def broken() -> str:
        asked.append(1)
        raise OSError("no catalogue today")

    kept = Catalogue()
    assert [kept.models(broken, 1.0) for _ in range(3)] == [[], [], []]
    assert len(asked) == 1
    for rubbish in ("", "<html>", "[]", '{"data": [{}]}', '{"data": [{"id": "a/b", "pricing": 5}]}'):
        assert Catalogue().models(lambda text=rubbish: text, 1.0) == []  # type: ignore[misc]


GOOD = {
    "id": "a/good",
    "context_length": 1000,
    "pricing": {"prompt": "0", "completion": "0"},
    "supported_parameters": ["tools"],
    "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
}


@pytest.mark.parametrize(
    "bad",
    [
        None,
        5,
        "a/text",
        [],
        {},
        {"name": "no id"},
        {**GOOD, "id": None},
        {**GOOD, "id": ""},
        {**GOOD, "id": 7},
        {**GOOD, "context_length": "long"},
        {**GOOD, "context_length": float("inf")},
        {**GOOD, "pricing": 5},
        {**GOOD, "supported_parameters": 5},
        {**GOOD, "supported_parameters": [["tools"]]},
        {**GOOD, "architecture": "text"},
        {**GOOD, "architecture": {"input_modalities": 3}},
    ],
)
def test_a_bad_entry_of_the_catalogue_takes_no_other_with_it(bad: Any) -> None:
    found = Catalogue().models(lambda: json.dumps({"data": [bad, GOOD, bad]}), 1.0)
    assert [model.id for model in found] == ["a/good"]


def test_a_near_name_is_meant_and_an_unlike_one_is_not(ask: Ask) -> None:
    assert "Did you mean acme/atlas-small?" in str(ask("acme/atlas-smal").error)
    unlike = ask("zzz/qqqqqq")
    assert "Did you mean" not in str(unlike.error)
    assert "Models that can do this call" in str(unlike.error)


def test_a_model_that_exists_is_not_taken_for_another(ask: Ask) -> None:
    too_long = ask("umbra/tiny", "word " * 4_000)
    assert suggested(too_long)
    assert "Did you mean" not in str(too_long.error)


@pytest.mark.parametrize("chosen", ["ab-" * 66, "x" * 200, "acme/" + "atlas-" * 30, "a/b " * 5_000, "1" * 100])
def test_a_strange_id_costs_no_time(chosen: str) -> None:
    def model(number: int) -> Model:
        name = f"acme/atlas-{number}-large-instruct-2026-{number % 12}"
        return Model(name, 1000, 1.0, frozenset(), frozenset({"text"}), frozenset({"text"}))

    models = [model(number) for number in range(500)]
    with cpu_below(0.2):
        suggest(models, Needs(), chosen)


def test_a_slow_catalogue_makes_no_failure_slower_than_two_seconds(serve: Any, connect: Any) -> None:
    def script(exchange: Any) -> None:
        if "/models" in exchange.request.target:
            exchange.wait_until_left(8)
            exchange.cut()
        else:
            exchange.json({"error": {"code": 404, "message": "No such model"}}, status=404)

    registry = connect(serve(script).base_url)
    arguments = {"model": "acme/nothing", "messages": [{"role": "user", "content": "Hello"}]}
    took, envelope = quickest(lambda: registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments), below=3)
    assert took < 3
    assert json.loads(envelope.data)["error"]["message"] == "No such model"
    took, _ = quickest(lambda: registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments), below=1)
    assert took < 1


def test_the_order_is_nearest_then_cheapest() -> None:
    def model(name: str, price: float) -> Model:
        return Model(name, 1000, price, frozenset({"tools"}), frozenset({"text"}), frozenset({"text"}))

    models = [model("a/big", 9.0), model("b/other", 1.0), model("c/third", 0.5), model("a/bigger", 3.0)]
    needs = Needs(parameters={"tools"}, outputs={"text"}, tokens=10)
    assert suggest(models, needs, "a/bigg")[-2:] == ["c/third", "b/other"]
    assert suggest(models, Needs(tokens=5000), "a/bigg") == []
    assert suggest(models, needs, "b/other")[0] != "b/other"
