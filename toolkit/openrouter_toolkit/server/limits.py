"""Rate limits: failed attempts and connections per address, calls and worker threads per token."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv6Network, ip_address
from time import monotonic

from starlette.requests import HTTPConnection
from starlette.types import Scope

FIRST_DELAY = 0.25
_FREE_ATTEMPTS = 5
_DECAY_SECONDS = 300.0
_MAX_DELAY = 4.0
_MAX_REMEMBERED = 10_000
_REFUSED = "refused"


def mark_refused(request: HTTPConnection) -> None:
    """Mark a request's login, token or key as wrong; its answer is delayed if there were many such attempts."""
    request.scope.setdefault("state", {})[_REFUSED] = True


def is_refused(scope: Scope) -> bool:
    """Whether `mark_refused` marked a request."""
    return _REFUSED in scope.get("state", {})


class Throttle:
    """Counts failed attempts per client address. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed_attempts: dict[str, tuple[float, float]] = {}

    def delay(self, address: str) -> float:
        """Count a failed attempt, and return the seconds by which to delay its answer."""
        at, address = self._clock(), address_key(address)
        with self._lock:
            count, last = self._failed_attempts.pop(address, (0.0, at))
            count = max(0.0, count - (at - last) * _FREE_ATTEMPTS / _DECAY_SECONDS) + 1
            if len(self._failed_attempts) >= _MAX_REMEMBERED:
                del self._failed_attempts[next(iter(self._failed_attempts))]  # the address that failed least recently
            self._failed_attempts[address] = (count, at)
        over = count - _FREE_ATTEMPTS
        return 0.0 if over <= 0 else min(_MAX_DELAY, FIRST_DELAY / 2 * 2 ** min(over, 10))


class CallLimit:
    """Limits the calls of each token with a token bucket: `per_minute`, refilled evenly over a minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._capacity = float(per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, token_id: str) -> float:
        """Count a call. Return 0 if it is allowed, else the seconds until the next call is."""
        at = self._clock()
        with self._lock:
            left, last = self._left.get(token_id, (self._capacity, at))
            left = min(self._capacity, left + (at - last) * self._capacity / 60)
            allowed = left >= 1
            self._left[token_id] = (left - 1 if allowed else left, at)
        return 0.0 if allowed else (1 - left) * 60 / self._capacity


@dataclass(frozen=True, slots=True)
class HeldThread:
    """The worker thread that a request may use; `release` returns it early, when the request no longer needs one."""

    token_id: str
    release: Callable[[], None]


held_thread: ContextVar[HeldThread | None] = ContextVar("held_thread", default=None)


class FairShare:
    """Shares the worker threads among tokens: a token may use as many threads as remain free for others.

    So one token gets at most half of all threads, two get a third each, and there is always room for another.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()
        self._working = 0

    @property
    def free(self) -> int:
        """The number of free threads. A cancelled call may keep its thread busy a little longer."""
        with self._lock:
            return self._free()

    @contextmanager
    def one(self, token_id: str) -> Iterator[int | None]:
        """Take a thread for a request: yields None if it may have one, else how many its token uses already."""
        with self._lock:
            in_use = self._taken[token_id]
            allowed = in_use < self._free()
            if allowed:
                self._taken[token_id] += 1
        try:
            yield None if allowed else in_use
        finally:
            if allowed:
                with self._lock:
                    self._taken[token_id] -= 1
                    if not self._taken[token_id]:
                        del self._taken[token_id]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a thread as busy while it makes a call."""
        with self._lock:
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._working -= 1

    def _free(self) -> int:
        return self._threads - max(self._taken.total(), self._working)


class AddressCounter:
    """Counts what each address uses at the same time, such as connections, against a limit. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, address: str) -> int:
        """Count one more, and return the new count."""
        key = address_key(address)
        with self._lock:
            self._counts[key] += 1
            return self._counts[key]

    def remove(self, address: str) -> None:
        """Count one fewer."""
        key = address_key(address)
        with self._lock:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]

    @contextmanager
    def one(self, address: str) -> Iterator[bool]:
        """Count one more inside the context; yields whether it is within the limit."""
        count = self.add(address)
        try:
            yield count <= self.limit
        finally:
            self.remove(address)


def address_key(address: str) -> str:
    """Return the key for an address: itself, or for IPv6 its /64 network, because one client owns a whole /64."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped:
        return str(found if found.version == 4 else found.ipv4_mapped)
    return str(IPv6Network((int(found), 64), strict=False))
