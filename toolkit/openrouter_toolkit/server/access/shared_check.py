"""Asks the database once for all requests that have come meanwhile whether what is kept in memory still holds."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from ...store.lookups import Kept, Lookups

_Waiting = list[asyncio.Future[Kept | None]]


class SharedCheck:
    """Checks for many requests at a time: each waits for a check that begins after it. For the event loop's thread."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._thread = ThreadPoolExecutor(1, "store-state")
        self._waiting: _Waiting = []
        self._checking = False

    async def current(self) -> Kept | None:
        """Return the result of `Lookups.current`."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[Kept | None] = loop.create_future()
        self._waiting.append(mine)
        if not self._checking:
            self._checking = True
            loop.call_soon(self._check)  # after the other requests that have arrived
        return await mine

    def _check(self) -> None:
        """Check on the event loop if that takes no waiting, else in a thread."""
        waiting, self._waiting = self._waiting, []
        kept = self._lookups.current(wait=False)
        if kept is not None:
            self._answer(waiting, kept)
            return
        check = asyncio.wrap_future(self._thread.submit(self._lookups.current))
        check.add_done_callback(lambda done: self._answer(waiting, None if done.exception() else done.result()))

    def _answer(self, waiting: _Waiting, kept: Kept | None) -> None:
        for one in waiting:
            if not one.done():  # its request may have been cancelled
                one.set_result(kept)
        if self._waiting:
            self._check()
        else:
            self._checking = False

    def close(self) -> None:
        """Release the thread."""
        self._thread.shutdown(wait=False)
