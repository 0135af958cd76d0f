"""Translates OpenAPI's schemas into JSON Schema for models: without references, within limits of depth and size.

What is translated never refuses a value that the document's schema takes: keywords are left out or kept, and `oneOf`
becomes `anyOf`, as branches may match together once a keyword is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .document import Document, Json, listing, mapping, words
from .wording import plain, sentence

_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_DESCRIPTION, _NESTED_DESCRIPTION = 300, 120
_CIRCULAR = "Nested like the object that it is in."
_CUT = "The API's documentation has its members."
_MAX_MERGED = 50
_HUGE = 10**100


class TooLarge(Exception):
    """A schema has more parts than are wanted at this depth."""


class Translator:
    """Translates the schemas of one operation; all of them together have at most `budget` parts."""

    def __init__(self, document: Document, *, depth: int, budget: int) -> None:
        self._document = document
        self._depth = depth
        self._left = budget

    def translate(self, schema: Any, description: str = "") -> Json:
        """A schema of a request as JSON Schema; a description that is given stands in place of its own.

        Raises:
            TooLarge: it has too many parts.
            WrongDocument, Unsupported: a reference can't be followed.
        """
        merged, seen = self.merged(schema)
        return self._translate({**merged, "description": description} if description else merged, seen, 0)

    def merged(self, schema: Any, seen: frozenset[str] = frozenset(), depth: int = 0) -> tuple[Json, frozenset[str]]:
        """A schema with its reference and its `allOf` merged into it, and the references that were followed."""
        self._left -= 1
        if self._left < 0 or depth > _MAX_MERGED:
            raise TooLarge
        if not isinstance(schema, dict):
            return {}, seen
        own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        parts: list[Json] = []
        following = seen
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference in seen:
            return {"description": _CIRCULAR, **_loose(own), **self._circular(reference)}, seen
        if reference is not None:
            target = self._document.target(reference)
            part, following = self.merged(target, seen | {str(reference)}, depth + 1)
            parts.append(part)
        for branch in listing(schema.get("allOf")):
            part, more = self.merged(branch, following, depth + 1)
            parts.append(part)
            following |= more
        return _together([*parts, own]) if parts else own, following

    def _circular(self, reference: str) -> Json:
        """What is left of a schema that is inside itself."""
        target = mapping(self._document.target(reference))
        is_object = target.get("type") == "object" or "properties" in target
        return {"type": "object"} if is_object else {}

    def _translate(self, schema: Json, seen: frozenset[str], depth: int) -> Json:
        """`schema` is merged already."""
        result: Json = {}
        types = _types(schema)
        if types:
            result["type"] = types[0] if len(types) == 1 else types
        description = self._description(schema, depth)
        if description:
            result["description"] = description
        result |= _values(schema)
        result |= _bounds(schema)
        if depth >= self._depth:
            if any(schema.get(key) for key in ("properties", "anyOf", "oneOf", "items")):
                result["description"] = " ".join(filter(None, (sentence(description), _CUT)))
            return result | ({"items": {}} if "array" in types else {})
        if "array" in types:
            tuple_like = "prefixItems" in schema
            result["items"] = {} if tuple_like else self._inner(schema.get("items"), seen, depth)
        if "object" in types:
            result |= self._object(schema, seen, depth)
        return self._with_branches(result, schema, seen, depth)

    def _inner(self, schema: Any, seen: frozenset[str], depth: int) -> Json:
        return self._translate(*self.merged(schema, seen), depth + 1)

    def properties(self, schema: Json, seen: frozenset[str]) -> Iterator[tuple[str, Json, frozenset[str]]]:
        """The properties of a merged object that belong in a request, each merged."""
        for name, raw in mapping(schema.get("properties")).items():
            merged, following = self.merged(raw, seen)
            if merged.get("readOnly") is not True:
                yield str(name), merged, following

    def member(self, merged: Json, seen: frozenset[str]) -> Json:
        """A property as an argument of its own."""
        return self._translate(merged, seen, 0)

    def _object(self, schema: Json, seen: frozenset[str], depth: int) -> Json:
        properties = {
            name: self._translate(merged, following, depth + 1)
            for name, merged, following in self.properties(schema, seen)
        }
        result: Json = {"properties": properties} if properties else {}
        required = required_names(schema, properties)
        if required:
            result["required"] = required
        others = schema.get("additionalProperties")
        if isinstance(others, dict) and others:
            result["additionalProperties"] = self._inner(others, seen, depth)
        elif others is False:
            result["additionalProperties"] = False
        return result

    def _with_branches(self, result: Json, schema: Json, seen: frozenset[str], depth: int) -> Json:
        given = listing(schema.get("anyOf")) or listing(schema.get("oneOf"))
        branches = []
        for raw in given:
            branch = self._inner(raw, seen, depth)
            if not branch.keys() - {"description"}:
                return result  # one takes everything
            if branch not in branches:
                branches.append(branch)
        null: Json = {"type": "null"}
        if branches and schema.get("nullable") is True and null not in branches:
            branches.append(null)
        if len(branches) == 1 or (len(branches) == 2 and null in branches and "type" not in result):
            (branch,) = branches if len(branches) == 1 else [one for one in branches if one != null]
            alone = _nullable(branch) if null in branches and branch != null else branch
            if alone is not None and not result.keys() & (alone.keys() - {"description"}):
                return {**alone, **result}
        return {**result, "anyOf": branches} if branches else result

    def _description(self, schema: Json, depth: int) -> str:
        text = plain(words(schema.get("description")), _NESTED_DESCRIPTION if depth else _DESCRIPTION)
        return f"Deprecated. {text}".strip() if schema.get("deprecated") is True else text


def is_object(schema: Json) -> bool:
    """Whether a merged schema is an object with members of its own, so that each can be an argument."""
    branches = listing(schema.get("anyOf")) + listing(schema.get("oneOf"))
    return (
        schema.get("type", "object") in ("object", ["object"])
        and bool(mapping(schema.get("properties")))
        and not (isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"])
        and all(
            isinstance(branch, dict) and branch.keys() <= {"required", "title", "description"} for branch in branches
        )
    )


def json_value(value: Any) -> bool:
    """Whether a value is one of JSON's, of a size that a definition may have; YAML can write others."""
    return _is_json(value, 6)


