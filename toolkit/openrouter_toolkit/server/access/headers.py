"""Headers that keep browsers from doing what a page does not want: framing, foreign scripts, guessing, keeping."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..addresses import ONE_TIME_LINKS, STATIC


def content_security_policy(*form_targets: str) -> str:
    """The policy of a page. `form_targets` are the origins to which its forms lead by a redirect."""
    targets = " ".join(("'self'", *form_targets))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )


class SecurityHeaders:
    """Adds to each answer the headers that it doesn't have itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in security_headers(scope["path"]).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def security_headers(path: str) -> dict[str, str]:
    """Those of each answer at an address."""
    return {
        "Content-Security-Policy": content_security_policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer" if path.startswith(ONE_TIME_LINKS) else "same-origin",
        "Cache-Control": "no-cache" if path.startswith(STATIC) else "no-store",
    }
