"""Build the HTTP request of an action from its arguments: path, query, headers, body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..http.request import Request, encoded_body, encoded_pairs, encoded_segment, invalid, query_pairs, query_text
from ..text.sanitize import preview
from . import headers

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def build(method: str, path: str, arguments: Mapping[str, Any]) -> Request:
    """Build a request. Arguments in the path's braces go there, attribution into headers, the rest into query or body.

    Raises:
        ActionError: `invalid_arguments`, for values that can't be sent.
    """
    own, header_fields = headers.split(arguments)
    target = _PLACEHOLDER.sub(lambda placeholder: _segment(placeholder[1], query_text(own.pop(placeholder[1]))), path)
    if method in ("GET", "DELETE"):
        query = encoded_pairs(query_pairs(own))
        return Request(method, f"{target}?{query}" if query else target, header_fields)
    return Request(method, target, header_fields, encoded_body(own))


def _segment(name: str, value: str) -> str:
    """One segment of a path, percent-encoded. Raises `ActionError` for a value that would add or change segments."""
    if "/" in value or "\\" in value or value in (".", ".."):
        wanted = "one part of the address, which has no slash: a model id, AUTHOR/SLUG, is split at its /"
        raise invalid(name, f"given {preview(value)}, wanted {wanted}")
    return encoded_segment(name, value, safe=":")
