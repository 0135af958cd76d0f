"""Counts the active calls, and cancels them when the server shuts down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TypeVar

import anyio

from ..accounts import Accounts
from ..envelope import ActionError
from ..execution.call_record import CallRecord
from ..execution.hooks import Hooks
from ..execution.resources import Job
from ..execution.toolset import Toolset
from ..ledger import Ledger
from ..manifest import LoadedToolkit
from ..registry import ToolRegistry
from ..steps import Steps
from .limits import FairShare, held_thread
from .parked_call import ParkedCall, parks

_Answer = TypeVar("_Answer")


class ActiveCalls:
    """The active calls. Use it on the event loop's thread only.

    Attributes:
        stopping: whether the server is shutting down, so that new calls must be refused.
    """

    def __init__(self) -> None:
        self.stopping = False
        self._scopes: set[anyio.CancelScope] = set()

    def __len__(self) -> int:
        return len(self._scopes)

    async def run(self, call: Callable[[], Awaitable[_Answer]], stopped: Callable[[], _Answer]) -> _Answer:
        """Make a call and return its answer, or the result of `stopped` if `end` cancelled the call."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                return await call()
            finally:
                self._scopes.discard(scope)
        return stopped()

    def end(self) -> None:
        """Cancel all active calls."""
        for scope in list(self._scopes):
            scope.cancel()


class HostedRegistry(ToolRegistry):
    """A registry whose async calls are cancelled at shutdown: it closes their connections and returns the reason."""

    def __init__(
        self,
        loaded: LoadedToolkit,
        chosen: Toolset,
        *,
        accounts: Accounts,
        running: ActiveCalls,
        threads: FairShare,
        streams: FairShare,
        max_workers: int,
        ledger: Ledger,
        on_ended: Callable[[CallRecord], None],
    ) -> None:
        super().__init__(
            loaded,
            chosen,
            accounts=accounts,
            hooks=Hooks(),
            max_workers=max_workers,
            ledger=ledger,
            on_ended=on_ended,
        )
        self._active_calls = running
        self._threads = threads
        self._streams = streams

    async def _run_async(self, jobs: Sequence[Job[_Answer]]) -> list[_Answer]:
        """Run jobs unless a shutdown ends them; a thread is busy until it finishes, even if the caller is gone."""
        return await self._active_calls.run(
            lambda: self._run_or_park(jobs), lambda: [job.failed(_stopped_error()) for job in jobs]
        )

    async def _run_or_park(self, jobs: Sequence[Job[_Answer]]) -> list[_Answer]:
        held = held_thread.get()
        if held is not None and len(jobs) == 1 and parks(jobs[0]):
            with self._streams.one(held.token_id) as in_use:
                if in_use is None:
                    return [await ParkedCall(jobs[0], self._submit, held.release).run()]
        return await super()._run_async([replace(job, steps=partial(self._counted, job.steps)) for job in jobs])

    def _submit(self, step: Callable[[], _Answer]) -> Future[_Answer]:
        return self._resources.submit(partial(self._count, step))

    def _count(self, step: Callable[[], _Answer]) -> _Answer:
        with self._threads.at_work():
            return step()

    def _counted(self, steps: Callable[[], Steps[_Answer]]) -> Steps[_Answer]:
        with self._threads.at_work():
            return (yield from steps())


def _stopped_error() -> ActionError:
    return ActionError(
        "cancelled",
        "The server stopped.",
        "The server stopped before the answer had ended. It may still be billed. Call again in a minute.",
        retryable=True,
    )
