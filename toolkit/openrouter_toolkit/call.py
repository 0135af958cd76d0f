"""The state of one running call: its deadline, its cancellation, and how to interrupt its network wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from .envelope import ActionError

Listener = Callable[[Any], None]


class SwiftListener:
    """A listener that never waits, so that an event loop's thread may call it."""

    def __call__(self, event: Any) -> None:
        """Take an event."""
        raise NotImplementedError

    def is_full(self, resume: Callable[[], None]) -> bool:
        """Whether it wants no more events now. Then it calls `resume`, on the event loop, when it does again."""
        return False


class Call:
    """The context of one `execute`: its listener, its deadline and whether it was cancelled.

    A handler's client calls `remaining` before it waits and `check` after it waited, and wraps every wait for
    the network in `interruptible`, so that `cancel` and the deadline also interrupt a silent connection.

    Attributes:
        on_event: gets each event of a streamed answer.
        timeout: seconds for all attempts and waits, None without a limit.
        secrets: the account's secrets; no event may contain one.
        cached: whether the answer came from a cache, set by the client; None if no cache was used.
        waits_for_limits: whether the client repeats the call after a rate limit; a bulk run does that itself, since its
            other calls have to wait, too.
        parks: whether a streamed answer is read in steps, which pause instead of waiting for the network.
    """

    def __init__(
        self, *, timeout: float | None = None, on_event: Listener | None = None, secrets: Sequence[str] = ()
    ) -> None:
        """Start the clock."""
        self.on_event = on_event
        self.timeout = timeout
        self.secrets = secrets
        self.cached: bool | None = None
        self.waits_for_limits = True
        self.parks = False
        self._revalidate: Callable[[], None] | None = None
        self._deadline = None if timeout is None else monotonic() + timeout
        self._state = _State()

    def with_account(self, secrets: Sequence[str], revalidate: Callable[[], None]) -> Call:
        """The same call, with one deadline and one cancellation, for the account that was chosen.

        `revalidate` raises `ActionError` if the account may not be used any more; `wait` calls it.
        """
        call = Call.__new__(Call)
        call.__dict__.update(self.__dict__, secrets=secrets, _revalidate=revalidate)
        return call

    def remaining(self) -> float | None:
        """Seconds until the deadline, never below zero; None without a deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - monotonic())

    def cancel(self) -> None:
        """Cancel the call, from any thread: its connection is shut down, its waits end, it fails as `cancelled`."""
        state = self._state
        with state.lock:
            state.cancelled = True
            interrupt, ended = state.interrupt, state.ended
        if ended is not None:
            ended.set()
        if interrupt is not None:
            interrupt()

    def ending(self) -> ActionError | None:
        """The error that ends the call (`cancelled` or `timeout`), or None while it may continue."""
        if self._state.cancelled:
            return ActionError(
                "cancelled",
                "The call was cancelled by its caller.",
                "The call was cancelled before it ended. What was sent may still be executed and billed.",
            )
        if self._deadline is not None and monotonic() >= self._deadline:
            return ActionError(
                "timeout",
                f"The deadline of {self.timeout:g} s for the whole call passed.",
                f"No answer within the {self.timeout:g} s that this call was given. Call again with a longer "
                "timeout, or for less.",
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

        Raises `ActionError` too if the account was disconnected, or the action switched off, during the wait.
        """
        state = self._state
        with state.lock:
            ended = state.ended = state.ended or threading.Event()
            if state.cancelled:
                ended.set()
        remaining = self.remaining()
        ended.wait(seconds if remaining is None else min(seconds, remaining))
        self.check()
        if self._revalidate is not None:
            self._revalidate()

    @contextmanager
    def interruptible(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Context in which `interrupt` is called, from another thread, on cancellation or at the deadline."""
        with self._state.lock:
            self._state.interrupt = interrupt
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
            with self._state.lock:
                self._state.interrupt = None


class _State:
    """What the threads of a call share."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # reentrant: a finalizer may call `cancel` at any time
        self.ended: threading.Event | None = None  # created by the first wait
        self.cancelled = False
        self.interrupt: Callable[[], None] | None = None
