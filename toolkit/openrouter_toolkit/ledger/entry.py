"""What the ledger keeps of one call: facts, never arguments, answers or keys."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from random import getrandbits
from time import time_ns
from typing import Any

from sqlalchemy import Integer, literal_column

# What calls have in common, by which usage is broken down. Absent ones are empty.
DIMENSIONS = (
    "toolkit",
    "action",
    "user_id",
    "model",
    "provider",
    "token_id",
    "account_id",
    "agent",
    "error_type",
)
_group_of: Callable[[object], tuple[str, ...]] = attrgetter(*DIMENSIONS)
# The sums of a day, and the upper bounds of its histogram of durations, in milliseconds; the last one is open.
SUMS = ("calls", "priced", "unpriced", "tokens_in", "tokens_out", "cost", "milliseconds", "streams", "first_token_ms")
BOUNDS = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)
MEASURES = (*SUMS, *(f"within_{number}" for number in range(len(BOUNDS) + 1)))
_ALL_BUCKETS = [tuple(int(one == number) for one in range(len(BOUNDS) + 1)) for number in range(len(BOUNDS) + 1)]
_NO_BUCKET = (0,) * (len(BOUNDS) + 1)

# The error types of a call that has not ended, and of one that ended with its process.
UNFINISHED = "unfinished"
INTERRUPTED = "interrupted"

# How it stands with a call's cost: the action has none; it is known; it will be looked up; it can't be found out;
# nothing was billed.
FREE, KNOWN, UNSETTLED, UNKNOWN, NOTHING = "free", "known", "unsettled", "unknown", "nothing"

# Costs are kept as whole numbers of this part of a US dollar, so that sums are exact.
_UNITS = 10**12
_MAX_COST = 1_000_000
_MAX_NUMBER = 2**31 - 1

# An id is the time when a call began, in microseconds since this moment, and 12 random bits.
_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
_EPOCH_MICROSECONDS = int(_EPOCH.timestamp()) * 1_000_000
_RANDOM_BITS = 12
_MAX_ID = 2**63 - 1
# A clock that goes back by less than a minute does not change the order of calls.
_SET_BACK = 60_000_000 << _RANDOM_BITS
_ID = re.compile(r"call_([0-9a-f]{16})", re.ASCII)
_last_id = 0
_last_id_lock = threading.Lock()


@dataclass(slots=True)
class Entry:
    """One call. Texts that are absent are empty where usage is broken down by them, see `DIMENSIONS`.

    Attributes:
        request_model: the model that was asked for; `model` is the one that answered, if any did.
        status: the HTTP status of the last answer.
        attempts: how many requests were sent.
        first_token_ms: milliseconds until a streamed answer began.
        cost: in units of 10^-12 US dollars, see `to_dollars`; None if it is unknown.
        billing: how it stands with the cost, such as `unsettled`.
    """

    toolkit: str = ""
    action: str = ""
    user_id: str = ""
    model: str = ""
    provider: str = ""
    token_id: str = ""
    account_id: str = ""
    agent: str = ""
    error_type: str = ""
    request_model: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    generation_id: str | None = None
    status: int | None = None
    attempts: int = 0
    milliseconds: int | None = None
    first_token_ms: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: int | None = None
    streamed: bool = False
    cached: bool | None = None
    billing: str = FREE
    id: int = 0

    @property
    def group(self) -> tuple[str, ...]:
        """The values of `DIMENSIONS`."""
        return _group_of(self)

    @property
    def measures(self) -> tuple[int, ...]:
        """What the call adds to its day: the values of `MEASURES`."""
        took, first = self.milliseconds, self.first_token_ms
        return (
            1,
            int(self.cost is not None),
            int(self.billing in (UNSETTLED, UNKNOWN)),
            self.tokens_in or 0,
            self.tokens_out or 0,
            self.cost or 0,
            took or 0,
            0 if first is None else 1,
            first or 0,
            *(_NO_BUCKET if took is None else _ALL_BUCKETS[bisect_left(BOUNDS, took)]),
        )


def new_id() -> int:
    """Return the id of a call that begins now; later ones are greater, unless the clock was set back by much."""
    global _last_id  # noqa: PLW0603 - ids of one process never repeat
    made = (time_ns() // 1000 - _EPOCH_MICROSECONDS) << _RANDOM_BITS | getrandbits(_RANDOM_BITS)
    with _last_id_lock:
        _last_id = made if made < _last_id - _SET_BACK else max(made, _last_id + 1)
        return _last_id


def first_id_at(moment: datetime) -> int:
    """Return the lowest id of a call that began at this moment or later."""
    return min(max(0, (moment - _EPOCH) // timedelta(microseconds=1)) << _RANDOM_BITS, _MAX_ID)


def second_of(call_id: Any) -> Any:
    """Return when a call began in seconds since 1970, for SQL, by the column of ids."""
    microseconds = call_id.bitwise_rshift(literal_column(str(_RANDOM_BITS), Integer))
    return microseconds // 1_000_000 + int(_EPOCH.timestamp())


def began_at(call_id: int) -> datetime:
    """Return when a call began."""
    return _EPOCH + timedelta(microseconds=call_id >> _RANDOM_BITS)


def day_number(call_id: int) -> int:
    """Return the day in UTC on which a call began, as a number."""
    return (call_id >> _RANDOM_BITS) // 86_400_000_000


def day_of_number(number: int) -> date:
    """Return the day with a number."""
    return (_EPOCH + timedelta(days=number)).date()


def day_of(call_id: int) -> date:
    """Return the day in UTC on which a call began."""
    return began_at(call_id).date()


def id_as_text(call_id: int) -> str:
    """Return a call's id as people and programs see it: `call_` and 16 hexadecimal digits."""
    return f"call_{call_id:016x}"


def id_from_text(text: str) -> int | None:
    """Return the number of an id, None if it is none."""
    found = _ID.fullmatch(text)
    return int(found[1], 16) if found is not None and int(found[1], 16) < 2**63 else None


def to_units(dollars: object) -> int | None:
    """Return a cost in US dollars in whole units; None for what is no possible cost. Finer parts are rounded."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float | Decimal):
        return None
    # A float is taken as JSON writes it: 0.1 is a tenth, and not the nearest binary fraction.
    exact = Decimal(repr(dollars)) if isinstance(dollars, float) else Decimal(dollars)
    return int((exact * _UNITS).to_integral_value()) if exact.is_finite() and 0 <= exact <= _MAX_COST else None


def to_dollars(units: int) -> Decimal:
    """Return units as US dollars, exactly."""
    return Decimal(units) / _UNITS if units.bit_length() < 90 else Decimal(f"{units}E-12")


def milliseconds(seconds: float) -> int:
    """Return seconds as whole milliseconds, as far as a column holds them."""
    return min(_MAX_NUMBER, max(0, round(seconds * 1000)))
