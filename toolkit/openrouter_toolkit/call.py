"""One execution's lifeline: its deadline, whether it was cancelled, and what to cut when it ends early."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from .envelope import ActionError

Listener = Callable[[Any], None]


class Call:
    """What one `execute` hands down: who listens, how long it may take, and whether it is still wanted.

    A handler's client asks `remaining` before it waits and `check` after it waited, and wraps every wait for
    the network in `cutting`, so that `cancel` and the deadline end it in the middle of silence too.
    """

    def __init__(self, *, timeout: float | None = None, on_event: Listener | None = None) -> None:
        """Start the clock: `timeout` in seconds covers all attempts and waits."""
        self.on_event = on_event
        self.timeout = timeout
        self.secrets: tuple[str, ...] = ()  # the account's, none of which an event may show
        self.cached: bool | None = None  # whether a cache had the answer; None where no cache was asked
        self.revalidate: Callable[[], None] | None = None  # raises when the call may not go on after a wait
        self._deadline = None if timeout is None else monotonic() + timeout
        self._lock = threading.RLock()  # `cancel` may be called by a finalizer, in the middle of anything
        self._ended: threading.Event | None = None
        self._cancelled = False
        self._cut: Callable[[], None] | None = None

    def remaining(self) -> float | None:
        """Seconds until the deadline, never below zero; None without a deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - monotonic())

    def cancel(self) -> None:
        """End the call, from any thread: its connection is cut, its waits end, it fails as `cancelled`."""
        with self._lock:
            self._cancelled = True
            cut, ended = self._cut, self._ended
        if ended is not None:
            ended.set()
        if cut is not None:
            cut()

    def ending(self) -> ActionError | None:
        """Why the call may not go on, or None while it may."""
        if self._cancelled:
            return ActionError(
                "cancelled",
                "The call was cancelled by its caller.",
                "The call was cancelled before it ended. An answer without streaming may still be billed.",
            )
        if self._deadline is not None and monotonic() >= self._deadline:
            return ActionError(
                "timeout",
                f"The deadline of {self.timeout:g} s for the whole call passed.",
                f"No answer within the {self.timeout:g} s that this call was given. Call again with a longer "
                "timeout, a smaller max_tokens or a faster model.",
                retryable=True,
            )
        return None

    def check(self) -> None:
        """Raise `ActionError` (`cancelled` or `timeout`) when the call has to end."""
        ending = self.ending()
        if ending is not None:
            raise ending

    def wait(self, seconds: float) -> None:
        """Sleep, and wake early when the call is cancelled or its deadline comes; raises like `check`.

        Afterwards it is asked anew whether the call may go on: its account may have been disconnected meanwhile.
        """
        with self._lock:
            ended = self._ended = self._ended or threading.Event()
            if self._cancelled:
                ended.set()
        remaining = self.remaining()
        ended.wait(seconds if remaining is None else min(seconds, remaining))
        self.check()
        if self.revalidate is not None:
            self.revalidate()

    @contextmanager
    def cutting(self, cut: Callable[[], None]) -> Iterator[None]:
        """While inside, `cut` is called once the call is cancelled or past its deadline, from another thread."""
        with self._lock:
            self._cut = cut
        self.check()
        alarm = None
        remaining = self.remaining()
        if remaining is not None:
            alarm = threading.Timer(min(remaining, threading.TIMEOUT_MAX), cut)
            alarm.daemon = True
            alarm.start()
        try:
            yield
        finally:
            if alarm is not None:
                alarm.cancel()
            with self._lock:
                self._cut = None
