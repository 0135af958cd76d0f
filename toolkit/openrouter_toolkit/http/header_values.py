"""Encode header values, and refuse those that a header can't carry."""

from __future__ import annotations

import re

from ..envelope import ActionError

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def header_text(value: float | str) -> str:
    """A text, number or bool as header text: whole numbers without a decimal point, `true` and `false`."""
    if isinstance(value, str):
        return value
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
