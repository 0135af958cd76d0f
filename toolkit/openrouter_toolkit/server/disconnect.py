"""Cancels the work for a request when its client disconnects. Starlette itself lets a handler run to its end."""

from __future__ import annotations

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
    answer: list[_Answer] = []
    failure: Exception = ClientDisconnected()

    async def wait_for_disconnect(scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait_for_disconnect, tasks.cancel_scope)
        try:
            answer.append(await work())
        except Exception as error:  # noqa: BLE001 - raised below, so that the task group does not wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if not answer:
        raise failure
    return answer[0]
