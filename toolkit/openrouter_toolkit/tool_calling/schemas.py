"""Input schemas for tool definitions: with or without undocumented parameters, strict, or reduced for Gemini."""

from __future__ import annotations

import copy
import re
from typing import Any

from ..manifest import Action

SELECT = "select"
_SELECT_PARAMETER = {"type": "string", "description": "JMESPath filter"}
# JSON Schema keywords that Gemini's `parameters` does not support.
_UNSUPPORTED_BY_GEMINI = frozenset(
    {"additionalProperties", "exclusiveMinimum", "exclusiveMaximum", "uniqueItems", "multipleOf"}
)
_NON_WORD = re.compile(r"\W")


def input_schema(action: Action, *, extensions: bool, select: bool = True) -> dict[str, Any]:
    """Return the action's `input_parameters` without our `x-extension` keys.

    With `extensions`, undocumented parameters are included. With `select`, an action that has a summary also gets
    the parameter `select`, a JMESPath expression.
    """
    schema = copy.deepcopy(action.definition.input_parameters)
    properties: dict[str, Any] = schema.get("properties", {})
    schema["properties"] = {
        name: {key: value for key, value in parameter.items() if key != "x-extension"}
        for name, parameter in properties.items()
        if extensions or not parameter.get("x-extension")
    }
    if select and action.definition.brief is not None:
        schema["properties"][SELECT] = dict(_SELECT_PARAMETER)
    return schema


def why_not_strict(schema: Any, place: str = "") -> str | None:
    """Return why a schema can't be strict (OpenAI's structured outputs), or None if it can.

    Strict mode needs closed objects, which list all their properties; `logit_bias` and messages are open.
    """
    if not isinstance(schema, dict):
        return None
    types = schema.get("type")
    is_object = types == "object" or (isinstance(types, list) and "object" in types)
    if is_object and schema.get("additionalProperties") is not False:
        return f"{place or 'the whole'} is an open object"
    for keyword in ("allOf", "oneOf", "not", "if", "patternProperties", "dependentSchemas"):
        if keyword in schema:
            return f"{place or 'the whole'} has {keyword}"
    inner = [(f"{place}.{name}".lstrip("."), part) for name, part in schema.get("properties", {}).items()]
    inner += [(f"{place}[]", schema.get("items"))] + [(place, part) for part in schema.get("anyOf", ())]
    return next((reason for name, part in inner if (reason := why_not_strict(part, name))), None)


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a strict schema: all properties are required, optional ones may be null. See `why_not_strict`."""
    required = schema.get("required", [])
    properties = {
        name: parameter if name in required else _or_null(parameter)
        for name, parameter in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties, "required": list(properties)}


def _or_null(parameter: dict[str, Any]) -> dict[str, Any]:
    description = {key: value for key, value in parameter.items() if key == "description"}
    other = {key: value for key, value in parameter.items() if key != "description"}
    return {**description, "anyOf": [other, {"type": "null"}]}


def reduced_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Reduce a schema to what Gemini's `Schema` supports: no lists of types, only strings in enums, no dashes in names.

    A schema with `anyOf` has no other keywords, as Vertex requires: they are moved into the alternatives, and the
    description into the first one.
    """
    types = schema.get("type")
    if isinstance(types, list):
        typed = {key: value for key, value in schema.items() if key not in ("type", "description", "anyOf")}
        described = {key: value for key, value in schema.items() if key in ("description", "anyOf")}
        return _alternatives(described, [_for_type(typed, type_name) for type_name in types if type_name != "null"])
    if "anyOf" in schema:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return _alternatives(rest, [branch for branch in schema["anyOf"] if branch.get("type") != "null"])
    reduced = {key: value for key, value in schema.items() if key not in _UNSUPPORTED_BY_GEMINI}
    if any(not isinstance(value, str) for value in reduced.get("enum", ())):
        reduced["description"] = f"{reduced.get('description', '')} One of {reduced.pop('enum')}.".strip()
    if "properties" in reduced:
        reduced["properties"] = {plain_name(n): reduced_schema(p) for n, p in reduced["properties"].items()}
    if "required" in reduced:
        reduced["required"] = [plain_name(name) for name in reduced["required"]]
    if isinstance(reduced.get("items"), dict):
        reduced["items"] = reduced_schema(reduced["items"])
    return reduced


def _alternatives(rest: dict[str, Any], branches: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a schema with only `anyOf`; a single alternative without `anyOf`."""
    common = {key: value for key, value in rest.items() if key != "description"}
    reduced: list[dict[str, Any]] = []
    for branch in branches:
        descriptions = [branch["description"]] if branch.get("description") else []
        if not reduced and rest.get("description"):
            descriptions.insert(0, rest["description"])
        described = {"description": " ".join(descriptions)} if descriptions else {}
        branch_schema = reduced_schema({**described, **common, **branch, **described})
        reduced += branch_schema.get("anyOf", [branch_schema])
    if len(reduced) > 1:
        return {"anyOf": reduced}
    return reduced[0] if reduced else {key: value for key, value in rest.items() if key == "description"}


_TYPE_KEYWORDS = {
    "array": ("items", "minItems", "maxItems"),
    "object": ("properties", "required", "maxProperties", "minProperties"),
    "string": ("pattern", "minLength", "maxLength", "format", "enum"),
    "number": ("minimum", "maximum", "enum"),
    "integer": ("minimum", "maximum", "enum"),
}


def _for_type(schema: dict[str, Any], type_name: str) -> dict[str, Any]:
    return {
        "type": type_name,
        **{key: value for key, value in schema.items() if key in _TYPE_KEYWORDS.get(type_name, ())},
    }


def plain_name(name: str) -> str:
    """Return a parameter's name with only letters, digits and underscores: `X_Title` for `X-Title`."""
    return _NON_WORD.sub("_", name)


def original_names(action: Action, arguments: dict[str, Any]) -> dict[str, Any]:
    """Rename arguments to the action's own parameter names where a format had changed them (see `plain_name`)."""
    names = action.definition.input_parameters.get("properties", {})
    own = {plain_name(name): name for name in names}
    return {own.get(name, name) if name not in names else name: value for name, value in arguments.items()}
