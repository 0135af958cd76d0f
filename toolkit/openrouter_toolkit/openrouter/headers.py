"""Request headers from arguments: attribution, response cache options, and the check of header values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..envelope import ActionError

# The documented spellings differ between actions; each becomes these headers. The title is sent under today's name
# and under the older one, which proxies and compatible servers still read.
_HEADERS = {
    "http_referer": ("HTTP-Referer",),
    "x_title": ("X-OpenRouter-Title", "X-Title"),
    "x_openrouter_categories": ("X-OpenRouter-Categories",),
    "x_openrouter_metadata": ("X-OpenRouter-Metadata",),
    "x_openrouter_cache": ("X-OpenRouter-Cache",),
    "x_openrouter_cache_ttl": ("X-OpenRouter-Cache-TTL",),
    "x_openrouter_cache_clear": ("X-OpenRouter-Cache-Clear",),
}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def split(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Split arguments into the request's own and the headers that the others become.

    Raises:
        ActionError: `invalid_arguments`, for a value that a header can't contain.
    """
    own: dict[str, Any] = {}
    headers: dict[str, bytes] = {}
    for name, value in arguments.items():
        normalized = name.lower().replace("-", "_")
        if normalized not in _HEADERS:
            own[name] = value
        elif encoded := header_value(name, value if isinstance(value, str) else _header_text(value)):
            headers.update(dict.fromkeys(_HEADERS[normalized], encoded))
    return own, headers


def _header_text(value: float) -> str:
    """A number or bool as header text: whole numbers without a decimal point, `true` and `false`."""
    return str(value).lower() if isinstance(value, bool) or value % 1 else str(int(value))


def header_value(name: str, value: str) -> bytes:
    """A header's value as UTF-8. Raises `ActionError` for line breaks and other control characters."""
    try:
        encoded = value.strip().encode()
    except UnicodeEncodeError:
        encoded = None
    if encoded is None or _CONTROL.search(value.strip()):
        reason = "a header can't carry line breaks or control characters"
        raise ActionError(
            "invalid_arguments",
            f"{name}: {reason}",
            f"Nothing was sent. {name}: {reason}. Take them out and call again.",
            problems=[{"path": name, "problem": reason}],
        )
    return encoded
