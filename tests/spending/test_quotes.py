"""Quotes: what a call costs at most and about, what a model can't do, and who can do it for less."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.cli import main
from openrouter_toolkit.envelope import ActionError
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.spending import Listing, quote, worst_case

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
SMALL, LARGE, VISION = "acme/small", "acme/large", "other/vision"


def entry(name: str, price: str, *, context: int = 10_000, inputs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "context_length": context,
        "pricing": {"prompt": price, "completion": price},
        "architecture": {"input_modalities": ["text", *inputs], "output_modalities": ["text"]},
        "supported_parameters": [],
        **more,
    }


LISTING = Listing.read(
    json.dumps(
        {
            "data": [
                entry(SMALL, "0.000001"),
                entry(LARGE, "0.00001", supported_parameters=["tools"]),
                entry(VISION, "0.000005", inputs=("image",), supported_parameters=["tools"]),
                entry("openrouter/auto", "-1", inputs=("image",), supported_parameters=["tools"]),
            ]
        }
    )
)


def asked(model: str, content: Any = "What is 17 * 3?", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": 100, **more}


IMAGE = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
TOOLS = [{"type": "function", "function": {"name": "add"}}]


def test_it_is_what_budgets_reserve_and_less_is_likely() -> None:
    found = quote(CHAT, asked(SMALL), LISTING)
    assert found.most == worst_case(asked(SMALL), LISTING.prices)
    assert found.about is not None
    assert found.most is not None
    assert Decimal(0) < found.about < found.most
    assert (found.cheaper, found.problems) == ((), ())


def test_the_dearest_of_several_models_counts_and_the_first_is_likely() -> None:
    found = quote(CHAT, asked(SMALL, models=[LARGE]), LISTING)
    assert [one.model for one in found.models] == [SMALL, LARGE]
    assert found.most == found.models[1].most
    assert found.about == found.models[0].about


@pytest.mark.parametrize(
    ("arguments", "cheaper"),
    [
        (asked(LARGE), [SMALL, VISION]),
        (asked(LARGE, tools=TOOLS), [VISION]),
        (asked(LARGE, IMAGE), [VISION]),
        (asked(SMALL), []),
        (asked("openrouter/auto"), [SMALL, VISION, LARGE]),
        (asked(LARGE, "x" * 60_000), []),
    ],
)
def test_cheaper_ones_can_do_this_very_call(arguments: dict[str, Any], cheaper: list[str]) -> None:
    assert [one.model for one in quote(CHAT, arguments, LISTING).cheaper] == cheaper


def test_only_models_that_the_account_may_use_are_named() -> None:
    found = quote(CHAT, asked(LARGE), LISTING, usable={VISION})
    assert [one.model for one in found.cheaper] == [VISION]
    assert found.problems == (f"{LARGE} can't be used with this account",)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (asked(SMALL, IMAGE), "takes no image input"),
        (asked(SMALL, tools=TOOLS), "does not support tools"),
        (asked(SMALL, modalities=["image"]), "makes no image output"),
        (asked(SMALL, "x" * 60_000), "takes 10,000 tokens, and this call has about 15,101"),
        (asked("acme/smal"), "is not in the catalogue"),
    ],
)
def test_what_a_model_can_t_do_is_said(arguments: dict[str, Any], problem: str) -> None:
    (found,) = quote(CHAT, arguments, LISTING).problems
    assert found == f"{arguments['model']} {problem}"


def test_a_variant_of_a_model_is_known_by_its_model() -> None:
    assert quote(CHAT, asked(f"{SMALL}:nitro"), LISTING).problems == ()


@pytest.fixture
def registry(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> ToolRegistry:
    monkeypatch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("OPENROUTER_API_KEY", sandbox.api_key)
    return ToolRegistry.from_manifest()


def test_a_registry_quotes_and_sends_nothing_else(registry: ToolRegistry, sandbox: Sandbox) -> None:
    found = registry.quote(CHAT, asked("acme/atlas-small"))
    envelope = registry.execute(CHAT, asked("acme/atlas-small"))
    assert found.most is not None
    assert envelope.cost is not None
    assert envelope.cost <= found.most
    assert [request.path.rpartition("/")[2] for request in sandbox.requests] == ["models", "completions"]
    json.dumps(found.to_dict())


def test_reading_costs_nothing_and_asks_nobody(registry: ToolRegistry, sandbox: Sandbox) -> None:
    found = registry.quote("OPENROUTER_GET_CURRENT_KEY")
    assert (found.most, found.about) == (Decimal(0), Decimal(0))
    assert not found.models
    assert not sandbox.requests


@pytest.mark.parametrize(
    ("slug", "arguments", "type_"),
    [
        ("OPENROUTER_CREATE_CHAT", {}, "unknown_action"),
        (CHAT, {"model": "acme/atlas-small"}, "invalid_arguments"),
        (CHAT, "no object", "invalid_arguments"),
    ],
)
def test_what_can_t_be_called_can_t_be_quoted(registry: ToolRegistry, slug: str, arguments: Any, type_: str) -> None:
    with pytest.raises(ActionError) as refused:
        registry.quote(slug, arguments)
    assert refused.value.type == type_


def test_the_command_prints_a_table_or_json(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("OPENROUTER_API_KEY", sandbox.api_key)
    call = ["quote", "OPENROUTER_CREATE_COMPLETION", "prompt=Hello", "max_tokens=10"]
    assert main([*call, "model=acme/atlas-large"]) == 0
    table = capsys.readouterr().out
    assert "asked for" in table
    assert "can do it for less" in table
    assert main([*call, "model=acme/atlas-large", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"action", "most", "about", "models", "cheaper", "problems"}
    assert main([*call, "model=no/such"]) == 1
    assert "no/such is not in the catalogue" in capsys.readouterr().err
    assert main(["quote", "OPENROUTER_GET_CURRENT_KEY"]) == 0
    assert capsys.readouterr().out == "OPENROUTER_GET_CURRENT_KEY costs nothing.\n"
    assert main(["quote", "OPENROUTER_CREATE_COMPLETION"]) == 1
    assert "model" in capsys.readouterr().err