def required_names(schema: Json, properties: Json) -> list[str]:
    """The required names among the properties that are left."""
    return list(dict.fromkeys(name for name in listing(schema.get("required")) if words(name) in properties and name))


def _is_json(value: Any, depth: int) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return len(value) <= 1_000 and not re.search("[\ud800-\udfff]", value)
    if isinstance(value, int | float):
        return _is_number(value)
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and depth > 0 and len(inner) <= 100 and all(_is_json(one, depth - 1) for one in inner)


def _together(parts: list[Json]) -> Json:
    """Objects of an `allOf` as one; of what two of them say, the later counts."""
    merged: Json = {}
    properties: Json = {}
    required: list[Any] = []
    for part in parts:
        properties |= mapping(part.get("properties"))
        required += listing(part.get("required"))
        merged |= part
    if properties:
        merged["properties"] = properties
    if required:
        merged["required"] = required
    closed = [part for part in parts if "properties" in part]
    if len(closed) > 1 and merged.get("additionalProperties") is False:
        del merged["additionalProperties"]
    return merged


def _loose(own: Json) -> Json:
    return {key: own[key] for key in ("description", "nullable", "readOnly") if key in own}


def _types(schema: Json) -> list[str]:
    given = schema.get("type")
    types = [one for one in (given if isinstance(given, list) else [given]) if one in _TYPES]
    if not types and given is None:
        types = ["object"] if mapping(schema.get("properties")) else ["array"] if "items" in schema else []
    if types and schema.get("nullable") is True and "null" not in types:
        types.append("null")
    return list(dict.fromkeys(types))


def _values(schema: Json) -> Json:
    """`enum`, `const`, `default`, `format` and `pattern`, where they are well-formed."""
    result: Json = {}
    nullable = schema.get("nullable") is True
    choices = listing(schema.get("enum"))
    if choices and all(map(json_value, choices)):
        result["enum"] = [*choices, None] if nullable and None not in choices else choices
    if "const" in schema and json_value(schema["const"]):
        result |= {"enum": [schema["const"], None]} if nullable else {"const": schema["const"]}
    if "default" in schema and json_value(schema["default"]):
        result["default"] = schema["default"]
    if words(schema.get("format")):
        result["format"] = schema["format"]
    if words(schema.get("pattern")) and _compiles(schema["pattern"]):
        result["pattern"] = schema["pattern"]
    return result


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return len(pattern) <= 1_000


def _bounds(schema: Json) -> Json:
    """Limits of numbers and sizes; 3.0's boolean `exclusiveMinimum` as 3.1 writes it."""
    given = dict(schema)
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if given.get(exclusive) is True:
            given[exclusive] = given.pop(bound, None)
    result = {name: given[name] for name in _NUMBERS if _is_number(given.get(name))}
    if _is_number(given.get("multipleOf")) and given["multipleOf"] > 0:
        result["multipleOf"] = given["multipleOf"]
    for name in _COUNTS:
        count: Any = given.get(name)
        if _is_number(count) and count >= 0 and count == int(count):
            result[name] = int(count)
    if given.get("uniqueItems") is True:
        result["uniqueItems"] = True
    return result


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE


def _nullable(branch: Json) -> Json | None:
    """A branch that takes null too, if it can say so itself."""
    kind = branch.get("type")
    if not isinstance(kind, str) or "const" in branch or "anyOf" in branch:
        return None
    enum = {"enum": [*branch["enum"], None]} if "enum" in branch else {}
    return {**branch, "type": [kind, "null"], **enum}
