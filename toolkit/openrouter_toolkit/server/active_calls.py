"""Counts the active calls, and cancels them when the server shuts down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio

from ..accounts import Accounts
from ..call import Call, Listener
from ..envelope import ActionError, Envelope
from ..execution.hooks import Hooks
from ..execution.toolset import Toolset
from ..manifest import LoadedToolkit
from ..registry import ToolRegistry
from ..tool_calling import ToolCall, ToolResult
from ..tool_calling.tool_calls import DEFAULT_LIMIT
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
    ) -> None:
        super().__init__(loaded, chosen, accounts=accounts, hooks=Hooks(), max_workers=max_workers)
        self._active_calls = running
        self._threads = threads

    async def execute_async(
        self,
        slug: str,
        arguments: dict[str, Any] | None = None,
        *,
        user_id: str = "default",
        on_event: Listener | None = None,
        timeout: float | None = None,
    ) -> Envelope:
        """Execute as `ToolRegistry.execute_async` does; a shutdown cancels the call."""

        def call() -> Awaitable[Envelope]:
            return super(HostedRegistry, self).execute_async(
                slug, arguments, user_id=user_id, on_event=on_event, timeout=timeout
            )

        return await self._active_calls.run(call, lambda: Envelope.failure(_stopped_error()))

    async def call_tool_async(
        self,
        name: str,
        arguments: Any = None,
        *,
        user_id: str = "default",
        limit: int = DEFAULT_LIMIT,
        timeout: float | None = None,
        on_event: Listener | None = None,
    ) -> ToolResult:
        """Call as `ToolRegistry.call_tool_async` does; a shutdown cancels the call."""

        def call() -> Awaitable[ToolResult]:
            return super(HostedRegistry, self).call_tool_async(
                name, arguments, user_id=user_id, limit=limit, timeout=timeout, on_event=on_event
            )

        def stopped() -> ToolResult:
            error = _stopped_error()
            return ToolResult(ToolCall("", name, arguments), error.explanation, Envelope.failure(error))

        return await self._active_calls.run(call, stopped)

    async def _in_worker(
        self, call: Call, run: Callable[[], _Answer], not_begun: Callable[[ActionError], _Answer]
    ) -> _Answer:
        """Run in a worker thread, which counts as busy until it finishes, even if the caller disconnects earlier."""

        def counted() -> _Answer:
            with self._threads.at_work():
                return run()

        return await super()._in_worker(call, counted, not_begun)


def _stopped_error() -> ActionError:
    return ActionError(
        "cancelled",
        "The server stopped.",
        "The server stopped before the answer had ended. It may still be billed. Call again in a minute.",
        retryable=True,
    )
