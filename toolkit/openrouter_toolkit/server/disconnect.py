"""Cancels the work for a request when its client disconnects. Starlette itself lets a handler run to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from starlette.types import Receive

_Answer = TypeVar("_Answer")


class ClientDisconnected(Exception):
    """The client has disconnected and no longer waits for an answer."""


async def while_connected(receive: Receive, work: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Await some work and return its result; cancel it if the client disconnects.

    Args:
        receive: the request's ASGI receive function. The body must have been read already.
        work: starts the work.

    Raises:
        ClientDisconnected: the client disconnected first.
    """
    with anyio.CancelScope() as scope:
        watcher = asyncio.create_task(_cancel_on_disconnect(receive, scope))
        try:
            return await work()
        finally:
            watcher.cancel()
    raise ClientDisconnected


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
