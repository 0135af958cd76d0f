"""The event stream: an execution as an iterator over its events, sync or async, which can be closed early."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ..call import Call, Listener
from ..envelope import Envelope
from .thread_queue import ThreadQueue

_CLOSE_TIMEOUT = 1.0  # seconds


class EventStream(Iterator[Any], AsyncIterator[Any]):
    """Iterates over the events as they arrive, by `for` or `async for`; afterwards `envelope` is the answer.

    Calling `close` or `aclose`, leaving a `with` or `async with` block, dropping the last reference or cancelling the
    task that waits for an event cancels a running call and closes its connection at once, which stops generation and
    billing at many providers. Nothing of a call runs in the event loop's thread.
    """

    def __init__(self, run: Callable[[Call], Envelope], new_call: Callable[[Listener], Call]) -> None:
        """`run` executes the call that `new_call` makes for the stream's listener; it is called in a new thread."""
        self._queue: ThreadQueue[Any] = ThreadQueue()
        self._call = new_call(self._queue.put)
        self._envelope: Envelope | None = None
        self._closed = False
        # The thread refers to the queue and the call but not to the stream, so an unused stream is collected.
        arguments = (run, self._call, self._queue)
        self._thread = threading.Thread(target=_run, args=arguments, name="openrouter-toolkit-stream", daemon=True)
        self._thread.start()

    def __next__(self) -> Any:
        if self._closed or self._envelope is not None:
            raise StopIteration
        event = self._queue.get()
        if self._is_end(event):
            raise StopIteration
        return event

    async def __anext__(self) -> Any:
        if self._closed or self._envelope is not None:
            raise StopAsyncIteration
        event = await self._get_async()
        if self._is_end(event):
            raise StopAsyncIteration
        return event

    @property
    def envelope(self) -> Envelope:
        """The answer. Waits for the end of the stream, and discards the remaining events."""
        while self._envelope is None:
            self._is_end(self._queue.get())
        return self._envelope

    async def envelope_async(self) -> Envelope:
        """`envelope` for async code; after `async for` has ended, `envelope` does not wait either."""
        while self._envelope is None:
            self._is_end(await self._get_async())
        return self._envelope

    async def _get_async(self) -> Any:
        """The next event or end. Cancelling the wait cancels the call."""
        try:
            return await self._queue.get_async()
        except BaseException:
            self._closed = True
            self._call.cancel()
            raise

    def _is_end(self, event: Any) -> bool:
        """Return whether the event ends the stream; it is put back into the queue for other waiting threads."""
        if not isinstance(event, Envelope | BaseException):
            return False
        self._queue.put(event)
        if isinstance(event, BaseException):
            raise event
        self._envelope = event
        return True

    def close(self) -> None:
        """Cancel the call and close its connection at once. `envelope` then reports the cancellation."""
        self._closed = True
        self._call.cancel()
        self._thread.join(_CLOSE_TIMEOUT)

    async def aclose(self) -> None:
        """`close` for async code."""
        import asyncio

        self._closed = True
        self._call.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                while not isinstance(end := await self._queue.get_async(), Envelope | BaseException):
                    pass
                self._queue.put(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        call = getattr(self, "_call", None)
        if call is not None:
            call.cancel()


def _run(run: Callable[[Call], Envelope], call: Call, queue: ThreadQueue[Any]) -> None:
    try:
        queue.put(run(call))
    except BaseException as error:  # noqa: BLE001 - such as SystemExit in a hook: re-raised in the reading thread
        queue.put(error)
