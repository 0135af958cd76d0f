"""A streamed answer as server-sent events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ...call import Listener
from ...envelope import ActionError, Envelope
from ..disconnect import ClientDisconnected, while_connected

# Proxies close what is silent for a minute.
_SILENCE = 15.0
_PING = b": still here\n\n"
# So many bytes may wait for a caller to read them, and for so many seconds.
_MOST_WAITING = 1_000_000
_PATIENCE = 60.0
_UNREAD = "The caller did not read the answer, so the stream was closed."


class EventStreamResponse(Response):
    """Events as they arrive, each under its kind, and at last the envelope: under `envelope`, or `error` if it failed.

    A caller who hangs up ends the call.
    """

    media_type = "text/event-stream"

    def __init__(self, execute: Callable[[Listener], Awaitable[Envelope]]) -> None:
        """`execute` makes the call; the listener that it gets may be called in another thread."""
        super().__init__(headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._execute = execute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            await while_connected(receive, lambda: self._tell(send))
        except ClientDisconnected:
            return
        await send({"type": "http.response.body", "body": b""})

    async def _tell(self, send: Send) -> None:
        pieces = _Pieces()

        async def execute() -> None:
            envelope = await self._execute(lambda event: pieces.put(_event(event.kind, _shown(event))))
            pieces.end(_event("envelope" if envelope.successful else "error", envelope))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(execute)
            body: bytes | None = b""
            try:
                while body is not None:
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                    # Neither that nor what follows lets others go on while there is always more to send.
                    await anyio.sleep(0)
                    body = _PING
                    with anyio.move_on_after(_SILENCE):
                        body = await pieces.take()
            finally:
                pieces.close()


class _Pieces:
    """Pieces of an answer on their way from the thread that reads it to the event loop, which takes all at once.

    The thread waits while much is on its way, so that a caller who reads slowly costs no memory.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._size = 0
        self._ended = False

    def put(self, piece: bytes) -> None:
        """Add a piece, in the reading thread.

        Raises:
            ActionError: the caller reads nothing any more.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._size < _MOST_WAITING or self._ended, _PATIENCE):
                raise ActionError("cancelled", _UNREAD, f"{_UNREAD} What had arrived is in partial.")
            if self._ended:  # nobody takes it any more
                return
            self._waiting.append(piece)
            self._size += len(piece)
            first = len(self._waiting) == 1
        if first:
            self._loop.call_soon_threadsafe(self._news.set)

    def end(self, piece: bytes) -> None:
        """Add the last piece, on the event loop."""
        with self._changed:
            self._waiting.append(piece)
        self.close()

    def close(self) -> None:
        """Let the reading thread go on, whatever it has."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._news.set()

    async def take(self) -> bytes | None:
        """All that has arrived, as soon as there is something; None behind the end."""
        await self._news.wait()
        with self._changed:
            taken, ended = b"".join(self._waiting), self._ended
            self._waiting.clear()
            self._size = 0
            self._changed.notify_all()
        if not ended:
            self._news.clear()
        return None if ended and not taken else taken


def _shown(event: Any) -> dict[str, Any]:
    """A piece of text or of a tool call; of all other events the whole, as OpenRouter sent it."""
    if event.tool_call is not None:
        return {"index": event.index, "text": event.text, "tool_call": event.tool_call}
    return {"index": event.index, "text": event.text} if event.text else {"index": event.index, "raw": event.raw}


def _event(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
