"""Cookies: each browser has an id of its own, and one that is logged in a session's. They hold nothing else."""

from __future__ import annotations

import re
import secrets

from fastapi import Request
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...store.sessions import LIFETIME
from ..settings import Settings
from ..state import hosted

# A path below /admin and its query, of characters that mean nothing in a header or to a browser.
_OWN_PAGE = re.compile(r"/admin/[A-Za-z0-9_/-]{0,200}(?:\?[A-Za-z0-9_.~%&=+-]{0,1000})?", re.ASCII)
_WANTED_FOR = 600.0
_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_NEW = "new_browser_id"


class LoginNeeded(Exception):  # noqa: N818 - it is an answer
    """Raised where only an administrator gets in; becomes the way to the login page."""


def administrator(request: Request) -> None:
    """A dependency: only for people who are logged in. Raises `LoginNeeded`."""
    session_id = session(request)
    if session_id is None or hosted(request).store.sessions.find(session_id) is None:
        raise LoginNeeded


def session(request: HTTPConnection) -> str | None:
    """The secret id of the session that a browser says it has; it may have ended."""
    return _cookie(request, _session_cookie(hosted(request).settings))


def browser_id(request: HTTPConnection) -> str:
    """The secret id of a browser, logged in or not: what a link is bound to. It gets one where it has none."""
    known = _cookie(request, _browser_cookie(hosted(request).settings))
    if known is not None:
        return known
    state = request.scope.setdefault("state", {})
    new: str = state.setdefault(_NEW, secrets.token_urlsafe(32))
    return new


def log_in(request: Request, response: Response) -> None:
    """Begin a session, and tell the browser with this response."""
    state = hosted(request)
    _set(response, _session_cookie(state.settings), state.store.sessions.create(), state.settings)


def log_out(request: Request, response: Response) -> None:
    """End the browser's session, here and in the browser."""
    state = hosted(request)
    session_id = session(request)
    if session_id is not None:
        state.store.sessions.revoke(session_id)
    name = _session_cookie(state.settings)
    response.delete_cookie(name, secure=state.settings.secure, httponly=True, samesite="lax")


def remember(request: Request, response: Response) -> None:
    """Keep which page was asked for, where somebody has to log in first."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method == "GET" and _OWN_PAGE.fullmatch(wanted):
        _set(response, _name(hosted(request).settings, "wanted"), wanted, hosted(request).settings, _WANTED_FOR)


def remembered(request: Request) -> str | None:
    """The page that was asked for before, if it is one of ours."""
    name = _name(hosted(request).settings, "wanted")
    for header in request.headers.getlist("cookie"):
        value = cookie_parser(header).get(name, "")
        if _OWN_PAGE.fullmatch(value):
            return value
    return None


class BrowserCookies:
    """Hands an id to each browser that `browser_id` was asked for and that had none."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add the cookie."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            new = scope.get("state", {}).get(_NEW)
            if message["type"] == "http.response.start" and new is not None:
                cookie = Response()
                _set(cookie, _browser_cookie(self._settings), new, self._settings)
                added = [pair for pair in cookie.raw_headers if pair[0] == b"set-cookie"]
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _cookie(request: HTTPConnection, name: str) -> str | None:
    for header in request.headers.getlist("cookie"):
        value = cookie_parser(header).get(name, "")
        if _ID.fullmatch(value):
            return value
    return None


def _set(response: Response, name: str, value: str, settings: Settings, seconds: float | None = None) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(LIFETIME.total_seconds() if seconds is None else seconds),
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )


def _session_cookie(settings: Settings) -> str:
    return _name(settings, "session")


def _browser_cookie(settings: Settings) -> str:
    return _name(settings, "browser")


def _name(settings: Settings, what: str) -> str:
    """Cookies don't tell ports apart, so their names do. No other host can set one that begins with __Host-."""
    return f"{'__Host-' if settings.secure else ''}openrouter-toolkit-{what}-{settings.port}"
