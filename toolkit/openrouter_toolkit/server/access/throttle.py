"""Who guesses is slowed down. A good token from the same address waits for nobody."""

from __future__ import annotations

import math

import anyio
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..limits import Throttle
from ..problems import problem

_MOST_WAITING = 200
_REFUSED = "refused"


def refused(request: HTTPConnection) -> None:
    """Say of a request that its login, token or key was wrong: its answer will be slow, if there were many of these."""
    request.scope.setdefault("state", {})[_REFUSED] = True


class SlowRefusals:
    """Lets answers to wrong attempts wait. Where too many of them wait already, they are 429 at once."""

    def __init__(self, app: ASGIApp, throttle: Throttle) -> None:
        self._app = app
        self._throttle = throttle
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and wait before the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        dropped = False

        async def send_slowly(message: Message) -> None:
            nonlocal dropped
            if message["type"] == "http.response.start" and scope.get("state", {}).get(_REFUSED):
                delay = self._throttle.delay((scope.get("client") or ("",))[0])
                dropped = delay > 0 and self._waiting >= _MOST_WAITING
                if dropped:
                    await problem(scope["path"], 429, headers=retry_after(delay))(scope, receive, send)
                elif delay > 0:
                    await self._wait(delay)
            if not dropped:
                await send(message)

        await self._app(scope, receive, send_slowly)

    async def _wait(self, delay: float) -> None:
        self._waiting += 1
        try:
            await anyio.sleep(delay)
        finally:
            self._waiting -= 1


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to come back."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
