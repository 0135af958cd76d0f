"""Formats numbers, times and addresses for the pages."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def counted(number: int, noun: str) -> str:
    """Format a number with its noun: "1 action", "2 actions"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def moment(at: datetime) -> Markup:
    """Format a time as a <time> element: its text is relative, its datetime attribute and tooltip are exact."""
    exact = f"{at:%d %B %Y, %H:%M} UTC".lstrip("0")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", exact, _ago(at))


def time_of_day(at: datetime) -> str:
    """Format a time of today, or near it, without the date."""
    return f"{at:%H:%M} UTC"


def without_scheme(address: str) -> str:
    """Return an address without https:// and a final slash."""
    return address.removeprefix("https://").rstrip("/")


def _ago(at: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - at).total_seconds()))
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{counted(seconds // _MINUTE, 'minute')} ago"
    if seconds < _DAY:
        return f"{counted(seconds // _HOUR, 'hour')} ago"
    return f"on {at:%d %B %Y}".replace(" 0", " ")
