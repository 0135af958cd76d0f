"""Health checks for load balancers: liveness and readiness."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from ..state import hosted

router = APIRouter(include_in_schema=False)
_METHODS = ["GET", "HEAD"]


@router.api_route("/healthz", methods=_METHODS)
async def healthz() -> JSONResponse:
    """Report that the process is alive."""
    return JSONResponse({"status": "ok"})


@router.api_route("/readyz", methods=_METHODS)
async def readyz(request: Request) -> JSONResponse:
    """Answer 503 while stopping, without a free thread, or if the database is unusable or silent for 3 seconds."""
    state = hosted(request)
    if state.running.stopping:
        return JSONResponse({"status": "stopping"}, 503)
    if state.threads.free <= 0:
        return JSONResponse({"status": "all threads are busy with calls"}, 503)
    problem = await state.store_check.problem()
    return JSONResponse({"status": "ok"}) if problem is None else JSONResponse({"status": problem}, 503)
