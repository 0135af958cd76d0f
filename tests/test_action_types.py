"""The actions' names and arguments as types: as the schemas say, and as mypy uses them."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, is_typeddict

import pytest

from openrouter_toolkit import OpenRouterRegistry, ToolRegistry, action_types
from openrouter_toolkit.manifest import Action, load
from openrouter_toolkit.sandbox import Sandbox

from .schemas.action_types import TARGET, type_of, write

TOOLKIT = Path(__file__).parents[1] / "toolkit"
ACTIONS = load().all_actions
PROGRAM = """\
from collections.abc import Mapping
from typing import Any
from openrouter_toolkit import OpenRouterRegistry, ToolRegistry
from openrouter_toolkit.action_types import ActionSlug, CreateChatCompletionArguments, GetGenerationArguments

typed = OpenRouterRegistry.from_manifest(read_only=True)
typed.execute("OPENROUTER_GET_GENERATION", {"id": "gen-1"}, user_id="alice", timeout=3)
typed.execute("OPENROUTER_GET_GENERATION", {"idd": "gen-1"})  # call-overload
typed.execute("OPENROUTER_GET_GENERATION", {"id": 5})  # call-overload
typed.execute("OPENROUTER_GET_GENERATION", {})  # call-overload
typed.execute("OPENROUTER_GET_GENERATION")  # call-overload
typed.execute("OPENROUTER_GET_GENERATIONS", {"id": "gen-1"})  # call-overload
typed.execute("OPENROUTER_LIST_PROVIDERS", timeout="soon")  # call-overload
typed.execute("OPENROUTER_LIST_PROVIDERS")
typed.execute("OPENROUTER_OPENROUTER_LIST_PROVIDERS", {})
typed.execute("OPENROUTER_LIST_AVAILABLE_MODELS", {"category": "poetry"})  # call-overload
typed.execute("OPENROUTER_LIST_AVAILABLE_MODELS", {"category": "science", "limit": 5, "zdr": "true"})
conversation = [{"role": "user", "content": "What is 17 * 3?"}]
asked = {"model": "a/b", "messages": conversation}
typed.stream("OPENROUTER_CREATE_COMPLETION", {"model": "a/b", "prompt": "One, two", "X-OpenRouter-Cache": True})
typed.stream("OPENROUTER_CREATE_COMPLETION", {"model": "a/b", "prompt": "One, two", "temprature": 1})  # call-overload
typed.stream("OPENROUTER_CREATE_CHAT_COMPLETION", asked)  # call-overload
typed.stream("OPENROUTER_LIST_PROVIDERS", {})  # call-overload
slug: ActionSlug = "OPENROUTER_GET_CREDIT"  # assignment
question: CreateChatCompletionArguments = {"model": "a/b", "messages": conversation}
question["temprature"] = 1  # typeddict-unknown-key

async def main(arguments: GetGenerationArguments) -> str | None:
    envelope = await typed.execute_async("OPENROUTER_GET_GENERATION", arguments)
    await typed.execute_async("OPENROUTER_LIST_MODEL_ENDPOINTS", arguments)  # call-overload
    async for event in typed.stream("OPENROUTER_CREATE_MESSAGE", {"model": "a/b", "messages": [], "max_tokens": 5}):
        print(event)
    return envelope.text

def anything(registry: ToolRegistry, name: str, given: dict[str, str], other: Mapping[str, Any]) -> None:
    registry.execute("WEATHER_GET_FORECAST", {"city": "Oslo"})
    registry.execute(name, given)
    registry.stream(name, other)
    registry.execute("OPENROUTER_GET_GENERATION", GetGenerationArguments(id="gen-1"))
    registry.execute(name, GetGenerationArguments(idd="gen-1"))  # typeddict-item, typeddict-unknown-key
    registry.execute(name, ["gen-1"])  # arg-type

