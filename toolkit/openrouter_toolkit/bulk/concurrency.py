"""How many calls run at once: one more after each round of successes, half as many after a limit was hit."""

from __future__ import annotations

import random
from collections.abc import Callable
from time import monotonic

_MAX_BACKOFF = 20.0


class AdaptiveConcurrency:
    """Additive increase, multiplicative decrease, as in TCP: `limit` calls may run, from 1 to `maximum`.

    Calls that ran when a limit was hit tell nothing new if they hit it too, so they count as one.
    """

    def __init__(self, maximum: int, now: Callable[[], float] = monotonic) -> None:
        self.maximum = maximum
        self._now = now
        self._limit = float(maximum)
        self._setbacks = 0
        self._decreased_at = self._resumes_at = -1e9

    @property
    def limit(self) -> int:
        """How many calls may run at once, apart from a pause."""
        return int(self._limit)

    @property
    def pause(self) -> float:
        """Seconds until another call may begin; 0 if it may at once."""
        return max(0.0, self._resumes_at - self._now())

    def succeeded(self) -> None:
        """A call ended without hitting a limit."""
        self._setbacks = 0
        if self._limit < self.maximum:
            self._limit = min(self.maximum, self._limit + 1 / self._limit)

    def limited(self, began_at: float, retry_after: float | None) -> None:
        """A call that began at this time hit a limit; `retry_after` is the wait that the answer asks for, if any."""
        now = self._now()
        if began_at >= self._decreased_at:
            self._limit = max(1.0, self._limit / 2)
            self._decreased_at = now
            self._setbacks += 1
        if retry_after is None:
            retry_after = random.uniform(0.5, 1) * min(2.0**self._setbacks / 2, _MAX_BACKOFF)  # noqa: S311 - jitter
        self._resumes_at = max(self._resumes_at, now + retry_after)
