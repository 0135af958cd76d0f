"""Every definition in every format against the vendors' published types and documented rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import mcp_types
import pytest
from anthropic.types import ToolParam
from composio.types import Tool as ComposioTool
from google.genai.types import FunctionDeclaration
from jsonschema import Draft7Validator, Draft202012Validator
from openai.types.chat import ChatCompletionFunctionToolParam
from openai.types.responses import FunctionToolParam
from pydantic import TypeAdapter

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.tool_calling import FORMATS, input_schema, why_not_strict
from openrouter_toolkit.tool_calling.schemas import reduced_schema

REGISTRY = ToolRegistry.from_manifest()
TYPES: dict[str, Any] = {
    "openai": ChatCompletionFunctionToolParam,
    "openai-responses": FunctionToolParam,
    "anthropic": ToolParam,
    "gemini": FunctionDeclaration,
    "gemini-reduced": FunctionDeclaration,
    "mcp": mcp_types.Tool,
    "composio": ComposioTool,
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


# What JSON Schema's keywords hold other schemas in.
BY_NAME, LISTED, SINGLE = ("properties",), ("anyOf",), ("items", "additionalProperties", "contentSchema")


def tools(name: str, extensions: bool = False, strict: bool = False) -> list[dict[str, Any]]:
    return REGISTRY.tools(name, extensions=extensions, strict=strict)


def schema_of(tool: dict[str, Any]) -> dict[str, Any]:
    tool = tool.get("function", tool)
    keys = ("parameters", "input_schema", "parameters_json_schema", "inputSchema", "input_parameters")
    return next((tool[key] for key in keys if key in tool), {"type": "object", "properties": {}})


def schemas_of(tool: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema of the input, and of the output where the format has one."""
    return [schema_of(tool), *(tool[key] for key in ("outputSchema", "output_parameters") if key in tool)]


