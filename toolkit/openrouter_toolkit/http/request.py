"""The parts of an HTTP request that are made of a call's arguments: path segments, query values, the JSON body."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ..envelope import ActionError
from ..text.sanitize import preview
from . import json_body
from .json_body import JsonBody


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, without the key and the headers that all requests have."""

    method: str
    target: str
    headers: dict[str, bytes]
    body: bytes | JsonBody | None = None


def encoded_body(arguments: Any) -> bytes | JsonBody:
    """Arguments as a JSON body. Raises `ActionError` for what JSON can't hold."""
    try:
        return json_body.encode(arguments)
    except RecursionError:
        raise invalid("arguments", "they are nested too deeply, or contain themselves") from None
    except (TypeError, ValueError) as error:
        raise invalid("arguments", f"they are not valid JSON: {error}") from None


def encoded_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, percent-encoded, as in a query. Raises `ActionError` for what no URL can carry."""
    try:
        return urlencode(list(pairs), quote_via=quote)
    except UnicodeEncodeError:
        raise invalid("arguments", "a text has half a surrogate pair, which no URL can carry") from None


def encoded_segment(name: str, value: str, *, safe: str = "") -> str:
    """One segment of a path, percent-encoded. Raises `ActionError` for what no URL can carry."""
    try:
        return quote(value, safe=safe)
    except UnicodeEncodeError:
        raise invalid(name, "it has half a surrogate pair, which no URL can carry") from None


def query_text(value: Any) -> str:
    """A value as text for a path or a query: `true`, `1.5`, a list's items with commas, an object as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(query_text(item) for item in value)
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        raise invalid("arguments", f"given {preview(value)}, which is no number that can be sent") from None


def query_pairs(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Arguments as a query's names and values; those that are None are left out."""
    return [(name, query_text(value)) for name, value in arguments.items() if value is not None]


def invalid(path: str, problem: str) -> ActionError:
    """The error for an argument that can't be sent."""
    return ActionError(
        "invalid_arguments",
        f"{path}: {problem}",
        f"Nothing was sent. {path}: {problem}. Fix it and call again.",
        problems=[{"path": path, "problem": problem}],
    )
