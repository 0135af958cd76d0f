"""Tool calls as models write them: names with something round them, and arguments that are encoded twice, or null."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

COUNT, GENERATION = "OPENROUTER_GET_MODELS_COUNT", "OPENROUTER_GET_GENERATION"


@pytest.mark.parametrize(
    "written",
    [
        f"{COUNT} ",
        f"\n{COUNT}\t",
        f"\u200b{COUNT}\ufeff",
        f'"{COUNT}"',
        f"`{COUNT}`",
        f"'{COUNT}' ",
        f"**{COUNT}**",
        f"{COUNT}()",
        f"functions.{COUNT}",
        f"functions.{COUNT}:0",
        f"default_api.{COUNT}",
        f"default_api:{COUNT}",
        f"tools/{COUNT}",
        f"mcp__openrouter__{COUNT}",
        f"openrouter__{COUNT}",
        f"{COUNT}<|channel|>json",
        f"functions.{COUNT}<|channel|>commentary",
        f"{COUNT}:12",
    ],
)
def test_what_is_usually_round_a_tools_name_is_taken_away(openrouter_sandbox: Sandbox, written: str) -> None:
    registry = ToolRegistry.from_manifest()
    result = registry.call_tool(written, "{}")
    assert not result.failed, result.text
    assert result.call.name == written


@pytest.mark.parametrize(
    "written",
    [
        f"{COUNT}_",
        f"X{COUNT}",
        f"{COUNT} {COUNT}",
        f"{COUNT}{COUNT}",
        f"please call {COUNT}",
        f"{COUNT}.run",
        COUNT.lower(),
        "",
        " ",
        None,
        5,
        ["a"],
        "x" * 100_000 + COUNT,
    ],
)
def test_anything_else_is_no_tool(written: Any) -> None:
    result = ToolRegistry.from_manifest().call_tool(written, "{}")
    assert json.loads(result.envelope.data)["error"]["type"] == "unknown_action"
    assert len(result.text) < 1_000


@pytest.mark.parametrize("slug", [f"{COUNT} ", f" {COUNT}", f"{COUNT}\n", f"{COUNT}\u200b"])
def test_a_slug_that_is_unknown_for_a_blank_is_shown_with_it(slug: str) -> None:
    envelope = ToolRegistry.from_manifest().execute(slug)
    assert f"There is no action {json.dumps(slug)}. Did you mean {COUNT}?" == envelope.error


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("arguments", [{"id": "gen-1"}, {"id": '{"a": "b"}'}])
def test_arguments_encoded_several_times_are_read(times: int, arguments: dict[str, str]) -> None:
    seen: list[Any] = []
    registry = ToolRegistry.from_manifest(before_execute=seen_by(seen))
    written: Any = arguments
    for _ in range(times):
        written = json.dumps(written)
    registry.call_tool(GENERATION, written)
    assert seen == [arguments]


def seen_by(seen: list[Any]) -> Any:
    def before(_action: Any, arguments: dict[str, Any], _user: str) -> None:
        seen.append(arguments)

    return before


@pytest.mark.parametrize(
    "nothing", [None, "", " \n", "null", " null ", '"null"', '""', '" "', json.dumps(json.dumps("null")), "{}", '"{}"']
)
def test_null_and_nothing_are_no_arguments(nothing: Any, openrouter_sandbox: Sandbox) -> None:
    result = ToolRegistry.from_manifest().call_tool(COUNT, nothing)
    assert not result.failed, result.text


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("[1]", "an array"),
        ('"[1]"', "an array"),
        ([1], "an array"),
        ("5", "a number"),
        ("true", "a truth value"),
        (json.dumps(json.dumps(json.dumps(json.dumps("{}")))), "text"),
    ],
)
def test_what_is_no_object_is_named(written: Any, kind: str) -> None:
    text = ToolRegistry.from_manifest().call_tool(GENERATION, written).text
    assert text == (
        f'The arguments of "{GENERATION}" are not a JSON object, but {kind}. Nothing was called. Write an object.'
    )


def test_whole_numbers_are_sent_as_integers(openrouter_sandbox: Sandbox) -> None:
    registry = ToolRegistry.from_manifest()
    chat = {
        "model": "acme/atlas-small",
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 50.0,
        "temperature": 1.0,
        "seed": "7",
    }
    assert not registry.call_tool("OPENROUTER_CREATE_CHAT_COMPLETION", chat).failed
    sent = openrouter_sandbox.requests[-1].body
    assert repr([sent[name] for name in ("max_tokens", "temperature", "seed")]) == "[50, 1.0, 7]"
    assert not registry.call_tool("OPENROUTER_LIST_AVAILABLE_MODELS", {"limit": 5.0}).failed
    assert openrouter_sandbox.requests[-1].query["limit"] == "5"
