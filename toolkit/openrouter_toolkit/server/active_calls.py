"""Counts the active calls, and cancels them when the server shuts down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
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
from .limits import FairShare

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

    async def _run_async(self, jobs: Sequence[Job[_Answer]]) -> list[_Answer]:
        """Run jobs unless a shutdown ends them; a thread is busy until it finishes, even if the caller is gone."""
        counted = [replace(job, run=partial(self._count, job.run)) for job in jobs]
        return await self._active_calls.run(
            lambda: super(HostedRegistry, self)._run_async(counted),
            lambda: [job.failed(_stopped_error()) for job in jobs],
        )

    def _count(self, run: Callable[[], _Answer]) -> _Answer:
        with self._threads.at_work():
            return run()


def _stopped_error() -> ActionError:
    return ActionError(
        "cancelled",
        "The server stopped.",
        "The server stopped before the answer had ended. It may still be billed. Call again in a minute.",
        retryable=True,
    )
