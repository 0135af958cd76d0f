"""Request headers from arguments: attribution and response cache options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..http.header_values import header_text, header_value

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
        elif encoded := header_value(name, header_text(value)):
            headers.update(dict.fromkeys(_HEADERS[normalized], encoded))
    return own, headers
