"""Sends a streamed answer as server-sent events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ...call import Listener, SwiftListener
from ...envelope import ActionError, Envelope
from ..disconnect import ClientDisconnected, while_connected

# Proxies close a connection that is silent for a minute.
_PING_INTERVAL = 15.0
_PING = b": still here\n\n"
# How many bytes may wait for the client to read them, and for how many seconds.
_MAX_BUFFERED = 1_000_000
_READ_TIMEOUT = 60.0
_encode = json.JSONEncoder(separators=(",", ":")).encode
_UNREAD = "The caller did not read the answer, so the stream was closed."


class EventStreamResponse(Response):
    """Sends events as they arrive, each named by its kind, and last the envelope as `envelope` or, on failure, `error`.

    The call is cancelled if the client disconnects.
    """

    media_type = "text/event-stream"

    def __init__(self, execute: Callable[[Listener], Awaitable[Envelope]]) -> None:
        """Make the call with `execute`, whose listener may be called in another thread."""
        super().__init__(headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._execute = execute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            await while_connected(receive, lambda: self._send_events(send))
        except ClientDisconnected:
            return
        await send({"type": "http.response.body", "body": b""})

    async def _send_events(self, send: Send) -> None:
        buffer = _EventBuffer()

        async def execute() -> None:
            envelope = await self._execute(buffer)
            buffer.end(_format_event("envelope" if envelope.successful else "error", envelope))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(execute)
            body: bytes | None = b""
            try:
                while body is not None:
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                    body = await buffer.take()
            finally:
                buffer.close()


class _EventBuffer(SwiftListener):
    """A bounded buffer of events between where the answer is read and the task that sends, which takes all at once.

    While it is full, the event loop reads no more of the answer (`is_full`), and a thread that reads it waits, so that
    a slow client costs no memory. When nothing has come for long, it has a ping.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._available = asyncio.Event()
        self._condition = threading.Condition()
        self._buffered: list[bytes] = []
        self._size = 0
        self._ended = False
        self._resume: Callable[[], None] | None = None
        self._unread: asyncio.TimerHandle | None = None  # runs while the buffer is full
        self._given_up = False
        self._taken_at = self._loop.time()
        self._ping = self._loop.call_later(_PING_INTERVAL, self._put_ping)

    def __call__(self, event: Any) -> None:
        """Add an event of a call."""
        self.put(_format_event(event.kind, _event_data(event)))

    def put(self, event: bytes) -> None:
        """Add an event, in any thread. Only other threads than the event loop's wait for room.

        Raises:
            ActionError: the client stopped reading.
        """
        on_loop = threading.get_ident() == self._thread
        with self._condition:
            if self._given_up or not (on_loop or self._condition.wait_for(self._has_room, _READ_TIMEOUT)):
                raise ActionError("cancelled", _UNREAD, advice="What had arrived is in partial.")
            if self._ended:  # the event loop takes no more events
                return
            self._buffered.append(event)
            self._size += len(event)
            first = len(self._buffered) == 1
        if first and on_loop:
            self._available.set()
        elif first:
            self._loop.call_soon_threadsafe(self._available.set)

    def is_full(self, resume: Callable[[], None]) -> bool:
        """Whether so much is unread that no more should be read now; after `_READ_TIMEOUT`, `put` then fails."""
        if self._has_room() or self._given_up:
            return False
        self._resume = resume
        if self._unread is None:
            self._unread = self._loop.call_later(_READ_TIMEOUT, self._give_up)
        return True

    def _has_room(self) -> bool:
        return self._size < _MAX_BUFFERED or self._ended

    def _give_up(self) -> None:
        self._given_up = True
        self._go_on()

    def _go_on(self) -> None:
        """Let what waits for room go on."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()

    def _put_ping(self) -> None:
        silent_until = self._taken_at + _PING_INTERVAL
        if self._loop.time() < silent_until:
            self._ping = self._loop.call_at(silent_until, self._put_ping)
        else:
            self._ping = self._loop.call_later(_PING_INTERVAL, self._put_ping)
            if not self._buffered and not self._given_up:
                self.put(_PING)

    def end(self, event: bytes) -> None:
        """Add the last event; called on the event loop."""
        with self._condition:
            self._buffered.append(event)
        self.close()

    def close(self) -> None:
        """End the buffer, so that the reading thread no longer waits; later events are discarded."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()
        self._available.set()
        self._ping.cancel()
        self._go_on()

    async def take(self) -> bytes | None:
        """Wait for events and return all that have arrived; None after the end."""
        if self._available.is_set():
            await asyncio.sleep(0)  # others have their turn, also while there is always more to send
        else:
            await self._available.wait()
        self._taken_at = self._loop.time()
        with self._condition:
            taken, ended = b"".join(self._buffered), self._ended
            self._buffered.clear()
            self._size = 0
            self._condition.notify_all()
        if not ended:
            self._available.clear()
        self._go_on()
        return None if ended and not taken else taken


def _event_data(event: Any) -> dict[str, Any]:
    """Return an event's data: its text or tool call, or for all other events the whole as OpenRouter sent it."""
    if event.tool_call is not None:
        return {"index": event.index, "text": event.text, "tool_call": event.tool_call}
    return {"index": event.index, "text": event.text} if event.text else {"index": event.index, "raw": event.raw}


def _format_event(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {_encode(data)}\n\n".encode()
