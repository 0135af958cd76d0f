"""Whether the database is as it should be, asked for without ever waiting for long."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

from ..store import Store, StoreError

_PATIENCE = 3.0


class StoreCheck:
    """Looks after the store. Where the database is frozen, one thread is lost to that, however many ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "store-check")
        self._look: Future[str | None] | None = None

    async def problem(self) -> str | None:
        """What is wrong with it in a few words, None where it can be used. To be called on the event loop."""
        if self._look is None or self._look.done():
            self._look = self._thread.submit(self._looked)
        looking = asyncio.wrap_future(self._look)
        await asyncio.wait([looking], timeout=_PATIENCE)
        return looking.result() if looking.done() else "the store does not answer"

    def _looked(self) -> str | None:
        try:
            self._store.check()
        except StoreError:
            return "the store can't be used"
        return None

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False)
