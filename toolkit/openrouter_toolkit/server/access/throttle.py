"""Who guesses is slowed down, and no token may call without end. A good one from the same address waits for nobody."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import anyio
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..problems import problem

_FREE = 5
_FORGOTTEN_AFTER = 300.0
_LONGEST = 4.0
_MOST_WAITING = 200
_MOST_REMEMBERED = 10_000
_MOST_AT_ONCE = 200
_REFUSED = "refused"


def refused(request: HTTPConnection) -> None:
    """Say of a request that its login, token or key was wrong: its answer will be slow, if there were many of these."""
    request.scope.setdefault("state", {})[_REFUSED] = True


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


class SlowRefusals:
    """Lets answers to wrong attempts wait. Where too many of them wait already, they are 429 at once."""

    def __init__(self, app: ASGIApp, throttle: Throttle) -> None:
        self._app = app
        self._throttle = throttle
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and wait before the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        dropped = False

        async def send_slowly(message: Message) -> None:
            nonlocal dropped
            if message["type"] == "http.response.start" and scope.get("state", {}).get(_REFUSED):
                delay = self._throttle.delay((scope.get("client") or ("",))[0])
                dropped = delay > 0 and self._waiting >= _MOST_WAITING
                if dropped:
                    await problem(scope["path"], 429, headers=retry_after(delay))(scope, receive, send)
                elif delay > 0:
                    await self._wait(delay)
            if not dropped:
                await send(message)

        await self._app(scope, receive, send_slowly)

    async def _wait(self, delay: float) -> None:
        self._waiting += 1
        try:
            await anyio.sleep(delay)
        finally:
            self._waiting -= 1


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
            allowed = self._at_once[token_id] <= _MOST_AT_ONCE
        try:
            yield allowed
        finally:
            with self._lock:
                self._at_once[token_id] -= 1


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to come back."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
