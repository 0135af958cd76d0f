"""Limits the size of request bodies: 64 KiB, or 32 MiB with a token (prompts contain pictures and documents)."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..error_responses import problem
from .bearer import TOKEN

WITHOUT_TOKEN = 64 * 1024
WITH_TOKEN = 32 * 1024 * 1024


class BodyLimit:
    """Answers 413 as soon as a body is known to be too large; the rest of the body is discarded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request whose body is within the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = WITH_TOKEN if scope.get("state", {}).get(TOKEN) is not None else WITHOUT_TOKEN
        content_length = Headers(scope=scope).get("content-length", "0")
        if not content_length.isdigit() or int(content_length[:20]) > limit:
            await problem(scope["path"], 413)(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_within_limit, send)
