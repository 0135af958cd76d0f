"""Generates values that fit a JSON Schema, using the names and numbers that a text mentions."""

from typing import Any

from .errors import JsonObject
from .mentions import Mentions, content_words

_MAX_DEPTH = 8
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def fitting_value(schema: JsonObject, mentions: Mentions, root: JsonObject | None = None, depth: int = 0) -> Any:
    """The simplest value that fits the schema, with values that the text mentions where possible.

    Supports enum, const, type, required, items, the limits of numbers, strings and arrays, the
    first of anyOf and oneOf, allOf, and `#/…` references.
    """
    root = schema if root is None else root
    schema = _resolve(schema if isinstance(schema, dict) else {}, root)
    if "const" in schema or schema.get("enum"):
        allowed = schema.get("enum") or [schema["const"]]
        return next((value for value in allowed if mentions.mentions(value)), allowed[0])
    kind = _kind(schema)
    if depth > _MAX_DEPTH:
        return None
    if kind == "object":
        return _object(schema, mentions, root, depth)
    if kind == "array":
        item = schema["items"] if isinstance(schema.get("items"), dict) else {}
        return [fitting_value(item, mentions, root, depth + 1) for _ in range(schema.get("minItems", 0))]
    return _scalar(kind, schema, mentions)


def _scalar(kind: str, schema: JsonObject, mentions: Mentions) -> Any:
    if kind in {"number", "integer"}:
        return _number(schema, mentions, integer=kind == "integer")
    if kind in {"boolean", "null"}:
        return True if kind == "boolean" else None
    return _string(schema, mentions)


def _object(schema: JsonObject, mentions: Mentions, root: JsonObject, depth: int) -> JsonObject:
    required = schema.get("required", [])
    properties: JsonObject = {**{key: {} for key in required}, **schema.get("properties", {})}
    return {
        name: fitting_value(part, mentions, root, depth + 1)
        for name, part in properties.items()
        if name in required or (isinstance(part, dict) and _is_mentioned(name, part, mentions))
    }


def _is_mentioned(name: str, schema: JsonObject, mentions: Mentions) -> bool:
    words = set(content_words(name))
    values = [value for value in schema.get("enum", []) if isinstance(value, str)]
    return (bool(words) and words <= mentions.words) or any(mentions.mentions(value) for value in values)


def _number(schema: JsonObject, mentions: Mentions, *, integer: bool) -> float:
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    number = mentions.next_number(minimum if minimum is not None else 1)
    if minimum is not None:
        number = max(number, minimum)
    if maximum is not None:
        number = min(number, maximum)
    return int(number) if integer or number == int(number) else number


def _string(schema: JsonObject, mentions: Mentions) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = mentions.next_name().ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def _kind(schema: JsonObject) -> str:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        kinds = next((kind for kind in kinds if kind != "null"), "null")
    if isinstance(kinds, str):
        return kinds
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _resolve(schema: JsonObject, root: JsonObject) -> JsonObject:
    """The schema with its reference resolved, and its first alternative and all of allOf merged in."""
    for _ in range(_MAX_DEPTH):
        reference = schema.get("$ref")
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(reference, str) and reference.startswith("#"):
            schema = _look_up(root, reference)
        elif alternatives:
            rest = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
            schema = rest | next((part for part in alternatives if part.get("type") != "null"), {"type": "null"})
        elif schema.get("allOf"):
            merged = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                merged |= part
            schema = merged
        else:
            break
    return schema


def _look_up(root: JsonObject, reference: str) -> JsonObject:
    target: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            target = target.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, dict) else {}
    return target if isinstance(target, dict) else {}
