"""Who guesses is slowed down. A good token from the same address waits for nobody."""

from __future__ import annotations

import logging
import math

import anyio
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..limits import FIRST_DELAY, Throttle

_REFUSED = "refused"
_log = logging.getLogger("openrouter_toolkit")


def refused(request: HTTPConnection) -> None:
    """Say of a request that its login, token or key was wrong: its answer will be slow, if there were many of these."""
    request.scope.setdefault("state", {})[_REFUSED] = True


class SlowRefusals:
    """Lets answers to wrong attempts wait, however many wait already: `connections` bounds how many there can be."""

    def __init__(self, app: ASGIApp, throttle: Throttle) -> None:
        self._app = app
        self._throttle = throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and wait before the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_slowly(message: Message) -> None:
            if message["type"] == "http.response.start" and scope.get("state", {}).get(_REFUSED):
                address = (scope.get("client") or ("",))[0]
                delay = self._throttle.delay(address)
                if 0 < delay <= FIRST_DELAY:
                    _log.warning("wrong logins, tokens or keys come from %s: it is answered slowly", address)
                await anyio.sleep(delay)
            await send(message)

        await self._app(scope, receive, send_slowly)


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to come back."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
