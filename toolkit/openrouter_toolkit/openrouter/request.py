"""Build the HTTP request of an action from its arguments: path, query, headers, body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ..envelope import ActionError
from ..http import json_body
from ..http.json_body import JsonBody
from ..text.sanitize import preview
from . import headers

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, without the key and the headers that all requests have."""

    method: str
    target: str
    headers: dict[str, bytes]
    body: bytes | JsonBody | None = None


def build(method: str, path: str, arguments: Mapping[str, Any]) -> Request:
    """Build a request. Arguments in the path's braces go there, attribution into headers, the rest into query or body.

    Raises:
        ActionError: `invalid_arguments`, for values that can't be sent.
    """
    own, header_fields = headers.split(arguments)
    target = _PLACEHOLDER.sub(lambda placeholder: _segment(placeholder[1], _query_value(own.pop(placeholder[1]))), path)
    if method in ("GET", "DELETE"):
        query = _query(own)
        return Request(method, f"{target}?{query}" if query else target, header_fields)
    try:
        return Request(method, target, header_fields, json_body.encode(own))
    except RecursionError:
        raise _invalid("arguments", "they are nested too deeply, or contain themselves") from None
    except (TypeError, ValueError) as error:
        raise _invalid("arguments", f"they are not valid JSON: {error}") from None


def _query(own: Mapping[str, Any]) -> str:
    query = {name: _query_value(value) for name, value in own.items() if value is not None}
    try:
        return urlencode(query, quote_via=quote)
    except UnicodeEncodeError:
        raise _invalid("arguments", "a text has half a surrogate pair, which no URL can carry") from None


def _segment(name: str, value: str) -> str:
    """One segment of a path, percent-encoded. Raises `ActionError` for a value that would add or change segments."""
    if "/" in value or "\\" in value or value in (".", ".."):
        raise _invalid(name, f"given {preview(value)}, wanted one part of a model id: AUTHOR/SLUG is split at its /")
    try:
        return quote(value, safe=":")
    except UnicodeEncodeError:
        raise _invalid(name, "it has half a surrogate pair, which no URL can carry") from None


def _query_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_query_value(item) for item in value)
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        raise _invalid("arguments", f"given {preview(value)}, which is no number that can be sent") from None


def _invalid(path: str, problem: str) -> ActionError:
    return ActionError(
        "invalid_arguments",
        f"{path}: {problem}",
        f"Nothing was sent. {path}: {problem}. Fix it and call again.",
        problems=[{"path": path, "problem": problem}],
    )
