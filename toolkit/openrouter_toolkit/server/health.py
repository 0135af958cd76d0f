"""Health checks for load balancers: liveness, and readiness, for which the database is checked."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from ..store import Store, StoreError

if TYPE_CHECKING:
    from .state import State

router = APIRouter(include_in_schema=False)
_METHODS = ["GET", "HEAD"]
_STORE_TIMEOUT = 3.0


@router.api_route("/healthz", methods=_METHODS)
async def healthz() -> JSONResponse:
    """Report that the process is alive."""
    return JSONResponse({"status": "ok"})


@router.api_route("/readyz", methods=_METHODS)
async def readyz(request: Request) -> JSONResponse:
    """Answer 503 while stopping, without a free thread, or if the database is unusable or silent for 3 seconds."""
    state: State = request.app.state.hosted
    problem: str | None
    if state.running.stopping:
        problem = "stopping"
    elif state.threads.free <= 0:
        problem = "all threads are busy with calls"
    else:
        problem = await state.store_check.problem()
    return JSONResponse({"status": problem or "ok"}, 503 if problem else 200)


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
        await asyncio.wait([check], timeout=_STORE_TIMEOUT)
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
