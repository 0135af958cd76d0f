"""What the toolkit costs a model's context, in tokens (o200k_base): its definitions, and lists before and after.

The numbers are printed as a table at the end of a run.
"""

from __future__ import annotations

import json
import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling.options import DEFAULT_LIMIT
from openrouter_toolkit.tool_calling.summary import for_model

RECORDINGS = Path(os.environ.get("OPENROUTER_RECORDINGS") or Path(__file__).parents[2] / "shared/recordings") / "models"
# With the withdrawn action, which is offered only if it is named.
REGISTRY = ToolRegistry.from_manifest(allow=ToolRegistry.from_manifest().actions)
FURTHER = ToolRegistry.from_manifest(toolsets=[*REGISTRY.loaded.toolsets])
BRIEFS = {slug: action.definition.brief for slug, action in REGISTRY.actions.items() if action.definition.brief}
MODELS = "OPENROUTER_LIST_AVAILABLE_MODELS"
DOCUMENTED = REGISTRY.toolkit.earlier_versions["20260316_00"]
# What an action's definition costs at the most, as OpenAI takes it, without and with extensions; and those that may
# cost more.
MOST = (250, 300)
LARGER = {
    "OPENROUTER_CREATE_CHAT_COMPLETION": (550, 2300),
    "OPENROUTER_CREATE_COMPLETION": (330, 1400),
    "OPENROUTER_CREATE_MESSAGE": (620, 1600),
    MODELS: (250, 1150),
}
# The same for the actions of further toolsets.
FURTHER_MOST = (400, 650)
FURTHER_LARGER = {
    "OPENROUTER_CREATE_GUARDRAIL": (640, 1000),
    "OPENROUTER_UPDATE_GUARDRAIL": (640, 1000),
    "OPENROUTER_CREATE_PRESET_FROM_CHAT_COMPLETION": (400, 1600),
    "OPENROUTER_CREATE_PRESET_FROM_MESSAGE": (450, 1200),
    "OPENROUTER_CREATE_PRESET_FROM_RESPONSE": (400, 1500),
}
# Each list, the arguments that it wants; how many times fewer tokens at the least, how many a row at the most.
LISTS: list[tuple[str, dict[str, str], float, float]] = [
    (MODELS, {}, 11, 18),
    ("OPENROUTER_LIST_USER_MODELS", {}, 11, 18),
    ("OPENROUTER_LIST_EMBEDDING_MODELS", {}, 5.5, 14),
    ("OPENROUTER_LIST_MODEL_ENDPOINTS", {"author": "acme", "slug": "atlas-large"}, 3, 32),
    ("OPENROUTER_LIST_PROVIDERS", {}, 2, 15),
    ("OPENROUTER_LIST_ZDR_ENDPOINTS", {}, 10, 23),
]


@cache
def encoding() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of importlib.resources, in bpe-openai
        import bpe_openai  # type: ignore[import-untyped]

        return bpe_openai.get_encoding("o200k_base")


def tokens(text: str) -> int:
    return len(encoding().encode_ordinary(text))


