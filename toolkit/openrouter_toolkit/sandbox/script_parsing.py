"""Parses and validates the answers of a script; an error message names the place of the mistake."""

import json
import math
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .errors import ApiError
from .scripted_answers import Turn
from .tool_calls import ToolCall


class _Kind(NamedTuple):
    """A kind of value: a check for it, and its description for error messages."""

    fits: Callable[[Any], bool]
    words: str


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_bytes_or_text(value: Any) -> bool:
    return isinstance(value, str | bytes)


def _is_body(value: Any) -> bool:
    return all(map(_is_bytes_or_text, value)) if _is_list(value) else _is_bytes_or_text(value)


_TEXT = _Kind(lambda value: isinstance(value, str), "a text")
_OBJECT = _Kind(lambda value: isinstance(value, Mapping), "an object")
_SECONDS = _Kind(lambda value: _is_number(value) and value >= 0, "a number of seconds, 0 or more")
_STATUS = _Kind(lambda value: _is_number(value) and value in range(200, 600), "an HTTP status from 200 to 599")
_BODY = _Kind(_is_body, "a text, bytes, or a list of them")

_ANSWER = {
    **dict.fromkeys(("text", "reasoning", "finish_reason"), _TEXT),
    **dict.fromkeys(("delay", "chunk_delay"), _SECONDS),
    **dict.fromkeys(("error", "headers"), _OBJECT),
    "tool_calls": _Kind(_is_list, "a list of objects"),
    "cut": _Kind(lambda value: isinstance(value, bool), "true or false"),
    "status": _STATUS,
    "body": _BODY,
}
_ERROR = {
    **dict.fromkeys(("message", "error_type"), _TEXT),
    **dict.fromkeys(("metadata", "availability", "headers"), _OBJECT),
    "status": _STATUS,
    "code": _Kind(lambda value: _is_number(value) or isinstance(value, str), "a number or a text"),
}
_CALL = {
    "name": _TEXT,
    "id": _TEXT,
    "arguments": _Kind(lambda value: isinstance(value, Mapping | str), "an object, or a text"),
}
_MESSAGE_KEYS = {"text", "reasoning", "tool_calls", "finish_reason", "error"}
_RESERVED_HEADERS = {"content-length", "transfer-encoding"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^`|~\w-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff\t]*")


def parse_answer(answer: Any, where: str) -> Turn:
    """Validate an answer and return it as a `Turn`.

    Raises:
        ValueError: the answer is invalid; the message says what is wrong, and where.
    """
    if isinstance(answer, str):
        answer = {"text": answer}
    fields = _check_object(answer, _ANSWER, where)
    if not fields.keys() & {*_MESSAGE_KEYS, "body", "cut"} - {"finish_reason"}:
        raise ValueError(f"script: {where}: must have one of text, reasoning, tool_calls, error, cut, body")
    if "body" in fields and fields.keys() & _MESSAGE_KEYS:
        raise ValueError(f"script: {where}: body goes out as it is; leave out {_join(fields.keys() & _MESSAGE_KEYS)}")
    if "status" in fields and "body" not in fields:
        raise ValueError(f"script: {where}: status goes with body; an error has a status of its own")
    if fields.get("cut") and "error" in fields:
        raise ValueError(f"script: {where}: ends with an error or is cut, not both")
    fields["tool_calls"] = tuple(
        _parse_call(call, f"{where}.tool_calls.{position}")
        for position, call in enumerate(fields.get("tool_calls", ()))
    )
    fields["headers"] = _parse_headers(fields.get("headers", {}), f"{where}.headers")
    if "error" in fields:
        fields["error"] = _parse_error(fields["error"], f"{where}.error")
    if "body" in fields:
        fields["body"] = _parse_body(fields["body"])
    return Turn(**fields)


def _check_object(value: Any, keys: Mapping[str, _Kind], where: str) -> dict[str, Any]:
    """A copy of an object, after checking that its keys are known and its values of the right kinds."""
    if not isinstance(value, Mapping):
        raise ValueError(f"script: {where}: must be an object with {_join(keys)}")  # noqa: TRY004 - one kind of error
    for name, part in value.items():
        if name not in keys:
            raise ValueError(f"script: {where}: unknown key {name!r}; there are {_join(keys)}")
        kind = keys[name]
        if not kind.fits(part):
            raise ValueError(f"script: {where}.{name}: must be {kind.words}")
        if kind is not _BODY:
            _check_json(part, f"{where}.{name}")
    return dict(value)


def _check_json(value: Any, where: str) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"script: {where}: can't be written as JSON: {error}") from None


def _parse_call(call: Any, where: str) -> ToolCall:
    fields = _check_object(call, _CALL, where)
    if "name" not in fields:
        raise ValueError(f"script: {where}: must have a name")
    return ToolCall(fields.get("id") or f"call_{secrets.token_hex(12)}", fields["name"], fields.get("arguments", {}))


def _parse_error(error: Any, where: str) -> ApiError:
    fields = _check_object(error, _ERROR, where)
    if "status" not in fields:
        raise ValueError(f"script: {where}: must have a status")
    headers = _parse_headers(fields.get("headers", {}), f"{where}.headers")
    return ApiError(**{"message": "The script says so", **fields, "headers": headers})


def _parse_headers(headers: Mapping[Any, Any], where: str) -> dict[str, str]:
    for name, value in headers.items():
        if (
            not _HEADER_NAME.fullmatch(str(name))
            or not _HEADER_VALUE.fullmatch(str(value))
            or not isinstance(value, str)
        ):
            raise ValueError(f"script: {where}: {name!r} can't be sent: names and values must be texts on one line")
        if name.lower() in _RESERVED_HEADERS:
            raise ValueError(f"script: {where}: {name} is set by the sandbox")
    # The sandbox sets this header too, so its name must have the same spelling.
    return {"Content-Type" if name.lower() == "content-type" else name: value for name, value in headers.items()}


def _parse_body(body: Any) -> tuple[str | bytes, ...]:
    return tuple(body) if _is_list(body) else (body,)


def _join(names: Any) -> str:
    return ", ".join(sorted(names))
