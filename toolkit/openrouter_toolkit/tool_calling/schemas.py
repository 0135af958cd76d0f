"""An action's `input_parameters` as formats want it: documented or all, strict, or reduced."""

from __future__ import annotations

import copy
import re
from typing import Any

from ..manifest import Action

SELECT = "select"
_SELECT_PARAMETER = {"type": "string", "description": "JMESPath filter"}
# What a JSON Schema may hold that a reduced one (Gemini's `parameters`) may not.
_NOT_REDUCED = frozenset({"additionalProperties", "exclusiveMinimum", "exclusiveMaximum", "uniqueItems", "multipleOf"})
_NO_NAME = re.compile(r"\W")


def input_schema(action: Action, *, extensions: bool, select: bool = True) -> dict[str, Any]:
    """The action's `input_parameters` without our marks; documented parameters only, unless asked for all.

    With `select`, an action whose answers are made brief for models also takes a JMESPath expression.
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
    """Why a schema can't be a strict one (OpenAI's structured outputs), or None when it can.

    Strict means closed: every object lists all that it may hold. An open one (`logit_bias`, a message) can't.
    """
    if not isinstance(schema, dict):
        return None
    kinds = schema.get("type")
    is_object = kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
    if is_object and schema.get("additionalProperties") is not False:
        return f"{place or 'the whole'} is an open object"
    for keyword in ("allOf", "oneOf", "not", "if", "patternProperties", "dependentSchemas"):
        if keyword in schema:
            return f"{place or 'the whole'} has {keyword}"
    inner = [(f"{place}.{name}".lstrip("."), part) for name, part in schema.get("properties", {}).items()]
    inner += [(f"{place}[]", schema.get("items"))] + [(place, part) for part in schema.get("anyOf", ())]
    return next((reason for name, part in inner if (reason := why_not_strict(part, name))), None)


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A strict schema: every property required, and null for what was optional. See `why_not_strict`."""
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
    """A schema with what Gemini's `Schema` has: no lists of types, texts as enums, names without dashes.

    Where it has `anyOf`, it has nothing else, as Vertex demands: what was beside it goes into the alternatives, the
    description into the first.
    """
    kinds = schema.get("type")
    if isinstance(kinds, list):
        rest = {key: value for key, value in schema.items() if key not in ("type", "description", "anyOf")}
        described = {key: value for key, value in schema.items() if key in ("description", "anyOf")}
        return _alternatives(described, [_of_kind(rest, kind) for kind in kinds if kind != "null"])
    if "anyOf" in schema:
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        return _alternatives(beside, [branch for branch in schema["anyOf"] if branch.get("type") != "null"])
    reduced = {key: value for key, value in schema.items() if key not in _NOT_REDUCED}
    if any(not isinstance(value, str) for value in reduced.get("enum", ())):
        reduced["description"] = f"{reduced.get('description', '')} One of {reduced.pop('enum')}.".strip()
    if "properties" in reduced:
        reduced["properties"] = {plain_name(n): reduced_schema(p) for n, p in reduced["properties"].items()}
    if "required" in reduced:
        reduced["required"] = [plain_name(name) for name in reduced["required"]]
    if isinstance(reduced.get("items"), dict):
        reduced["items"] = reduced_schema(reduced["items"])
    return reduced


def _alternatives(beside: dict[str, Any], branches: list[dict[str, Any]]) -> dict[str, Any]:
    """`anyOf` alone; a single alternative without `anyOf`."""
    common = {key: value for key, value in beside.items() if key != "description"}
    reduced: list[dict[str, Any]] = []
    for branch in branches:
        descriptions = [branch["description"]] if branch.get("description") else []
        if not reduced and beside.get("description"):
            descriptions.insert(0, beside["description"])
        described = {"description": " ".join(descriptions)} if descriptions else {}
        whole = reduced_schema({**described, **common, **branch, **described})
        reduced += whole.get("anyOf", [whole])
    if len(reduced) > 1:
        return {"anyOf": reduced}
    return reduced[0] if reduced else {key: value for key, value in beside.items() if key == "description"}


_OF_KINDS = {
    "array": ("items", "minItems", "maxItems"),
    "object": ("properties", "required", "maxProperties", "minProperties"),
    "string": ("pattern", "minLength", "maxLength", "format", "enum"),
    "number": ("minimum", "maximum", "enum"),
    "integer": ("minimum", "maximum", "enum"),
}


def _of_kind(schema: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"type": kind, **{key: value for key, value in schema.items() if key in _OF_KINDS.get(kind, ())}}


def plain_name(name: str) -> str:
    """A parameter's name in a format that takes letters, digits and underscores only: `X-Title` as `X_Title`."""
    return _NO_NAME.sub("_", name)


def original_names(action: Action, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments under the action's own names, where a format could not carry one."""
    names = action.definition.input_parameters.get("properties", {})
    own = {plain_name(name): name for name in names}
    return {own.get(name, name) if name not in names else name: value for name, value in arguments.items()}
