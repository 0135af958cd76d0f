"""Checks the database without blocking the event loop for long."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

from ..store import Store, StoreError

_TIMEOUT = 3.0


class StoreCheck:
    """Checks the store in a thread of its own. A database that hangs blocks this one thread only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "store-check")
        self._pending: Future[str | None] | None = None

    async def problem(self) -> str | None:
        """Return what is wrong with the store in a few words, None if it can be used. Call it on the event loop."""
        if self._pending is None or self._pending.done():
            self._pending = self._thread.submit(self._check)
        check = asyncio.wrap_future(self._pending)
        await asyncio.wait([check], timeout=_TIMEOUT)
        return check.result() if check.done() else "the store does not answer"

    def _check(self) -> str | None:
        try:
            self._store.check()
        except StoreError:
            return "the store can't be used"
        return None

    def close(self) -> None:
        """Release the thread."""
        self._thread.shutdown(wait=False)
