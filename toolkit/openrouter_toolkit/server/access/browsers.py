"""Browser cookies: a browser id, a session id for logged-in administrators, and the page to open after a login."""

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

# A path below /admin and its query. These characters have no special meaning in a header or to a browser.
_ADMIN_PAGE = re.compile(r"/admin/[A-Za-z0-9_/-]{0,200}(?:\?[A-Za-z0-9_.~%&=+-]{0,1000})?", re.ASCII)
_REMEMBER_SECONDS = 600.0
_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_NEW = "new_browser_id"


class LoginNeeded(Exception):
    """Raised where only an administrator has access; the answer redirects to the login page."""


def administrator(request: Request) -> None:
    """A FastAPI dependency that requires a logged-in administrator. Raises `LoginNeeded`."""
    session_id = session(request)
    if session_id is None or hosted(request).store.sessions.find(session_id) is None:
        raise LoginNeeded


def session(request: HTTPConnection) -> str | None:
    """Return the secret session id in a browser's cookie, None without one; the session may have ended."""
    return _secret_cookie(request, _session_cookie(hosted(request).settings))


def browser_id(request: HTTPConnection) -> str:
    """Return a browser's secret id, to which links are bound. A browser without an id gets a new one."""
    known = _secret_cookie(request, _browser_cookie(hosted(request).settings))
    if known is not None:
        return known
    state = request.scope.setdefault("state", {})
    new: str = state.setdefault(_NEW, secrets.token_urlsafe(32))
    return new


def log_in(request: Request, response: Response) -> None:
    """Create a session, and set its cookie on the response."""
    state = hosted(request)
    _set_cookie(response, _session_cookie(state.settings), state.store.sessions.create(), state.settings)


def log_out(request: Request, response: Response) -> None:
    """Revoke the browser's session, and delete its cookie."""
    state = hosted(request)
    session_id = session(request)
    if session_id is not None:
        state.store.sessions.revoke(session_id)
    name = _session_cookie(state.settings)
    response.delete_cookie(name, secure=state.settings.secure, httponly=True, samesite="lax")


def remember_page(request: Request, response: Response) -> None:
    """Remember the requested page in a cookie, for after the login."""
    page = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method == "GET" and _ADMIN_PAGE.fullmatch(page):
        _set_cookie(
            response,
            _cookie_name(hosted(request).settings, "wanted"),
            page,
            hosted(request).settings,
            _REMEMBER_SECONDS,
        )


def remembered_page(request: Request) -> str | None:
    """Return the remembered page, None unless it is a valid page of this server."""
    name = _cookie_name(hosted(request).settings, "wanted")
    for header in request.headers.getlist("cookie"):
        value = cookie_parser(header).get(name, "")
        if _ADMIN_PAGE.fullmatch(value):
            return value
    return None


class BrowserCookies:
    """Sets the cookie of each new id that `browser_id` created."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the cookie to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            new = scope.get("state", {}).get(_NEW)
            if message["type"] == "http.response.start" and new is not None:
                cookie = Response()
                _set_cookie(cookie, _browser_cookie(self._settings), new, self._settings)
                added = [pair for pair in cookie.raw_headers if pair[0] == b"set-cookie"]
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _secret_cookie(request: HTTPConnection, name: str) -> str | None:
    for header in request.headers.getlist("cookie"):
        value = cookie_parser(header).get(name, "")
        if _ID.fullmatch(value):
            return value
    return None


def _set_cookie(response: Response, name: str, value: str, settings: Settings, seconds: float | None = None) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(LIFETIME.total_seconds() if seconds is None else seconds),
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )


def _session_cookie(settings: Settings) -> str:
    return _cookie_name(settings, "session")


def _browser_cookie(settings: Settings) -> str:
    return _cookie_name(settings, "browser")


def _cookie_name(settings: Settings, what: str) -> str:
    """Return a cookie's name. It has the port, because cookies ignore ports; other hosts can't set __Host- cookies."""
    return f"{'__Host-' if settings.secure else ''}openrouter-toolkit-{what}-{settings.port}"
