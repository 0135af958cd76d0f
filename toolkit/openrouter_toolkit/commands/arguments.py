"""Reads an action's arguments from the command line: JSON, @FILE, or - for standard input."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

from ..text.sanitize import clean
from .terminal import usage_error

_EXAMPLE = """'{"id": "gen-1"}'"""
_KINDS = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}


def read(given: str) -> dict[str, Any]:
    """Read the JSON object that `--arguments` gives.

    Raises:
        CommandFailed: it can't be read, or is not a JSON object. The reason repeats none of its content.
    """
    source, content = _content(given)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise usage_error(f"{source} is not in UTF-8 (byte {error.start + 1} is wrong); save it as UTF-8") from None
    if not text.strip():
        raise usage_error(f"{source} is empty; give a JSON object, {{}} for no arguments")
    try:
        value = json.loads(text, parse_constant=_reject_constant, parse_float=_parse_float)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise usage_error(
            f"{source} is not valid JSON: {error.msg} at {place}; give a JSON object such as {_EXAMPLE}"
        ) from None
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise usage_error(f"{source} is not valid JSON: {reason}") from None
    if not isinstance(value, dict):
        raise usage_error(f"{source} holds {_KINDS[type(value)]}; give a JSON object such as {_EXAMPLE}")
    return value


def _content(given: str) -> tuple[str, bytes]:
    """Where the arguments are, for messages, and their bytes."""
    if given != "-" and not given.startswith("@"):
        return "--arguments", given.encode("utf-8", "surrogateescape")
    if given == "-" and sys.stdin is None:
        raise usage_error("--arguments - reads standard input, and there is none")
    if given == "@":
        raise usage_error("name a file after the @, as in --arguments @arguments.json")
    source = "standard input" if given == "-" else f"the file {clean(given[1:])}"
    try:
        return source, sys.stdin.buffer.read() if given == "-" else Path(given[1:]).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"{source} can't be read: {reason}") from None


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number; leave it out or give a number")


def _parse_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number in it is too large")
    return number
