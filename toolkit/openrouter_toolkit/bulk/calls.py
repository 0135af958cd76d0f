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
from .output import Output
from .rows import Row

Execute = Callable[[Mapping[str, Any], Call], Envelope]
WorstCase = Callable[[Mapping[str, Any]], Decimal | None]


@dataclass(eq=False, slots=True)
class Job:
    """One line on its way."""

    row: Row
    number: int
    worst: Decimal | None = None
    reservation: Reservation | None = None
    call: Call | None = None
    began_at: float = 0.0
    attempts: int = 0


class Done(NamedTuple):
    """A call that has ended."""

    job: Job
    envelope: Envelope | BaseException
    ended_at: float


def make_call(job: Job, execute: Execute, queue: ThreadQueue[Done | None], output: Output | None) -> None:
    """Make a call in a thread, after the journal has noted it."""
    assert job.call is not None
    envelope: Envelope | BaseException
    job.began_at = monotonic()
    try:
        if output is not None and job.attempts == 1:
            output.sending(job.row.id, job.worst)
        envelope = execute(job.row.arguments, job.call)
    except BaseException as error:  # noqa: BLE001 - such as SystemExit in a hook: raised in the reading thread
        envelope = error
    queue.put(Done(job, envelope, monotonic()))


def nothing(_arguments: Mapping[str, Any]) -> Decimal:
    """The worst case of a call that costs no money."""
    return Decimal(0)
