"""What others get of each definition, format by format; `UPDATE_SNAPSHOTS=1` writes the snapshots anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openai.types.chat import ChatCompletionFunctionToolParam
from pydantic import TypeAdapter

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.tool_calling import FORMATS

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = os.environ.get("UPDATE_SNAPSHOTS") == "1"
# With the withdrawn action, which is offered only if it is named.
REGISTRY = ToolRegistry.from_manifest(allow=ToolRegistry.from_manifest().actions)
FURTHER = ToolRegistry.from_manifest(toolsets=[*REGISTRY.loaded.toolsets])

every_format = pytest.mark.parametrize("format_name", FORMATS)


def printed(definition: Any) -> str:
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def marks(value: Any) -> list[str]:
    """All keys in a definition that are marks of ours."""
    if isinstance(value, list):
        return [mark for item in value for mark in marks(item)]
    if isinstance(value, dict):
        return [key for key in value if key == "x-extension"] + [m for item in value.values() for m in marks(item)]
    return []


@every_format
@pytest.mark.parametrize("slug", REGISTRY.actions)
def test_a_definition_is_what_its_snapshot_shows(slug: str, format_name: str) -> None:
    definition = dict(zip(REGISTRY.actions, REGISTRY.tools(format_name), strict=True))[slug]
    snapshot = SNAPSHOTS / format_name / f"{slug}.json"
    if UPDATE:
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        snapshot.write_text(printed(definition), encoding="utf-8", newline="\n")
    assert snapshot.is_file(), "run `make snapshots`"
    assert snapshot.read_text(encoding="utf-8") == printed(definition), "it changed: see `make snapshots`"


@pytest.mark.parametrize("slug", FURTHER.actions)
def test_an_action_of_a_further_toolset_is_what_its_snapshot_shows(slug: str) -> None:
    """One format is enough, with all parameters: the others are made of the same definition."""
    definition = dict(zip(FURTHER.actions, FURTHER.tools("openai", extensions=True), strict=True))[slug]
    snapshot = further_snapshot(slug)
    if UPDATE:
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        snapshot.write_text(printed(definition), encoding="utf-8", newline="\n")
    assert snapshot.is_file(), "run `make snapshots`"
    assert snapshot.read_text(encoding="utf-8") == printed(definition), "it changed: see `make snapshots`"


def further_snapshot(slug: str) -> Path:
    return SNAPSHOTS / "further" / FURTHER.actions[slug].toolset / f"{slug}.json"


def test_there_is_no_snapshot_of_what_does_not_exist() -> None:
    wanted = {SNAPSHOTS / name / f"{slug}.json" for name in FORMATS for slug in REGISTRY.actions}
    wanted |= set(map(further_snapshot, FURTHER.actions))
    stale = {path for path in SNAPSHOTS.rglob("*") if path.is_file()} - wanted
    if UPDATE:
        for path in stale:
            path.unlink()
        for folder in sorted((path for path in SNAPSHOTS.rglob("*") if path.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
        stale = set()
    assert stale == set()


@every_format
def test_definitions_come_in_the_order_of_the_manifest_and_no_more_than_are_usable(format_name: str) -> None:
    chosen = ToolRegistry.from_manifest(deny=["write"]).tools(format_name)
    everything = REGISTRY.tools(format_name)
    assert len(everything) == len(REGISTRY.actions)
    assert chosen == [tool for tool in everything if tool in chosen]
    assert 0 < len(chosen) < len(everything)


@every_format
def test_our_marks_never_leave(format_name: str) -> None:
    assert marks(REGISTRY.actions["OPENROUTER_GET_CREDITS"].definition.input_parameters) != []
    for extensions in (False, True):
        assert marks(REGISTRY.tools(format_name, extensions=extensions)) == []


@every_format
def test_a_definition_is_plain_json(format_name: str) -> None:
    tools = REGISTRY.tools(format_name)
    assert json.loads(json.dumps(tools)) == tools


@every_format
def test_who_changes_a_definition_does_not_change_the_registrys(format_name: str) -> None:
    def spoil(value: Any) -> None:
        if isinstance(value, dict):
            for item in value.values():
                spoil(item)
            value.clear()
        elif isinstance(value, list):
            for item in value:
                spoil(item)
            value.clear()

    before = json.dumps(REGISTRY.tools(format_name, extensions=True))
    for extensions in (False, True):
        spoil(REGISTRY.tools(format_name, extensions=extensions))
    assert json.dumps(REGISTRY.tools(format_name, extensions=True)) == before
    assert "id: required" in str(REGISTRY.execute("OPENROUTER_GET_GENERATION", {}).error)


def parameters(*, extensions: bool) -> dict[str, dict[str, Any]]:
    tools = REGISTRY.tools("openai", extensions=extensions)
    return {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools}


def test_documented_parameters_are_shown_and_the_others_only_when_asked_for() -> None:
    shown, whole = parameters(extensions=False), parameters(extensions=True)
    for slug, action in REGISTRY.actions.items():
        schema = action.definition.input_parameters
        documented = [name for name, one in schema["properties"].items() if not one.get("x-extension")]
        added = ["select"] if action.definition.brief is not None else []
        assert list(shown[slug]["properties"]) == documented + added
        assert list(whole[slug]["properties"]) == list(schema["properties"]) + added
    assert list(shown["OPENROUTER_GET_GENERATION"]["properties"]) == ["id"]
    assert "tools" in whole["OPENROUTER_CREATE_CHAT_COMPLETION"]["properties"]
    assert "tools" not in shown["OPENROUTER_CREATE_CHAT_COMPLETION"]["properties"]


@pytest.mark.parametrize("extensions", [False, True])
def test_parameters_are_closed_objects_that_require_only_what_they_show(extensions: bool) -> None:
    for schema in parameters(extensions=extensions).values():
        Draft202012Validator.check_schema(schema)
        assert (schema["type"], schema["additionalProperties"]) == ("object", False)
        assert set(schema.get("required", ())) <= set(schema["properties"])


def test_openai_takes_each_as_a_tool() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(ChatCompletionFunctionToolParam)
    for extensions in (False, True):
        for tool in REGISTRY.tools("openai", extensions=extensions):
            assert adapter.validate_python(tool, extra="forbid") == tool


def test_composio_gets_its_own_words() -> None:
    tool = next(tool for tool in REGISTRY.tools("composio") if tool["slug"] == "OPENROUTER_GET_CREDITS")
    assert tool["toolkit"] == {
        "slug": "openrouter",
        "name": "OpenRouter",
        "logo": "https://logos.composio.dev/api/openrouter",
    }
    assert tool["version"] == REGISTRY.toolkit.version
    assert tool["available_versions"] == [REGISTRY.toolkit.version, "20260316_00"]
    assert tool["output_parameters"]["required"] == ["data", "successful"]


def test_composio_is_told_the_versions_that_have_the_action() -> None:
    earlier = {tool["slug"] for tool in REGISTRY.tools("composio") if "20260316_00" in tool["available_versions"]}
    assert earlier == set(REGISTRY.toolkit.earlier_versions["20260316_00"])
