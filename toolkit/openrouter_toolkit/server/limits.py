"""What is counted: wrong attempts and connections by address, the calls of each token, and the threads they take."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Network, ip_address
from time import monotonic

FIRST_DELAY = 0.25
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
        at, address = self._clock(), whose(address)
        with self._lock:
            count, last = self._wrong.pop(address, (0.0, at))
            count = max(0.0, count - (at - last) * _FREE / _FORGOTTEN_AFTER) + 1
            if len(self._wrong) >= _MOST_REMEMBERED:
                del self._wrong[next(iter(self._wrong))]  # the one that was wrong the longest ago
            self._wrong[address] = (count, at)
        over = count - _FREE
        return 0.0 if over <= 0 else min(_LONGEST, FIRST_DELAY / 2 * 2 ** min(over, 10))


class CallLimit:
    """How often each token may call: `per_minute`, which come back evenly over a minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._capacity = float(per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, token_id: str) -> float:
        """Count a call: 0 when it may be made, else the seconds after which one may."""
        at = self._clock()
        with self._lock:
            left, last = self._left.get(token_id, (self._capacity, at))
            left = min(self._capacity, left + (at - last) * self._capacity / 60)
            made = left >= 1
            self._left[token_id] = (left - 1 if made else left, at)
        return 0.0 if made else (1 - left) * 60 / self._capacity


class FairShare:
    """Shares the worker threads among tokens: each may take as many as stay free beside them.

    So one token gets half of all threads at most, two a third each; there is always room for another.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()
        self._working = 0

    @property
    def free(self) -> int:
        """The threads that nobody has taken. A call that was given up may hold its thread a little longer."""
        with self._lock:
            return self._free()

    @contextmanager
    def one(self, token_id: str) -> Iterator[int | None]:
        """While a request is answered: None where it may take a thread, else how many its token has already."""
        with self._lock:
            had = self._taken[token_id]
            allowed = had < self._free()
            if allowed:
                self._taken[token_id] += 1
        try:
            yield None if allowed else had
        finally:
            if allowed:
                with self._lock:
                    self._taken[token_id] -= 1
                    if not self._taken[token_id]:
                        del self._taken[token_id]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While a thread makes a call."""
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
    """Counts what each address has at the same time, up to a limit. Safe from many threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._at_once: Counter[str] = Counter()

    def add(self, address: str) -> int:
        """Count one more; how many there are."""
        key = whose(address)
        with self._lock:
            self._at_once[key] += 1
            return self._at_once[key]

    def remove(self, address: str) -> None:
        """Count one less."""
        key = whose(address)
        with self._lock:
            self._at_once[key] -= 1
            if not self._at_once[key]:
                del self._at_once[key]

    @contextmanager
    def one(self, address: str) -> Iterator[bool]:
        """Count one while inside; whether it is within the limit."""
        count = self.add(address)
        try:
            yield count <= self.most
        finally:
            self.remove(address)


def whose(address: str) -> str:
    """What an address is counted under: itself, or its /64 for IPv6, of which one client has all the addresses."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped:
        return str(found if found.version == 4 else found.ipv4_mapped)
    return str(IPv6Network((int(found), 64), strict=False))
