"""The calls of a bulk run: a line on its way, and what a thread does with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import Any, NamedTuple

from ..call import Call
from ..envelope import Envelope
from ..execution.thread_queue import ThreadQueue
from ..spending import Reservation
from .concurrency import AdaptiveConcurrency
from .output import Output
from .rows import Row

Execute = Callable[[Mapping[str, Any], Call], Envelope]
WorstCase = Callable[[Mapping[str, Any]], Decimal | None]


@dataclass(eq=False, slots=True)
class Job:
    """One line on its way. `cancelled` ends its call, also if that begins later."""

    row: Row
    number: int
    worst: Decimal | None = None
    reservation: Reservation | None = None
    call: Call | None = None
    cancelled: bool = False
    began_at: float = 0.0
    attempts: int = 0

    def cancel(self) -> None:
        """Cancel the call, from any thread."""
        self.cancelled = True
        if self.call is not None:
            self.call.cancel()


class Done(NamedTuple):
    """A call that has ended, or, without an envelope, one that did not begin."""

    job: Job
    envelope: Envelope | BaseException | None
    ended_at: float


class Gate:
    """Whether calls may begin: not after `close`, and not while a limit asks to wait."""

    def __init__(self, concurrency: AdaptiveConcurrency) -> None:
        self._concurrency = concurrency
        self.closed = False

    @property
    def is_open(self) -> bool:
        """Whether a call may begin now."""
        return not self.closed and not self._concurrency.pause


@dataclass(frozen=True, slots=True)
class Caller:
    """What a thread needs to make calls. It does not refer to the run, so that an unused run is collected."""

    execute: Execute
    new_call: Callable[[], Call]
    gate: Gate
    queue: ThreadQueue[Done | None]
    output: Output | None

    def make(self, job: Job) -> None:
        """Make a call, after the journal has noted it, and put its end into the queue."""
        self.queue.put(Done(job, self._envelope(job), monotonic()))

    def _envelope(self, job: Job) -> Envelope | BaseException | None:
        if not self.gate.is_open:
            return None
        job.began_at = monotonic()
        job.attempts += 1
        try:
            if self.output is not None and job.attempts == 1:
                self.output.sending(job.row.id, job.worst)
            job.call = self.new_call()
            job.call.waits_for_limits = False
            if job.cancelled:
                job.call.cancel()
            return self.execute(job.row.arguments, job.call)
        except BaseException as error:  # noqa: BLE001 - such as SystemExit in a hook: raised in the reading thread
            return error


def nothing(_arguments: Mapping[str, Any]) -> Decimal:
    """The worst case of a call that costs no money."""
    return Decimal(0)
