"""The time in which a budget counts: a call, a session, an hour, day, week or month, by the calendar or rolling."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Per = Literal["call", "session", "hour", "day", "week", "month", "ever"]
PER: tuple[Per, ...] = get_args(Per)

_LENGTHS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
}
# A rolling window is so many steps long, and one more is counted: the one that is partly in it.
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Slot:
    """The counter to which a call adds, and from which counter on they count together.

    Attributes:
        number: in seconds since 1970, when the counter begins; of a session a number of its own.
        since: the first counter that counts; `number` unless the window rolls.
        resets: when what was counted counts no more, at the latest; None if that is never.
    """

    number: int
    since: int
    resets: datetime | None

    @property
    def numbers(self) -> range:
        """The counters that count together."""
        return range(self.since, self.number + 1, max(1, (self.number - self.since) // _STEPS))


@dataclass(frozen=True, slots=True)
class Window:
    """A budget's window.

    Attributes:
        per: its unit. A week begins on Monday; a rolling month has 30 days.
        zone: the time zone in which days begin, such as `Europe/Berlin`.
        rolling: whether the last hour, day, week or month counts, instead of the present one.
    """

    per: Per = "month"
    zone: str = "UTC"
    rolling: bool = False

    def __post_init__(self) -> None:
        """Raise `ValueError` for a window that does not exist."""
        if self.per not in PER:
            raise ValueError(f"a budget is per {', '.join(PER)}, not per {self.per!r}")
        if self.rolling and self.per not in _LENGTHS:
            raise ValueError(f"a budget per {self.per} can't roll; {', '.join(_LENGTHS)} can")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {self.zone!r}; an example is Europe/Berlin") from None

    def slot(self, at: datetime, session_id: str | None = None) -> Slot | None:
        """Return the counters for a call at a moment; None if nothing is counted from one call to the next.

        A call of no session is a session of its own.
        """
        if self.per == "call" or (self.per == "session" and session_id is None):
            return None
        if self.per == "session":
            number = int.from_bytes(hashlib.blake2b(str(session_id).encode(), digest_size=8).digest()) >> 1
            return Slot(number, number, None)
        if self.per == "ever":
            return Slot(0, 0, None)
        if self.rolling:
            return self._rolling(at)
        begins, ends = _CALENDAR[self.per](at.astimezone(ZoneInfo(self.zone)))
        number = _seconds(begins)
        return Slot(number, number, ends.astimezone(UTC))

    def _rolling(self, at: datetime) -> Slot:
        length = _LENGTHS[self.per]
        step = int(length.total_seconds()) // _STEPS
        number = _seconds(at) // step * step
        return Slot(number, number - _STEPS * step, datetime.fromtimestamp(number + step, UTC) + length)


def _hour(at: datetime) -> tuple[datetime, datetime]:
    # By the clock of the world: an hour that comes twice when summer ends is two hours.
    begins = at.astimezone(UTC) - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    return begins, begins + timedelta(hours=1)


def _day(at: datetime) -> tuple[datetime, datetime]:
    return _midnight(at), _midnight(at + timedelta(days=1))


def _week(at: datetime) -> tuple[datetime, datetime]:
    monday = at - timedelta(days=at.weekday())
    return _midnight(monday), _midnight(monday + timedelta(weeks=1))


def _month(at: datetime) -> tuple[datetime, datetime]:
    first = at.replace(day=1)
    return _midnight(first), _midnight((first + timedelta(days=32)).replace(day=1))


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


_CALENDAR: dict[str, Callable[[datetime], tuple[datetime, datetime]]] = {
    "hour": _hour,
    "day": _day,
    "week": _week,
    "month": _month,
}