class Table:
    """The lines that are shown below the tests' results."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("tokens that a model reads (o200k_base)")
        for line in self.lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Table:
    table = Table()
    request.config.pluginmanager.register(table)
    return table


def compare(table: Table, name: str, before: str, after: str) -> tuple[float, float]:
    """How many times fewer tokens the brief form has, and how many a row of it has."""
    rows = json.loads(after)["rows"]
    fewer, a_row = tokens(before) / tokens(after), tokens("\n".join(rows)) / len(rows)
    table.lines.append(
        f"{name:<45} {len(rows):>4} rows {tokens(before):>7} -> {tokens(after):>5} tokens, "
        f"1/{fewer:<4.1f} {a_row:>3.0f} a row, {len(before):>7} -> {len(after):>5} characters"
    )
    return fewer, a_row


@pytest.mark.parametrize(("slug", "arguments", "least_fewer", "most_a_row"), LISTS)
def test_a_list_of_the_sandbox_costs_a_fraction(
    slug: str,
    arguments: dict[str, str],
    least_fewer: float,
    most_a_row: float,
    table: Table,
    openrouter_sandbox: Sandbox,
) -> None:
    """These lists are short, so that the legend is much of what is left."""
    with ToolRegistry.from_manifest() as registry:
        result = registry.call_tool(slug, arguments)
    assert not result.failed
    fewer, a_row = compare(table, slug, result.envelope.data, result.text)
    assert fewer >= least_fewer
    assert a_row <= most_a_row


def test_every_list_is_measured() -> None:
    assert {slug for slug, *_ in LISTS} == set(BRIEFS)


@pytest.fixture(params=["full-catalogue-2026-08", "llm-openrouter-test-llm-models-0"])
def recorded(request: pytest.FixtureRequest) -> tuple[str, str]:
    path = RECORDINGS / f"{request.param}.json"
    if not path.is_file():
        pytest.skip(f"no recorded catalogue at {path}; OPENROUTER_RECORDINGS names the folder of recordings")
    return path.stem, json.loads(path.read_text(encoding="utf-8"))["response"]["body"]


def brief(data: str, limit: int = DEFAULT_LIMIT) -> str:
    return for_model(data, BRIEFS[MODELS].model_dump(), limit=limit)


def test_a_recorded_catalogue_costs_a_fraction(recorded: tuple[str, str], table: Table) -> None:
    name, data = recorded
    fewer, a_row = compare(table, name, data, after := brief(data))
    assert "cut" not in json.loads(after)
    assert len(after) <= DEFAULT_LIMIT
    assert tokens(after) <= 10_000
    assert fewer >= (18.5 if len(data) > 600_000 else 12.5)  # in the small one the legend counts
    assert a_row <= 24


@pytest.mark.parametrize("limit", [1000, 4000, 10_000, DEFAULT_LIMIT])
def test_a_limit_in_characters_limits_the_tokens_too(recorded: tuple[str, str], limit: int) -> None:
    """A row is identifiers and numbers: about two characters a token."""
    after = brief(recorded[1], limit)
    assert len(after) <= limit
    assert tokens(after) <= limit * 0.53


@pytest.mark.parametrize("slug", FURTHER.actions)
def test_a_definition_of_a_further_toolset_costs_little(slug: str) -> None:
    for extensions, most in zip((False, True), FURTHER_LARGER.get(slug, FURTHER_MOST), strict=True):
        definition = dict(zip(FURTHER.actions, FURTHER.tools(extensions=extensions), strict=True))[slug]
        assert tokens(json.dumps(definition, separators=(",", ":"), ensure_ascii=False)) <= most


@pytest.mark.parametrize("slug", REGISTRY.actions)
def test_a_definition_costs_little(slug: str) -> None:
    for extensions, most in zip((False, True), LARGER.get(slug, MOST), strict=True):
        assert _cost("openai", [slug], extensions=extensions) <= most


@pytest.mark.parametrize(
    ("name", "documented", "everything"),
    [
        ("openai", 2500, 6550),
        ("openai-responses", 2500, 6550),
        ("anthropic", 2450, 6500),
        ("gemini", 2450, 6500),
        ("gemini-reduced", 2300, 6400),
        ("mcp", 7000, 11_050),
        ("composio", 8250, 12_300),
    ],
)
def test_the_documented_actions_together_cost_little(name: str, documented: int, everything: int, table: Table) -> None:
    cost = [_cost(name, DOCUMENTED, extensions=extensions) for extensions in (False, True)]
    table.lines.append(f"definitions, {name:<32} {cost[0]:>7} tokens, {cost[1]} with extensions")
    assert documented * 0.95 <= cost[0] <= documented, "change the bound too"
    assert everything * 0.95 <= cost[1] <= everything, "change the bound too"


def _cost(name: str, slugs: list[str], *, extensions: bool) -> int:
    """The tokens of these actions' definitions, as compact JSON."""
    definitions = dict(zip(REGISTRY.actions, REGISTRY.tools(name, extensions=extensions), strict=True))
    text = json.dumps([definitions[slug] for slug in slugs], separators=(",", ":"), ensure_ascii=False)
    assert name != "openai" or extensions or len(text) <= 11_000
    return tokens(text)
