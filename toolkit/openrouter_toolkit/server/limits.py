"""What is counted: wrong attempts by address, and the calls of each token."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

MOST_AT_ONCE = 200
_FREE = 5
_FORGOTTEN_AFTER = 300.0
_LONGEST = 4.0
_MOST_REMEMBERED = 10_000


class Throttle:
    """Counts what was wrong, by the address that it came from. Safe from many threads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: dict[str, tuple[float, float]] = {}

    def delay(self, address: str) -> float:
        """Count one more wrong attempt: the seconds that its answer has to wait."""
        at = self._clock()
        with self._lock:
            count, last = self._wrong.pop(address, (0.0, at))
            count = max(0.0, count - (at - last) * _FREE / _FORGOTTEN_AFTER) + 1
            if len(self._wrong) >= _MOST_REMEMBERED:
                del self._wrong[next(iter(self._wrong))]  # the one that was wrong the longest ago
            self._wrong[address] = (count, at)
        over = count - _FREE
        return 0.0 if over <= 0 else min(_LONGEST, 0.125 * 2 ** min(over, 10))


class CallLimit:
    """How often each token may call: `per_minute`, which come back evenly over a minute, and not too many at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._capacity = float(per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}
        self._at_once: Counter[str] = Counter()

    def wait(self, token_id: str) -> float:
        """Count a call: 0 when it may be made, else the seconds after which one may."""
        at = self._clock()
        with self._lock:
            left, last = self._left.get(token_id, (self._capacity, at))
            left = min(self._capacity, left + (at - last) * self._capacity / 60)
            made = left >= 1
            self._left[token_id] = (left - 1 if made else left, at)
        return 0.0 if made else (1 - left) * 60 / self._capacity

    @contextmanager
    def one(self, token_id: str) -> Iterator[bool]:
        """While a call is being made; whether it may be: no token gets all the threads that calls are made in."""
        with self._lock:
            self._at_once[token_id] += 1
            allowed = self._at_once[token_id] <= MOST_AT_ONCE
        try:
            yield allowed
        finally:
            with self._lock:
                self._at_once[token_id] -= 1
