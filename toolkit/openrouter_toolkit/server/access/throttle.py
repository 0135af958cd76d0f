"""Delays the answers to wrong logins, tokens and keys. Valid requests from the same address are not delayed."""

from __future__ import annotations

import logging
import math

import anyio
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..limits import FIRST_DELAY, Throttle

_REFUSED = "refused"
_log = logging.getLogger("openrouter_toolkit")


def mark_refused(request: HTTPConnection) -> None:
    """Mark a request's login, token or key as wrong; its answer is delayed if there were many such attempts."""
    request.scope.setdefault("state", {})[_REFUSED] = True


class SlowRefusals:
    """Delays answers to wrong attempts. The limits in `connections` bound how many can wait at the same time."""

    def __init__(self, app: ASGIApp, throttle: Throttle) -> None:
        self._app = app
        self._throttle = throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and delay the start of its answer if it was marked."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_delayed(message: Message) -> None:
            if message["type"] == "http.response.start" and scope.get("state", {}).get(_REFUSED):
                address = (scope.get("client") or ("",))[0]
                delay = self._throttle.delay(address)
                if 0 < delay <= FIRST_DELAY:
                    _log.warning("wrong logins, tokens or keys come from %s: it is answered slowly", address)
                await anyio.sleep(delay)
            await send(message)

        await self._app(scope, receive, send_delayed)


def retry_after(seconds: float) -> dict[str, str]:
    """Return the header Retry-After for a delay in seconds, rounded up to at least 1."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
