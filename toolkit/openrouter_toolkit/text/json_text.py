"""Parses JSON text: strictly, so that what was parsed can also be sent on, or with a default for what is not JSON."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

_MAX_DIGITS = 400


class InvalidJson(ValueError):
    """A text is not valid JSON. The message completes a sentence, and repeats none of the text but NaN and Infinity."""


def parse_json(text: str) -> Any:
    """Parse JSON text. Raises `InvalidJson`, also for NaN, and for numbers and characters that can't be sent on."""
    try:
        value = json.loads(text, parse_constant=_reject_constant, parse_float=_parse_float, parse_int=_parse_integer)
        if "\\u" in text:  # an escaped lone surrogate can't be encoded
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise InvalidJson(f"{error.msg} in line {error.lineno}, column {error.colno}") from None
    except UnicodeEncodeError:
        raise InvalidJson("it has half of a surrogate pair in it") from None
    except RecursionError:
        raise InvalidJson("it is nested too deeply") from None
    return value


def json_or(text: str, default: Any = None) -> Any:
    """Parse JSON text, or return `default` if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return default


def _reject_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not a JSON number")


def _parse_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidJson("a number in it is too large")
    return number


def _parse_integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InvalidJson("a number in it is too large")
    return int(digits)
