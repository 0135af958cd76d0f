"""What models commonly get wrong in a tool call's arguments, mended where it is plain what was meant.

| given                                        | wanted                        | becomes          |
| -------------------------------------------- | ----------------------------- | ---------------- |
| a number as text: `"0.7"`, `"5"`             | a number or an integer        | the number       |
| a truth value as text: `"true"`, `"False"`   | a boolean                     | the truth value  |
| an array or object as JSON text              | an array or an object         | what it holds    |
| null                                         | an optional parameter         | nothing          |

A value that its parameter's schema takes as it is never changes, and nothing that stays wrong is touched.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..validation import compile_schema

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_TRUTH = {"true": True, "false": False}
# The integers that every reader of JSON keeps exactly (RFC 8259, section 6).
_LARGEST = 2**53 - 1


def mend(schema: Mapping[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with each wrong top-level value mended by the table above, where that makes it right."""
    parameters: Mapping[str, Any] = schema.get("properties", {})
    required = schema.get("required", ())
    whole = compile_schema(schema)
    mended = {}
    for name, value in arguments.items():
        if name not in parameters:
            mended[name] = value
            continue
        validator = whole.evolve(schema=parameters[name])  # references still start at the whole schema
        if value is not None or name in required or _takes(validator, None):
            mended[name] = _mended(validator, value)
    return mended


def _mended(validator: Validator, value: Any) -> Any:
    if not isinstance(value, str) or _takes(validator, value):
        return value
    return next((meant for meant in _meanings(value) if _takes(validator, meant)), value)


def _takes(validator: Validator, value: Any) -> bool:
    try:
        return validator.is_valid(value)
    except RecursionError:
        return False


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
