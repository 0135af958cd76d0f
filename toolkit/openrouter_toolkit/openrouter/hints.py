"""How long to wait before a call is made again, as OpenRouter or a provider hints it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

# A reset given as a number this large is a point in time in milliseconds, above the next one in seconds.
_MILLISECONDS = 1e11
_POINT_IN_TIME = 1e9


def retry_after(availability: Mapping[str, Any], headers: Mapping[str, str], *, own_limit: bool = True) -> float | None:
    """Seconds to wait, or None without a usable hint. A hint that lies in the past means at once: 0.

    The order is that of precision: the availability object, `Retry-After` in seconds or as a date, and
    `X-RateLimit-Reset`, which OpenRouter's own limits (`own_limit`) send as a point in time in milliseconds.
    """
    for seconds in (
        _seconds(availability.get("retry_after")),
        _seconds(headers.get("retry-after")),
        _until_date(headers.get("retry-after")),
        _until_reset(headers.get("x-ratelimit-reset")) if own_limit else None,
    ):
        if seconds is not None:
            return round(seconds, 3)
    return None


def _seconds(value: Any) -> float | None:
    """A number of seconds that can be waited for; negative, infinite and nonsensical ones are no hint."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until_date(value: str | None) -> float | None:
    if not value or _seconds(value) is not None:
        return None
    try:
        date = parsedate_to_datetime(value)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0.0, date.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _until_reset(value: str | None) -> float | None:
    reset = _seconds(value)
    if reset is None:
        return None
    if reset >= _MILLISECONDS:
        return max(0.0, reset / 1000 - time.time())
    return max(0.0, reset - time.time()) if reset >= _POINT_IN_TIME else reset
