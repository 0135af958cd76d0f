"""An action's arguments on the command line: `--arguments` as a JSON object, and `NAME=VALUE` one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..manifest import Action
from ..text.json_text import InvalidJson, parse_json
from ..text.sanitize import clean
from .terminal import CommandFailed, quote_input, usage_error

_EXAMPLE = """'{"id": "gen-1"}'"""
_KINDS = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}


def read_arguments(given: str) -> dict[str, Any]:
    """Read the JSON object that `--arguments` gives.

    Raises:
        CommandFailed: it can't be read, or is not a JSON object. The reason repeats none of its content.
    """
    if given == "@":
        raise usage_error("name a file after the @, as in --arguments @arguments.json")
    if given == "-" or given.startswith("@"):
        source, text = _contents(None if given == "-" else given[1:])
    else:
        source, text = "--arguments", _decoded("--arguments", given.encode("utf-8", "surrogateescape"))
    if not text.strip():
        raise usage_error(f"{source} is empty; give a JSON object, {{}} for no arguments")
    try:
        value = parse_json(text)
    except InvalidJson as error:
        hint = _file_hint(given)
        advice = hint or f"{error}; give a JSON object such as {_EXAMPLE}"
        raise usage_error(f"{source} is not valid JSON: {advice}") from None
    if not isinstance(value, dict):
        raise usage_error(f"{source} holds {_KINDS[type(value)]}; give a JSON object such as {_EXAMPLE}")
    return value


def read_parameters(words: Iterable[str], action: Action | None) -> dict[str, Any]:
    """Read arguments given as `NAME=VALUE`.

    A value is text where the action's schema accepts it as text, otherwise JSON. `@FILE` is the value that a file
    holds, `@-` standard input's, and `@@` begins a text with one `@`. What does not fit the schema is left to its
    validation, and so are unknown names.

    Raises:
        CommandFailed: a word is not `NAME=VALUE`, a name is given twice, or a file can't be read.
    """
    properties = {} if action is None else action.definition.input_parameters.get("properties", {})
    read: dict[str, Any] = {}
    for word in words:
        name, equals, given = word.partition("=")
        if not equals or not name:
            raise usage_error(
                "a word is not NAME=VALUE; an action's arguments as one JSON object go behind --arguments"
            )
        if name in read:
            raise usage_error(f"{_shown(name)} is given twice")
        text = _text(name, given)
        read[name] = text if action is None else _value(action, properties.get(name), text)
    return read


def merged(arguments: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Both together. Raises `CommandFailed` for a name that is in both."""
    for name in parameters:
        if name in arguments:
            raise usage_error(f"{_shown(name)} is given twice: in --arguments and as NAME=VALUE")
    return {**arguments, **parameters}


def _value(action: Action, rule: Any, text: str) -> Any:
    """The text, or the JSON in it where the rule accepts only that; of both, JSON if it is an object or array."""
    try:
        parsed = parse_json(text)
    except InvalidJson:
        return text
    candidates = (parsed, text) if isinstance(parsed, dict | list) else (text, parsed)
    return next((value for value in candidates if action.validator.accepts(rule, value)), parsed)


def _text(name: str, given: str) -> str:
    if given.startswith("@@"):
        return given[1:]
    if not given.startswith("@"):
        return _decoded(f"the value of {_shown(name)}", given.encode("utf-8", "surrogateescape"))
    if given == "@":
        raise usage_error(f"name a file after the @ of {_shown(name)}, or write @@ for the character itself")
    if given == "@-":
        return _contents(None)[1]
    try:
        return _contents(given[1:])[1]
    except CommandFailed as failure:
        raise usage_error(f"{failure.reason}; a text that begins with @ is written with @@") from None


def _shown(name: str) -> str:
    """A parameter's name for a message, unless it may be a key."""
    return quote_input(name) or "a parameter"


def _contents(place: str | None) -> tuple[str, str]:
    """What a file holds, or standard input for None, behind what to call it in messages."""
    source = "standard input" if place is None else f"the file {clean(place)}"
    if place is None and sys.stdin is None:
        raise usage_error("there is no standard input to read")
    try:
        content = sys.stdin.buffer.read() if place is None else Path(place).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"{source} can't be read: {reason}") from None
    return source, _decoded(source, content)


def _decoded(source: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise usage_error(f"{source} is not in UTF-8 (byte {error.start + 1} is wrong); save it as UTF-8") from None


def _file_hint(given: str) -> str:
    """The question whether a file was meant, if there is one of that name."""
    try:
        is_file = Path(given).is_file()
    except (OSError, ValueError):
        return ""
    return f"did you mean the file, --arguments @{clean(given)}?" if is_file else ""
