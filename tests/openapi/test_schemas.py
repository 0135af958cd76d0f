"""OpenAPI's schemas as JSON Schema: what is kept, translated, left out and cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from openrouter_toolkit.openapi.document import Document
from openrouter_toolkit.openapi.schemas import TooLarge, Translator

Json = dict[str, Any]
NODE: Json = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "inner": {"$ref": "#/components/schemas/Node"}},
    "required": ["name"],
}
PET: Json = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {"id": {"type": "integer", "readOnly": True}, "name": {"type": "string", "writeOnly": True}},
}


def translate(schema: Any, schemas: Json | None = None, *, depth: int = 6) -> Json:
    document = Document({"openapi": "3.0.0", "components": {"schemas": {"Node": NODE, "Pet": PET, **(schemas or {})}}})
    translated = Translator(document, depth=depth, budget=1_000).translate(schema)
    Draft202012Validator.check_schema(translated)
    return translated


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": ["string", "null"], "const": "a"}, {"type": ["string", "null"], "const": "a"}),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 1}),
        ({"type": "integer", "maximum": 9, "exclusiveMaximum": False}, {"type": "integer", "maximum": 9}),
        ({"type": "number", "exclusiveMinimum": 0.5}, {"type": "number", "exclusiveMinimum": 0.5}),
        (
            {"type": "string", "format": "date", "default": "2026-11-30", "minLength": 1, "maxLength": 10.0},
            {"type": "string", "format": "date", "default": "2026-11-30", "minLength": 1, "maxLength": 10},
        ),
        ({"type": "string", "pattern": "^[a-z]+$"}, {"type": "string", "pattern": "^[a-z]+$"}),
        ({"type": "string", "pattern": r"^\p{L}+$"}, {"type": "string"}),
        ({"type": "string", "minLength": "3", "maxLength": -1, "format": 7, "enum": "ab"}, {"type": "string"}),
        ({"type": "any", "minimum": True}, {}),
        ({"type": "string", "xml": {}, "x-odd": 1, "example": "a", "externalDocs": {}}, {"type": "string"}),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, None),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": "array", "prefixItems": [{"type": "string"}], "items": False}, {"type": "array", "items": {}}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, None),
        ({"type": "object", "additionalProperties": False}, None),
        ({"type": "object", "additionalProperties": True}, {"type": "object"}),
        (
            {"properties": {"a": {}}, "required": ["a", "b", "a"]},
            {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        ),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["string", "null"]}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"oneOf": [{"type": "string"}, {}]}, {}),
        ({"oneOf": [{"type": "string"}, {"type": "string"}]}, {"type": "string"}),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        ),
        ({"not": {"type": "string"}, "if": {}, "$id": "https://x.example", "$schema": "y", "$defs": {}}, {}),
        (True, {}),
        ("odd", {}),
        (
            {"$ref": "#/components/schemas/Pet"},
            {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        ),
        (
            {"nullable": True, "description": "Mine.", "allOf": [{"$ref": "#/components/schemas/Node"}]},
            {
                "type": ["object", "null"],
                "description": "Mine.",
                "properties": {
                    "name": {"type": "string"},
                    "inner": {"type": "object", "description": "Nested like the object that it is in."},
                },
                "required": ["name"],
            },
        ),
        (
            {
                "allOf": [
                    {"$ref": "#/components/schemas/Pet"},
                    {"properties": {"age": {"type": "integer"}}, "required": ["age"]},
                ]
            },
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                "required": ["name", "age"],
            },
        ),
        (
            {"type": "string", "deprecated": True, "description": "Old."},
            {"type": "string", "description": "Deprecated. Old."},
        ),
    ],
)
def test_a_schema_becomes(schema: Any, expected: Json | None) -> None:
    assert translate(schema) == (schema if expected is None else expected)


def test_circles_end() -> None:
    schemas: Json = {
        "A": {"allOf": [{"$ref": "#/components/schemas/B"}]},
        "B": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "string"}]},
        "C": {"$ref": "#/components/schemas/C"},
    }
    assert translate({"$ref": "#/components/schemas/A"}, schemas) == {}
    assert translate({"$ref": "#/components/schemas/C"}, schemas) == {
        "description": "Nested like the object that it is in."
    }


def test_depth_is_cut_with_a_note() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object", "description": "Some", "properties": {"b": {}}}}}
    assert translate(schema, depth=1)["properties"]["a"] == {
        "type": "object",
        "description": "Some. The API's documentation has its members.",
    }


def test_what_multiplies_is_stopped_early() -> None:
    schemas: Json = {"S8": {}} | {
        f"S{level}": {"properties": {f"p{n}": {"$ref": f"#/components/schemas/S{level + 1}"} for n in range(10)}}
        for level in range(8)
    }
    with pytest.raises(TooLarge):
        translate({"$ref": "#/components/schemas/S0"}, schemas, depth=8)
    assert len(translate({"$ref": "#/components/schemas/S0"}, schemas, depth=2)["properties"]) == 10


def test_no_value_that_the_document_takes_is_refused() -> None:
    """Keywords are left out, so a branch of `oneOf` may match beside another one."""
    schema = {
        "oneOf": [
            {"type": "object", "properties": {"a": {"type": "integer", "readOnly": True}, "b": {}}, "required": ["a"]},
            {"type": "object", "properties": {"b": {"type": "string", "not": {"enum": ["x"]}}}},
        ]
    }
    validator = Draft202012Validator(translate(schema))
    for value in ({"b": "y"}, {"b": 1}, {"a": 1}, {}):
        assert validator.is_valid(value), json.dumps(value)
