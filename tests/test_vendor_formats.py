"""Every definition in every format against the vendors' published types and documented rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import mcp_types
import pytest
from anthropic.types import ToolParam
from google.genai.types import FunctionDeclaration
from jsonschema import Draft202012Validator
from openai.types.chat import ChatCompletionFunctionToolParam
from openai.types.responses import FunctionToolParam
from pydantic import TypeAdapter

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.formats import FORMATS, input_schema, why_not_strict

REGISTRY = ToolRegistry.from_manifest()
TYPES: dict[str, Any] = {
    "openai": ChatCompletionFunctionToolParam,
    "openai-responses": FunctionToolParam,
    "anthropic": ToolParam,
    "gemini": FunctionDeclaration,
    "gemini-reduced": FunctionDeclaration,
    "mcp": mcp_types.Tool,
}
CASES = [(name, extensions, strict) for name in FORMATS for extensions in (False, True) for strict in (False, True)]
every_case = pytest.mark.parametrize(("name", "extensions", "strict"), CASES)
NAMES = {
    "openai": r"[A-Za-z0-9_-]{1,64}",
    "openai-responses": r"[A-Za-z0-9_-]{1,64}",
    "anthropic": r"[a-zA-Z0-9_-]{1,64}",
    "gemini": r"[A-Za-z_][\w.-]{0,63}",
    "gemini-reduced": r"[A-Za-z_][\w.-]{0,63}",
    "mcp": r"[A-Za-z0-9_.-]{1,64}",
    "composio": r"[A-Z0-9_]{1,64}",
}


def tools(name: str, extensions: bool = False, strict: bool = False) -> list[dict[str, Any]]:
    return REGISTRY.tools(name, extensions=extensions, strict=strict)


def schema_of(tool: dict[str, Any]) -> dict[str, Any]:
    tool = tool.get("function", tool)
    keys = ("parameters", "input_schema", "parameters_json_schema", "inputSchema", "input_parameters")
    return next((tool[key] for key in keys if key in tool), {"type": "object", "properties": {}})


def objects_in(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for item in schema:
            yield from objects_in(item)
    if isinstance(schema, dict):
        if schema.get("type") == "object" or "object" in (schema.get("type") or ()):
            yield schema
        for name, value in schema.items():
            if name not in ("enum", "const", "required"):
                yield from objects_in(list(value.values()) if name == "properties" else value)


@every_case
def test_the_vendors_own_type_takes_it_and_knows_every_key(name: str, extensions: bool, strict: bool) -> None:
    if name not in TYPES:
        pytest.skip("composio's own package is tried in its own environment")
    adapter: TypeAdapter[Any] = TypeAdapter(TYPES[name])
    for tool in tools(name, extensions, strict):
        adapter.validate_python(tool, extra="forbid")


@every_case
def test_names_and_schemas_keep_the_documented_rules(name: str, extensions: bool, strict: bool) -> None:
    for tool in tools(name, extensions, strict):
        named = tool.get("function", tool)
        assert re.fullmatch(NAMES[name], str(named.get("name") if name != "composio" else named["slug"]))
        schema = schema_of(tool)
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        for inner in objects_in(schema):
            required = inner.get("required", [])
            assert len(required) == len(set(required))
            assert set(required) <= set(inner.get("properties", required))
            if name != "gemini-reduced":
                assert "additionalProperties" in inner, "an open object has to say that it is one"
        assert "x-extension" not in json.dumps(schema)
        assert "$ref" not in json.dumps(schema)
        keys = list(schema["properties"])
        allowed = r"[A-Za-z_]\w{0,63}" if name == "gemini-reduced" else r"[a-zA-Z0-9_.-]{1,64}"
        assert [key for key in keys if not re.fullmatch(allowed, key)] == []


def test_the_reduced_schema_has_no_lists_of_types_and_only_texts_as_enums() -> None:
    for tool in tools("gemini-reduced", extensions=True):
        text = json.dumps(schema_of(tool))
        assert '"type": [' not in text
        assert "additionalProperties" not in text
        for found in re.findall(r'"enum": (\[.*?\])', text):
            assert all(isinstance(value, str) for value in json.loads(found))


def test_a_dash_is_an_underscore_where_a_format_has_none() -> None:
    declared = {tool["name"]: schema_of(tool)["properties"] for tool in tools("gemini-reduced")}
    assert "X_Title" in declared["OPENROUTER_LIST_EMBEDDING_MODELS"]
    declared = {tool["name"]: schema_of(tool)["properties"] for tool in tools("gemini")}
    assert "X-Title" in declared["OPENROUTER_LIST_EMBEDDING_MODELS"]


@pytest.mark.parametrize("name", ["openai", "openai-responses", "anthropic"])
def test_strict_is_what_can_be_strict_and_the_others_say_why_not(name: str) -> None:
    for tool in tools(name, strict=True):
        named = tool.get("function", tool)
        why = why_not_strict(input_schema(REGISTRY.actions[named["name"]], extensions=False))
        assert named.get("strict", False) is (why is None), why
        if why is None:
            schema = schema_of(tool)
            assert schema["required"] == list(schema["properties"])
            assert all(inner["additionalProperties"] is False for inner in objects_in(schema))
    why = why_not_strict(input_schema(REGISTRY.actions["OPENROUTER_CREATE_CHAT_COMPLETION"], extensions=False))
    assert why is not None
    assert "open object" in why


def test_mcp_hints_come_from_the_manifest() -> None:
    for tool in tools("mcp"):
        hints = REGISTRY.actions[tool["name"]].definition.annotations
        assert tool["annotations"]["readOnlyHint"] is hints.readOnlyHint
        assert tool["outputSchema"]["required"] == ["data", "successful"]


def test_only_what_is_made_brief_for_models_can_be_selected_from() -> None:
    for tool in tools("openai"):
        brief = REGISTRY.actions[tool["function"]["name"]].definition.brief
        assert ("select" in schema_of(tool)["properties"]) is (brief is not None)
    assert not any("select" in schema_of(tool)["properties"] for tool in tools("composio"))
