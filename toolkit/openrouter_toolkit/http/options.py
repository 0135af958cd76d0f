"""Check a client's options: an invalid value is a programming error and raises `TypeError` or `ValueError`."""

from __future__ import annotations

import threading
from typing import Any

from ..envelope import ActionError
from .header_values import header_value


def seconds(name: str, value: Any) -> float:
    """A timeout in seconds: a positive number that a socket accepts."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not 0 < value <= threading.TIMEOUT_MAX:
        raise ValueError(f"{name} must be a positive number of seconds, not {_shown(value)}")
    return float(value)


def count(name: str, value: Any) -> int:
    """An integer, 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be 1 or more, not {_shown(value)}")
    return value


def text(name: str, value: Any) -> str | None:
    """A string, or None."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a text or None, not {type(value).__name__}")
    return value


def header(name: str, value: Any) -> str | None:
    """A string that is a valid header value, or None."""
    given = text(name, value)
    if given is not None:
        try:
            header_value(name, given)
        except ActionError as error:
            raise ValueError(error.message) from None
    return given


def _shown(value: float) -> str:
    return "so large a number" if isinstance(value, int) and value.bit_length() > 64 else repr(value)
