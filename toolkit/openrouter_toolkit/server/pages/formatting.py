"""Numbers, times and addresses as the pages write them."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def counted(number: int, noun: str) -> str:
    """A number and what is counted: "1 action", "2 actions"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def moment(at: datetime) -> Markup:
    """A time as an element: how long ago for people, exactly for machines and for who points at it."""
    exact = f"{at:%d %B %Y, %H:%M} UTC".lstrip("0")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", exact, _ago(at))


def time_of_day(at: datetime) -> str:
    """The time of a day that is today, or nearly."""
    return f"{at:%H:%M} UTC"


def without_scheme(address: str) -> str:
    """An address as people say it."""
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
