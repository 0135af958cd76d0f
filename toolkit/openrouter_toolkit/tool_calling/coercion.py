"""Repairs what models commonly write wrong in a tool call's arguments, where the schema leaves no doubt what was meant.

| given                                        | wanted                        | becomes          |
| -------------------------------------------- | ----------------------------- | ---------------- |
| a number as text: `"0.7"`, `"5"`             | a number or an integer        | the number       |
| a whole number as `50.0`                     | an integer                    | `50`             |
| a truth value as text: `"true"`, `"False"`   | a boolean                     | the truth value  |
| an array or object as JSON text              | an array or an object         | what it holds    |
| null                                         | an optional parameter         | nothing          |

This also holds for values inside objects and arrays whose schema is known. A value that its schema takes as it is never
changes in meaning, and a value that stays wrong is not touched.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..validation.arguments import ArgumentValidator

_TRUTH = {"true": True, "false": False}
# The integers that every reader of JSON keeps exactly (RFC 8259, section 6).
_LARGEST = 2**53 - 1


def coerce_arguments(validator: ArgumentValidator, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with each wrong value repaired by the table above, where that makes it right."""
    try:
        if validator.surely_fits(arguments) and not _has_whole_float(arguments):
            return arguments
        return _Mending(validator).object(validator.schema, arguments)
    except RecursionError:  # the validation says what is wrong
        return arguments


class _Mending:
    """One action's schema, at work on one call."""

    def __init__(self, validator: ArgumentValidator) -> None:
        self._validator = validator

    def object(self, schema: Mapping[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        """An object with its properties repaired, each on its own."""
        properties: Mapping[str, Any] = schema.get("properties", {})
        others = schema.get("additionalProperties")
        required = schema.get("required", ())
        repaired = {}
        for name, item in value.items():
            rule = properties.get(name, others)
            optional = name in properties and name not in required
            if item is not None or not optional or self._takes(rule, None):
                repaired[name] = self._value(rule, item)
        return repaired

    def _value(self, rule: Any, value: Any) -> Any:
        schema = self._validator.resolved(rule)
        if not isinstance(schema, dict):
            return value
        if self._takes(schema, value):
            return self._with_integers(schema, value) if _has_whole_float(value) else value
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            return self._of_one_branch(schema, branches, value)
        if isinstance(value, str):
            candidates = (self._value(schema, meant) for meant in _meanings(value))
            return next((candidate for candidate in candidates if self._takes(schema, candidate)), value)
        if isinstance(value, dict):
            return self.object(schema, value)
        if isinstance(value, list):
            return [self._value(schema.get("items"), item) for item in value]
        return value

    def _of_one_branch(self, schema: Mapping[str, Any], branches: list[Any], value: Any) -> Any:
        """What the alternatives make of a value, where all that can make something right of it agree."""
        candidates = [self._value(branch, value) for branch in branches]
        right = [candidate for candidate in candidates if self._takes(schema, candidate)]
        return right[0] if right and all(_same(right[0], other) for other in right) else value

    def _with_integers(self, rule: Any, value: Any) -> Any:
        """A value that its schema takes, with 50 for 50.0 where an integer is wanted."""
        schema = self._validator.resolved(rule)
        if not isinstance(schema, dict) or not _has_whole_float(value):
            return value
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            meant = [self._with_integers(branch, value) for branch in branches if self._takes(branch, value)]
            return meant[0] if meant and all(_same(meant[0], other) for other in meant) else value
        if isinstance(value, float):
            kinds = schema.get("type", ())
            kinds = [kinds] if isinstance(kinds, str) else kinds
            return int(value) if "integer" in kinds and "number" not in kinds else value
        if isinstance(value, dict):
            properties, others = schema.get("properties", {}), schema.get("additionalProperties")
            return {name: self._with_integers(properties.get(name, others), item) for name, item in value.items()}
        return [self._with_integers(schema.get("items"), item) for item in value]

    def _takes(self, rule: Any, value: Any) -> bool:
        return rule is not None and self._validator.takes(rule, value)


def _same(one: Any, other: Any) -> bool:
    """Equal, and not only as 1, 1.0 and true are."""
    return one is other or (one == other and repr(one) == repr(other))


def _has_whole_float(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= _LARGEST
    if isinstance(value, dict):
        return any(map(_has_whole_float, value.values()))
    return isinstance(value, list) and any(map(_has_whole_float, value))


def _meanings(text: str) -> Iterator[Any]:
    """What a text may have been meant to be."""
    text = text.strip()
    if text.lower() in _TRUTH:
        yield _TRUTH[text.lower()]
        return
    try:
        meant = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        return
    if isinstance(meant, int | float | list | dict):
        yield meant


def _integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > _LARGEST:
        raise ValueError("too large to be exact")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number