anything(typed, "WEATHER_GET_FORECAST", {}, {})
"""


def arguments_of(action: Action) -> Any:
    name = action.slug.removeprefix("OPENROUTER_").title().replace("_", "") + "Arguments"
    return getattr(action_types, name)


def test_the_module_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == write(), "run `make types`"


def test_every_slug_is_a_name() -> None:
    slugs = [slug for action in ACTIONS for slug in (action.slug, *action.aliases)]
    assert list(get_args(action_types.ActionSlug)) == slugs


@pytest.mark.parametrize("action", ACTIONS, ids=str)
def test_the_arguments_are_those_of_the_schema(action: Action) -> None:
    arguments = arguments_of(action)
    assert is_typeddict(arguments)
    schema = action.definition.input_parameters
    assert arguments.__required_keys__ | arguments.__optional_keys__ == schema["properties"].keys()


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        ({}, "Any"),
        ({"type": "number"}, "float"),
        ({"type": ["array", "null"], "items": {"type": "string"}}, "list[str] | None"),
        ({"type": "array"}, "list[Any]"),
        ({"anyOf": [{"enum": ["auto", 1]}, {"type": "object"}]}, "Literal['auto', 1] | dict[str, Any]"),
        ({"anyOf": [{"type": "string", "minLength": 1}, {"type": "string"}]}, "str"),
    ],
    ids=str,
)
def test_the_type_of_a_parameter(schema: dict[str, Any], type_: str) -> None:
    assert type_of(schema) == type_


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("execute", action_types.ExecuteOptions),
        ("execute_async", action_types.ExecuteOptions),
        ("stream", action_types.StreamOptions),
    ],
)
def test_the_options_are_those_of_the_registry(method: str, options: Any) -> None:
    parameters = inspect.signature(getattr(ToolRegistry, method)).parameters
    assert options.__annotations__.keys() == parameters.keys() - {"self", "slug", "arguments"}


def test_it_does_what_a_registry_does(openrouter_sandbox: Sandbox) -> None:
    with OpenRouterRegistry.from_manifest() as registry:
        assert registry.execute("OPENROUTER_GET_MODELS_COUNT").successful
        assert asyncio.run(registry.execute_async("OPENROUTER_GET_MODELS_COUNT", {}, timeout=10)).successful
        question: action_types.CreateChatCompletionArguments = {
            "model": "acme/atlas-small",
            "messages": [{"role": "user", "content": "What is 17 * 3?"}],
        }
        stream = registry.stream("OPENROUTER_CREATE_CHAT_COMPLETION", question, user_id="default")
        assert "".join(event.text for event in stream if event.kind == "text") == "17 * 3 = 51"


def test_arguments_may_be_any_mapping(openrouter_sandbox: Sandbox) -> None:
    arguments = MappingProxyType({"author": "acme", "slug": "atlas-small"})
    with ToolRegistry.from_manifest() as registry:
        assert registry.execute("OPENROUTER_LIST_MODEL_ENDPOINTS", arguments).successful
        assert registry.stream("OPENROUTER_LIST_MODEL_ENDPOINTS", arguments).envelope.successful


def test_mypy_finds_what_is_misspelt_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", "cache", "program.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(TOOLKIT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    found = re.findall(r"^program\.py:(\d+): error: .*\[(.*)\]$", done.stdout, re.MULTILINE)
    wanted = [
        (str(number), code)
        for number, line in enumerate(PROGRAM.splitlines(), 1)
        if "  # " in line
        for code in line.partition("  # ")[2].split(", ")
    ]
    assert found == wanted, done.stdout + done.stderr


def test_a_start_does_not_load_them() -> None:
    program = (
        "import sys; from openrouter_toolkit import ToolRegistry; ToolRegistry.from_manifest().tools();"
        "print([name for name in sys.modules if 'action_types' in name or 'notebook' in name or 'streamed_' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("['openrouter_toolkit.tool_calling.streamed_answers']\n", "")
