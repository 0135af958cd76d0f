"""What travels as a header: attribution, the response cache's switches, and values that a header can carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..envelope import ActionError

# The documented spellings differ from action to action; each becomes these headers. The title goes out under
# today's name and under the older one, which proxies and compatible servers still read.
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
    """The arguments that are the request's own, and the headers that the others become.

    Raises:
        ActionError: `invalid_arguments`, for a value that no header can carry.
    """
    own: dict[str, Any] = {}
    headers: dict[str, bytes] = {}
    for name, value in arguments.items():
        spelling = name.lower().replace("-", "_")
        if spelling not in _HEADERS:
            own[name] = value
        elif encoded := header_value(name, value if isinstance(value, str) else _word(value)):
            headers.update(dict.fromkeys(_HEADERS[spelling], encoded))
    return own, headers


def _word(value: float) -> str:
    """A number or a truth value as a header has it: whole numbers without a point, `true` and `false`."""
    return str(value).lower() if isinstance(value, bool) or value % 1 else str(int(value))


def header_value(name: str, value: str) -> bytes:
    """A header's value as UTF-8; line breaks and other controls are refused."""
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
