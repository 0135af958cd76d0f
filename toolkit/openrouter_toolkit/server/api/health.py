"""For load balancers: whether the process lives, and whether calls should be sent to it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from ...store import StoreError
from ..state import hosted

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> JSONResponse:
    """Alive."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Ready, unless it is stopping, or the database can't be used."""
    state = hosted(request)
    if state.running.stopping:
        return JSONResponse({"status": "stopping"}, 503)
    try:
        await run_in_threadpool(state.store.check)
    except StoreError:
        return JSONResponse({"status": "the store can't be used"}, 503)
    return JSONResponse({"status": "ok"})
