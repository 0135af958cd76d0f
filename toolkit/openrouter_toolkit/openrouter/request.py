"""An action's arguments as an HTTP request: path, query, headers, body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ..envelope import ActionError
from ..text.sanitize import preview
from . import headers

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, without the key and what all requests have in common."""

    method: str
    target: str
    headers: dict[str, bytes]
    body: bytes | None = None


def get(path: str, arguments: Mapping[str, Any]) -> Request:
    """A GET: arguments named in the path's braces go there, attribution becomes headers, the rest is query."""
    own, own_headers = headers.split(arguments)
    target = _PLACE.sub(lambda place: _segment(place[1], own.pop(place[1])), path)
    query = {name: _query_value(value) for name, value in own.items() if value is not None}
    try:
        encoded = urlencode(query, quote_via=quote)
    except UnicodeEncodeError:
        raise _unsendable("arguments", "a text has half a surrogate pair, which no URL can carry") from None
    return Request("GET", f"{target}?{encoded}" if encoded else target, own_headers)


def post(path: str, arguments: Mapping[str, Any]) -> Request:
    """A POST: attribution becomes headers, the rest is the JSON body."""
    own, own_headers = headers.split(arguments)
    try:
        body = json.dumps(own, separators=(",", ":"), allow_nan=False).encode()
    except RecursionError:
        raise _unsendable("arguments", "they are nested too deeply, or contain themselves") from None
    except (TypeError, ValueError) as error:
        raise _unsendable("arguments", f"they are no JSON: {error}") from None
    return Request("POST", path, own_headers, body)


def _segment(name: str, value: str) -> str:
    """One part of a path. A value that would reach into another part is refused, not only quoted."""
    if "/" in value or "\\" in value or value in (".", ".."):
        raise _unsendable(name, f"given {preview(value)}, wanted one part of a model id: AUTHOR/SLUG is split at its /")
    try:
        return quote(value, safe=":")
    except UnicodeEncodeError:
        raise _unsendable(name, "it has half a surrogate pair, which no URL can carry") from None


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
        raise _unsendable("arguments", f"given {preview(value)}, which is no number that can be sent") from None


def _unsendable(path: str, problem: str) -> ActionError:
    return ActionError(
        "invalid_arguments",
        f"{path}: {problem}",
        f"Nothing was sent. {path}: {problem}. Mend it and call again.",
        problems=[{"path": path, "problem": problem}],
    )
