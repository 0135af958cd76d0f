"""A caller who hangs up ends what was begun for it. Nobody else does that: Starlette lets a handler run to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from starlette.types import Receive

_Answer = TypeVar("_Answer")


class ClientDisconnected(Exception):  # noqa: N818 - it is an event
    """The caller has gone; nobody waits for an answer."""


async def while_connected(receive: Receive, work: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Do some work, which is cancelled when the caller hangs up.

    Args:
        receive: the request's, whose body has been read.
        work: what to do.

    Raises:
        HungUp: the caller did.
    """
    answer: list[_Answer] = []
    failure: Exception = ClientDisconnected()

    async def watch(working: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        working.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, tasks.cancel_scope)
        try:
            answer.append(await work())
        except Exception as error:  # noqa: BLE001 - raised below, where no group gets around it
            failure = error
        tasks.cancel_scope.cancel()
    if not answer:
        raise failure
    return answer[0]
