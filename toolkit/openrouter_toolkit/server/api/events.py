"""A streamed answer as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ...call import Listener
from ...envelope import Envelope
from ..hanging_up import HungUp, while_connected

# Proxies close what is silent for a minute.
_SILENCE = 15.0
_PING = b": still here\n\n"


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
        except HungUp:
            return
        await send({"type": "http.response.body", "body": b""})

    async def _tell(self, send: Send) -> None:
        arrived: asyncio.Queue[bytes | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def listen(event: Any) -> None:
            loop.call_soon_threadsafe(arrived.put_nowait, _event(event.kind, _shown(event)))

        async def execute() -> None:
            envelope = await self._execute(listen)
            arrived.put_nowait(_event("envelope" if envelope.successful else "error", envelope))
            arrived.put_nowait(None)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(execute)
            body: bytes | None = b""
            while body is not None:
                await send({"type": "http.response.body", "body": body, "more_body": True})
                body = _PING
                with anyio.move_on_after(_SILENCE):
                    body = await arrived.get()


def _shown(event: Any) -> dict[str, Any]:
    """A piece of text or of a tool call; of all other events the whole, as OpenRouter sent it."""
    if event.tool_call is not None:
        return {"index": event.index, "text": event.text, "tool_call": event.tool_call}
    return {"index": event.index, "text": event.text} if event.text else {"index": event.index, "raw": event.raw}


def _event(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
