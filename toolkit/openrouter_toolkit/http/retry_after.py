"""Read the retry delay that an API gives, from headers, error bodies and messages."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# A number from the first value on is a timestamp in seconds, from the second on in milliseconds.
_FIRST_TIMESTAMP = 1e9
_FIRST_MILLISECONDS = 1e11
_LAST_TIMESTAMP = 1e14
_MAX_HINT_LENGTH = 100
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(
    r"(\d{1,9}(?:\.\d{1,12})?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)(?![a-z])"
    r"[\s,]*(?:and\s+)?",
    re.IGNORECASE | re.ASCII,
)
_DURATION = rf"(?:{_PART.pattern})+"
_ONLY_DURATION = re.compile(rf"\s*(?:{_DURATION})", re.IGNORECASE | re.ASCII)
_MESSAGE_HINT = re.compile(
    rf"\b(?:again|retry|retrying|wait|resets?|available)\b[^.\d]{{0,40}}?(?P<duration>(?:{_DURATION}))",
    re.IGNORECASE | re.ASCII,
)
_MAX_LENGTH = 4_000
_NAMES = ("retry_after_seconds", "retry_after", "retryAfter", "retry_after_ms")


def retry_after(
    availability: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    places: Iterable[Mapping[str, Any]] = (),
    words: str = "",
    own_limit: bool = True,
) -> float | None:
    """Seconds to wait, or None without a usable hint. A time in the past means 0: retry at once.

    The most precise hint comes first: the availability object, `Retry-After` in seconds or as a date, the same in
    the error's body (`places`: its metadata, with `headers`, and the provider's objects), `X-RateLimit-Reset`,
    which OpenRouter's own limits (`own_limit`) send as a timestamp in milliseconds, and last the message
    (`words`: "try again in 12s"). A hint above zero takes precedence over zero.
    """
    fallback = None
    for hint in _hints(availability, headers, list(places), words, own_limit=own_limit):
        seconds = _seconds(hint)
        if seconds:
            return round(seconds, 3)
        fallback = fallback if seconds is None else 0.0
    return fallback


def _hints(
    availability: Mapping[str, Any],
    headers: Mapping[str, Any],
    places: list[Mapping[str, Any]],
    words: str,
    *,
    own_limit: bool,
) -> Iterator[Any]:
    def milliseconds(value: Any) -> float | None:
        number = _number(value)
        return None if number is None else number / 1000

    yield availability.get("retry_after")
    inner = [place["headers"] for place in places if isinstance(place.get("headers"), dict)]
    lower = [
        {str(name).lower(): value[0] if isinstance(value, list) and value else value for name, value in found.items()}
        for found in inner
    ]
    all_headers = [headers, *lower]
    for names in all_headers:
        yield milliseconds(names.get("retry-after-ms"))
        yield names.get("retry-after")
    for place in places:
        for name in _NAMES:
            yield milliseconds(place.get(name)) if name.endswith("_ms") else place.get(name)
        details = place.get("details")
        for detail in (place, *(details[:20] if isinstance(details, list) else ())):  # Google's RetryInfo
            delay = detail.get("retryDelay") if isinstance(detail, dict) else None
            yield delay.get("seconds") if isinstance(delay, dict) else delay
    if own_limit:
        for names in all_headers:
            yield names.get("x-ratelimit-reset")
    for place in places:
        yield place.get("resets_at")
    match = _MESSAGE_HINT.search(words[:_MAX_LENGTH])
    if match:
        yield match["duration"]


def _seconds(value: Any) -> float | None:
    """A hint in seconds: a number, a duration such as "1m30s", or a date."""
    number = _number(value)
    if number is not None:
        if not _FIRST_TIMESTAMP <= number < _LAST_TIMESTAMP:
            return number
        return max(0.0, (number / 1000 if number >= _FIRST_MILLISECONDS else number) - time.time())
    if not isinstance(value, str) or len(value) > _MAX_HINT_LENGTH:
        return None
    if _ONLY_DURATION.fullmatch(value):
        return math.fsum(
            float(amount) * (0.001 if unit.lower().startswith(("ms", "milli")) else _UNITS[unit[0].lower()])
            for amount, unit in _PART.findall(value)
        )
    date = _date(value)
    return None if date is None else max(0.0, date - time.time())


def _number(value: Any) -> float | None:
    """A finite number of seconds, 0 or more; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(text: str) -> float | None:
    """The timestamp of an HTTP date or an ISO date, in seconds; without a zone it is UTC."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(text.strip())
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
