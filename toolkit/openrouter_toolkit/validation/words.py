"""JSON Schemas in words, for error messages, pages and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text.sanitize import preview, shorten

_ARTICLES = {"array": "an array", "integer": "an integer", "object": "an object", "null": "null"}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} properties",
    "maxProperties": "at most {} properties",
    "pattern": "matching {}",
    "format": "in the format {}",
}


def in_words(schema: Any) -> str:
    """Describe a schema: `a number, at least 0, at most 2`."""
    if not isinstance(schema, dict):
        return "nothing" if schema is False else "anything"
    if "const" in schema:
        return preview(schema["const"])
    if "enum" in schema:
        return "one of " + shorten(", ".join(preview(value) for value in schema["enum"]), 300)
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives and "type" not in schema:
        return " or ".join(in_words(alternative) for alternative in alternatives)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    words = " or ".join(_ARTICLES.get(name, f"a {name}") for name in types) or "a fitting value"
    return ", ".join([words, *limits(schema)])


def limits(schema: Mapping[str, Any]) -> list[str]:
    """Describe a schema's constraints: `["at least 0", "at most 2"]`."""
    found = [_limit(keyword, schema[keyword]) for keyword in _LIMITS if keyword in schema]
    return [*found, "no two alike"] if schema.get("uniqueItems") else found


def _limit(keyword: str, value: Any) -> str:
    if value == 1 and keyword in ("minLength", "minItems", "minProperties"):
        return "not empty"
    return _LIMITS[keyword].format(value)
