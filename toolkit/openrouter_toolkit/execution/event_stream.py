"""An execution as an iterator of its events, which can be closed early."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from ..call import Call
from ..envelope import Envelope

_PATIENCE_WHEN_CLOSED = 1.0


class EventStream(Iterator[Any]):
    """Iterate over the events as they arrive; afterwards `envelope` is the answer.

    Leaving early by `close`, by the end of a `with` block or by forgetting the stream cancels the call and closes
    its connection at once, which stops generation, and billing, at many providers.
    """

    def __init__(self, run: Callable[[Call], Envelope], call: Call) -> None:
        """`run` executes the call; it is called in a thread of its own."""
        self._queue: SimpleQueue[Any] = SimpleQueue()
        call.on_event = self._queue.put
        self._call = call
        self._envelope: Envelope | None = None
        self._closed = False
        # The thread knows the queue and the call but not the stream, so that a forgotten stream is collected.
        arguments = (run, self._call, self._queue)
        self._thread = threading.Thread(target=_run, args=arguments, name="openrouter-toolkit-stream", daemon=True)
        self._thread.start()

    def __next__(self) -> Any:
        if self._closed or self._envelope is not None:
            raise StopIteration
        event = self._queue.get()
        if self._is_last(event):
            raise StopIteration
        return event

    @property
    def envelope(self) -> Envelope:
        """The answer; waits for the end of the stream where it has not come, letting the other events go."""
        while self._envelope is None:
            self._is_last(self._queue.get())
        return self._envelope

    def _is_last(self, event: Any) -> bool:
        """Whether the stream has ended; what ended it is left in the queue for whoever else waits."""
        if not isinstance(event, Envelope | BaseException):
            return False
        self._queue.put(event)
        if isinstance(event, BaseException):
            raise event
        self._envelope = event
        return True

    def close(self) -> None:
        """Stop listening: the connection is closed at once. `envelope` then tells of the cancellation."""
        self._closed = True
        self._call.cancel()
        self._thread.join(_PATIENCE_WHEN_CLOSED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        call = getattr(self, "_call", None)
        if call is not None:
            call.cancel()


def _run(run: Callable[[Call], Envelope], call: Call, queue: SimpleQueue[Any]) -> None:
    try:
        queue.put(run(call))
    except BaseException as error:  # noqa: BLE001 - such as SystemExit in a hook: it belongs to whoever listens
        queue.put(error)
