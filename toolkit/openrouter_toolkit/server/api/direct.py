"""The short way to the route that most requests take: executing an action without query parameters.

It is the same route behind the same guard, without what FastAPI does in between: routing, dependencies, validation of
the query. `routes` describes it in OpenAPI, and answers every other request to it, such as those by another method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

from ..access.middleware import Guard
from .routes import execute

_PATH = "/api/actions/"


class DirectRoute:
    """Takes the short way where it can, and passes everything else on to FastAPI."""

    def __init__(self, everything: ASGIApp, guard: Guard) -> None:
        """`guard` lets requests pass to the route, see `handled`."""
        self._everything = everything
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        direct = (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and not scope["query_string"]
            and scope["path"].startswith(_PATH)
            and scope["path"].find("/", len(_PATH)) < 0
            and len(scope["path"]) > len(_PATH)
            and "fastapi.telemetry" not in scope  # FastAPI's metrics name the route
        )
        await (self._guard if direct else self._everything)(scope, receive, send)


def handled(handlers: Mapping[Any, ExceptionHandler]) -> ASGIApp:
    """Return the route, with the application's exception handlers."""
    return ExceptionMiddleware(_execute, handlers=handlers)


async def _execute(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive, send)
    response = await execute(request, scope["path"][len(_PATH) :])
    await response(scope, receive, send)