def parts(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and all schemas in it, each with its path; `a.b[]` for items, `a{}` for further properties."""
    yield path, schema
    for keyword in BY_NAME:
        for name, part in schema.get(keyword, {}).items():
            yield from parts(part, f"{path}.{name}".lstrip("."))
    for keyword in LISTED:
        for part in schema.get(keyword, ()):
            yield from parts(part, path)
    for keyword, mark in zip(SINGLE, ("[]", "{}", ":"), strict=True):
        if isinstance(schema.get(keyword), dict):
            yield from parts(schema[keyword], path + mark)


def kinds(schema: dict[str, Any]) -> list[str]:
    """The types that a schema names."""
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def objects_in(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (part for _, part in parts(schema) if "object" in kinds(part))


@every_case
def test_the_vendors_own_type_takes_it_and_knows_every_key(name: str, extensions: bool, strict: bool) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(TYPES[name])
    for tool in tools(name, extensions, strict):
        adapter.validate_python(tool, extra="forbid")


@every_case
def test_names_and_schemas_keep_the_documented_rules(name: str, extensions: bool, strict: bool) -> None:
    for tool in tools(name, extensions, strict):
        named = tool.get("function", tool)
        assert re.fullmatch(NAMES[name], str(named.get("name") if name != "composio" else named["slug"]))
        for schema in schemas_of(tool):
            assert schema["type"] == "object"
            assert "x-extension" not in json.dumps(schema)
            assert "$ref" not in json.dumps(schema)


@every_case
def test_each_schema_is_one_by_the_meta_schema_of_today_and_of_those_clients_that_still_have_draft_7(
    name: str, extensions: bool, strict: bool
) -> None:
    for tool in tools(name, extensions, strict):
        for schema in schemas_of(tool):
            Draft202012Validator.check_schema(schema)
            Draft7Validator.check_schema(schema)


@every_case
def test_keywords_in_schemas_are_those_that_these_tests_look_into(name: str, extensions: bool, strict: bool) -> None:
    """A schema in another keyword (`oneOf`, `prefixItems`, `$defs`, ...) would be missed by `parts`."""
    known = {*BY_NAME, *LISTED, *SINGLE, "type", "required", "description", "enum", "pattern", "contentMediaType"}
    known |= {"minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems"}
    known |= {"maxProperties", "format", "default"}
    for tool in tools(name, extensions, strict):
        for schema in schemas_of(tool):
            assert {key for _, part in parts(schema) for key in part} - known == set()


@every_case
def test_each_part_of_a_schema_says_what_it_is(name: str, extensions: bool, strict: bool) -> None:
    """Who leaves something out is refused by a vendor (an array without items), or closed by a client (objects)."""
    allowed = r"[A-Za-z_]\w{0,63}" if name == "gemini-reduced" else r"[a-zA-Z0-9_.-]{1,64}"
    for tool in tools(name, extensions, strict):
        for schema in schemas_of(tool):
            for path, part in parts(schema):
                assert kinds(part) or "anyOf" in part, (path, "no type")
                assert len(kinds(part)) == len(set(kinds(part))), (path, "a type twice")
                if "array" in kinds(part):
                    assert isinstance(part.get("items"), dict), (path, "an array without items")
                if "object" in kinds(part):
                    required = part.get("required", [])
                    assert len(required) == len(set(required)), (path, "required twice")
                    assert set(required) <= set(part.get("properties", required)), (path, "required, but unknown")
                    if name != "gemini-reduced":
                        assert "additionalProperties" in part, (path, "an open object has to say that it is one")
                names = list(part.get("properties", {}))
                assert [one for one in names if not re.fullmatch(allowed, one)] == [], path
                assert len(part.get("enum", ())) == len({json.dumps(one) for one in part.get("enum", ())}), path


def test_an_action_s_name_leaves_room_for_what_clients_put_before_it() -> None:
    """64 characters for all: `mcp__openrouter__` of MCP clients; 60 for Composio's `LOCAL_` tools."""
    longest = max(map(len, REGISTRY.actions))
    assert longest + len("mcp__openrouter__") <= 60


@pytest.mark.parametrize("name", FORMATS)
def test_descriptions_are_there_and_short_enough_for_openai(name: str) -> None:
    """1,024 characters at the most, also where composio-core would cut them."""
    for tool in tools(name, extensions=True):
        told = [tool.get("function", tool)["description"]]
        for parameter in schema_of(tool)["properties"].values():
            alternatives = parameter.get("anyOf", ())
            told += [part["description"] for part in (parameter, *alternatives) if "description" in part][:1] or [""]
        assert all(0 < len(description) <= 1024 for description in told)


def test_a_list_of_types_is_where_the_api_takes_several_kinds_and_nowhere_else() -> None:
    """Some clients prefer `anyOf` (MCP Inspector's --strict warns), so a new one wants a second thought."""
    found = [
        (tool["function"]["name"].removeprefix("OPENROUTER_"), path)
        for tool in tools("openai")
        for path, part in parts(schema_of(tool))
        if isinstance(part.get("type"), list)
    ]
    assert found == [
        ("CREATE_CHAT_COMPLETION", "stop"),
        ("CREATE_CHAT_COMPLETION", "function_call"),
        ("CREATE_MESSAGE", "system"),
        ("CREATE_COMPLETION", "prompt"),
        ("CREATE_COMPLETION", "prompt[]"),
        ("CREATE_COMPLETION", "stop"),
    ]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object inside JSON."""
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(part)


REDUCIBLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": ["string", "null"], "description": "A."}, {"description": "A.", "type": "string"}),
    (
        {"description": "A.", "anyOf": [{"type": "string", "description": "B."}, {"type": "integer"}]},
        {"anyOf": [{"description": "A. B.", "type": "string"}, {"type": "integer"}]},
    ),
    (
        {"type": "object", "properties": {"a-b": {}}, "anyOf": [{"required": ["a-b"]}, {"required": ["c"]}]},
        {
            "anyOf": [
                {"type": "object", "properties": {"a_b": {}}, "required": ["a_b"]},
                {"type": "object", "properties": {"a_b": {}}, "required": ["c"]},
            ]
        },
    ),
    (
        {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "number"}]}, {"type": ["boolean", "array"]}]},
        {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}, {"type": "array"}]},
    ),
    (
        {"type": ["string", "integer"], "description": "A.", "anyOf": [{"minLength": 1}, {"maximum": 5}]},
        {
            "anyOf": [
                {"description": "A.", "minLength": 1, "type": "string"},
                {"type": "string", "maximum": 5},
                {"type": "integer", "minLength": 1},
                {"type": "integer", "maximum": 5},
            ]
        },
    ),
    ({"type": "array", "items": {"anyOf": [{"type": "null"}]}}, {"type": "array", "items": {}}),
]


@pytest.mark.parametrize(("schema", "reduced"), REDUCIBLE)
def test_a_reduced_schema_has_nothing_beside_anyof(schema: dict[str, Any], reduced: dict[str, Any]) -> None:
    assert all(list(node) == ["anyOf"] for node in nodes(reduced_schema(schema)) if "anyOf" in node)
    assert reduced_schema(schema) == reduced


@pytest.mark.parametrize("extensions", [False, True])
def test_no_declaration_for_vertex_has_anything_beside_anyof(extensions: bool) -> None:
    found = [node for tool in tools("gemini-reduced", extensions=extensions) for node in nodes(tool) if "anyOf" in node]
    assert len(found) > 3
    assert all(list(node) == ["anyOf"] for node in found)


@pytest.mark.parametrize("extensions", [False, True])
def test_the_reduced_schema_has_no_lists_of_types_and_only_texts_as_enums(extensions: bool) -> None:
    for tool in tools("gemini-reduced", extensions=extensions):
        for path, part in parts(schema_of(tool)):
            assert "additionalProperties" not in part
            assert isinstance(part.get("type", ""), str), path
            assert all(isinstance(value, str) for value in part.get("enum", ())), path


def test_a_dash_is_an_underscore_where_a_format_has_none() -> None:
    declared = {tool["name"]: schema_of(tool)["properties"] for tool in tools("gemini-reduced")}
    assert "X_Title" in declared["OPENROUTER_LIST_EMBEDDING_MODELS"]
    declared = {tool["name"]: schema_of(tool)["properties"] for tool in tools("gemini")}
    assert "X-Title" in declared["OPENROUTER_LIST_EMBEDDING_MODELS"]


@pytest.mark.parametrize("name", ["openai", "openai-responses"])
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


def test_a_request_to_anthropic_could_not_carry_the_toolkit_in_strict_mode_so_it_never_is() -> None:
    assert tools("anthropic", strict=True) == tools("anthropic")


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
