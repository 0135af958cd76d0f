"""The state of one running call: its deadline, its cancellation, and how to interrupt its network wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, as the ledger notes it. Nothing of it is sent.

    Attributes:
        agent: a label of the agent, such as its name.
        session_id: a conversation or a run, to which several calls belong.
        token_id: the API token of the server that the call came with.
        request_id: the id of the request to the server, the caller's own or a new one.
    """

    agent: str | None = None
    session_id: str | None = None
    token_id: str | None = None
    request_id: str | None = None


# Set by the server for the calls of a request.
current_caller: ContextVar[Caller] = ContextVar("openrouter_toolkit_caller", default=Caller())  # noqa: B039 - frozen


class Progress:
    """What is known of a call so far, shared by all its parts.

    Attributes:
        attempts: how many requests were sent.
        status: the HTTP status of the last answer.
        cached: whether the answer came from a cache; None if no cache was used.
        generation_id: the id by which the API knows the answer.
        first_output: when a streamed answer began, in the monotonic clock's seconds.
        note: what the caller should know of how the call was made, in a sentence.
        on_generation: called with the generation's id as soon as it is known.
    """

    __slots__ = ("attempts", "cached", "first_output", "generation_id", "note", "on_generation", "status")

    def __init__(self) -> None:
        self.attempts = 0
        self.status: int | None = None
        self.cached: bool | None = None
        self.generation_id: str | None = None
        self.first_output: float | None = None
        self.note: str | None = None
        self.on_generation: Callable[[str], None] | None = None

    def generated(self, generation_id: str | None) -> None:
        """Note the generation's id; None changes nothing."""
        if generation_id is not None and generation_id != self.generation_id:
            self.generation_id = generation_id
            if self.on_generation is not None:
                self.on_generation(generation_id)


class Call:
    """The context of one `execute`: its listener, its deadline and whether it was cancelled.

    A handler's client calls `remaining` before it waits and `check` after it waited, and wraps every wait for
    the network in `interruptible`, so that `cancel` and the deadline also interrupt a silent connection.

    Attributes:
        on_event: gets each event of a streamed answer.
        timeout: seconds for all attempts and waits, None without a limit.
        secrets: the account's secrets; no event may contain one.
        waits_for_limits: whether the client repeats the call after a rate limit; a bulk run does that itself, since its
            other calls have to wait, too.
        parks: whether a streamed answer is read in steps, which pause instead of waiting for the network.
        caller: who makes the call; by default, who makes the calls of this context.
        progress: what is known of it so far, noted by the client.
    """

    def __init__(
        self,
        *,
        timeout: float | None = None,
        on_event: Listener | None = None,
        secrets: Sequence[str] = (),
        caller: Caller | None = None,
    ) -> None:
        """Start the clock."""
        self.on_event = on_event
        self.timeout = timeout
        self.secrets = secrets
        self.waits_for_limits = True
        self.parks = False
        self.caller = current_caller.get() if caller is None else caller
        self.progress = Progress()
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
