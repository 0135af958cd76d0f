"""The state of one running call: its deadline, its cancellation, and how to interrupt its network wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from .envelope import ActionError

Listener = Callable[[Any], None]


class Call:
    """The context of one `execute`: its listener, its deadline and whether it was cancelled.

    A handler's client calls `remaining` before it waits and `check` after it waited, and wraps every wait for
    the network in `interruptible`, so that `cancel` and the deadline also interrupt a silent connection.
    """

    def __init__(self, *, timeout: float | None = None, on_event: Listener | None = None) -> None:
        """Start the clock: `timeout` in seconds covers all attempts and waits."""
        self.on_event = on_event
        self.timeout = timeout
        self.secrets: tuple[str, ...] = ()  # the account's secrets; no event may contain one
        self.cached: bool | None = None  # whether the answer came from a cache; None if no cache was used
        self.revalidate: Callable[[], None] | None = None  # raises if the call may not continue after a wait
        self._deadline = None if timeout is None else monotonic() + timeout
        self._lock = threading.RLock()  # reentrant: a finalizer may call `cancel` at any time
        self._ended: threading.Event | None = None
        self._cancelled = False
        self._interrupt: Callable[[], None] | None = None

    def remaining(self) -> float | None:
        """Seconds until the deadline, never below zero; None without a deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - monotonic())

    def cancel(self) -> None:
        """Cancel the call, from any thread: its connection is shut down, its waits end, it fails as `cancelled`."""
        with self._lock:
            self._cancelled = True
            interrupt, ended = self._interrupt, self._ended
        if ended is not None:
            ended.set()
        if interrupt is not None:
            interrupt()

    def ending(self) -> ActionError | None:
        """The error that ends the call (`cancelled` or `timeout`), or None while it may continue."""
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
        """Raise `ActionError` if the call was cancelled (`cancelled`) or is past its deadline (`timeout`)."""
        ending = self.ending()
        if ending is not None:
            raise ending

    def wait(self, seconds: float) -> None:
        """Sleep, and wake early on cancellation or at the deadline; raises like `check`.

        Then `revalidate` runs, because the account may have been disconnected during the wait.
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
    def interruptible(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Context in which `interrupt` is called, from another thread, on cancellation or at the deadline."""
        with self._lock:
            self._interrupt = interrupt
        self.check()
        timer = None
        remaining = self.remaining()
        if remaining is not None:
            timer = threading.Timer(min(remaining, threading.TIMEOUT_MAX), interrupt)
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            with self._lock:
                self._interrupt = None
