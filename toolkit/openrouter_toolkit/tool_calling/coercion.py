"""Argument coercion: corrects common mistakes of models in tool call arguments, where the schema is unambiguous.

| given                                        | wanted                        | becomes          |
| -------------------------------------------- | ----------------------------- | ---------------- |
| a number as text: `"0.7"`, `"5"`             | a number or an integer        | the number       |
| a whole number as `50.0`                     | an integer                    | `50`             |
| a boolean as text: `"true"`, `"False"`       | a boolean                     | the boolean      |
| an array or object as JSON text              | an array or an object         | the parsed value |
| null                                         | an optional parameter         | left out         |

This also applies to values inside objects and arrays with a known schema. A valid value never changes its meaning, and
a value that can't be corrected is not changed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..manifest import Action
from ..validation.arguments import ArgumentValidator
from .schemas import original_names

_BOOLEANS = {"true": True, "false": False}
# The largest integer that all JSON parsers read exactly (RFC 8259, section 6).
_MAX_SAFE_INTEGER = 2**53 - 1


def prepare_arguments(action: Action, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments as a model wrote them, with the action's own parameter names, and coerced."""
    return coerce_arguments(action.validator, original_names(action, arguments))


def coerce_arguments(validator: ArgumentValidator, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments, with each wrong value coerced by the table above if that makes it valid."""
    try:
        if validator.fast_check(arguments) and not _has_whole_float(arguments):
            return arguments
        return _coerce_object(validator, validator.schema, arguments)
    except RecursionError:  # the validation reports the error
        return arguments


def _coerce_object(validator: ArgumentValidator, schema: Mapping[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Return the object with each property coerced separately."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    others = schema.get("additionalProperties")
    required = schema.get("required", ())
    coerced = {}
    for name, item in value.items():
        rule = properties.get(name, others)
        optional = name in properties and name not in required
        if item is not None or not optional or validator.accepts(rule, None):
            coerced[name] = _coerce(validator, rule, item)
    return coerced


def _coerce(validator: ArgumentValidator, rule: Any, value: Any) -> Any:
    """Return a value as the rule wants it; unchanged if that is not clear. A valid value may become an integer only."""
    schema = validator.resolved(rule)
    if not isinstance(schema, dict):
        return value
    valid = validator.accepts(schema, value)
    if valid and not _has_whole_float(value):
        return value
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        fitting = [branch for branch in branches if validator.accepts(branch, value)] if valid else branches
        candidates = [_coerce(validator, branch, value) for branch in fitting]
        accepted = [candidate for candidate in candidates if validator.accepts(schema, candidate)]
        return accepted[0] if accepted and all(_is_identical(accepted[0], other) for other in accepted) else value
    if isinstance(value, float) and valid:
        types = schema.get("type", ())
        types = [types] if isinstance(types, str) else types
        return int(value) if "integer" in types and "number" not in types else value
    if isinstance(value, str):
        candidates = [_coerce(validator, schema, parsed) for parsed in _json_values(value)]
        return next((candidate for candidate in candidates if validator.accepts(schema, candidate)), value)
    if isinstance(value, dict):
        return _coerce_object(validator, schema, value)
    if isinstance(value, list):
        return [_coerce(validator, schema.get("items"), item) for item in value]
    return value


def _is_identical(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same type (1, 1.0 and true are not)."""
    return one is other or (one == other and repr(one) == repr(other))


def _has_whole_float(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= _MAX_SAFE_INTEGER
    if isinstance(value, dict):
        return any(map(_has_whole_float, value.values()))
    return isinstance(value, list) and any(map(_has_whole_float, value))


def _json_values(text: str) -> Iterator[Any]:
    """Yield the boolean, number, array or object that a text contains, if any."""
    text = text.strip()
    if text.lower() in _BOOLEANS:
        yield _BOOLEANS[text.lower()]
        return
    try:
        parsed = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        return
    if isinstance(parsed, int | float | list | dict):
        yield parsed


def _integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > _MAX_SAFE_INTEGER:
        raise ValueError("too large to be exact")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number
