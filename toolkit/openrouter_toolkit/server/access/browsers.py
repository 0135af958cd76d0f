"""Browsers: their id, the sessions of people who are logged in, the page to open after a login, and form tokens.

A form's token and the header Sec-Fetch-Site protect it against cross-site request forgery.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from urllib.parse import quote

from fastapi import Request
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from ...store import Person, StoreError
from ...store.sessions import LIFETIME
from ..addresses import for_administrators
from ..error_responses import Problem
from ..settings import Settings
from ..state import hosted

# A path below /admin and its query. These characters have no special meaning in a header or to a browser.
_QUERY = "_.~%&=+-"
_ADMIN_PAGE = re.compile(rf"/admin/[A-Za-z0-9_/-]{{0,200}}(?:\?[A-Za-z0-9{_QUERY}]{{0,2000}})?", re.ASCII)
_REMEMBER_SECONDS = 600.0
SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_NEW = "new_browser_id"
_UNDONE = "form"
FORM_TOKEN = "csrf"  # noqa: S105 - a field's name
_FORM_TYPE = "application/x-www-form-urlencoded"
_OLD_PAGE = "This page is too old, or was opened before you logged in. Go back, load it again, and try again."


class LoginNeeded(Exception):
    """Raised where only somebody who is logged in has access; the answer redirects to the login page."""


def session(request: HTTPConnection) -> str | None:
    """Return the secret session id in a browser's cookie, None without one; the session may have ended."""
    return _cookie(request, "session", SECRET)


def browser_id(request: HTTPConnection) -> str:
    """Return a browser's secret id, to which links are bound. A browser without an id gets a new one."""
    known = _cookie(request, "browser", SECRET)
    if known is not None:
        return known
    new: str = request.scope.setdefault("state", {}).setdefault(_NEW, secrets.token_urlsafe(32))
    return new


def log_in(request: Request, response: Response, person: Person) -> None:
    """Create a session of a person, and set its cookie on the response."""
    state = hosted(request)
    address = request.client.host if request.client else None
    created = state.store.sessions.create(person, address=address, browser=request.headers.get("user-agent"))
    _set_cookie(response, "session", created, state.settings)


def log_out(request: Request, response: Response) -> None:
    """Revoke the browser's session, and delete its cookie."""
    state = hosted(request)
    session_id = session(request)
    if session_id is not None:
        state.store.sessions.revoke(session_id)
    _delete_cookie(response, "session", state.settings)


def remember_page(request: Request, response: Response) -> None:
    """Remember the requested page in a cookie, for after the login; of a form only that one was sent."""
    query = quote(request.url.query, safe=_QUERY)
    page = request.url.path + (f"?{query}" if query else "")
    if request.method == "GET" and _ADMIN_PAGE.fullmatch(page):
        _set_cookie(response, "wanted", page, hosted(request).settings, _REMEMBER_SECONDS)
    elif request.method != "GET":
        _set_cookie(response, "undone", _UNDONE, hosted(request).settings, _REMEMBER_SECONDS)


def form_was_sent(request: Request) -> bool:
    """Return whether `remember_page` found a form in place of a page, which was not done."""
    return _cookie(request, "undone", re.compile(_UNDONE)) is not None


def forget_form(request: Request, response: Response) -> None:
    """Forget that a form was sent."""
    if form_was_sent(request):
        _delete_cookie(response, "undone", hosted(request).settings)


def is_logged_in(request: Request) -> bool:
    """Return whether the request comes from somebody who is logged in; not if the store can't tell."""
    session_id = session(request)
    try:
        return session_id is not None and hosted(request).store.sessions.find(session_id) is not None
    except StoreError:
        return False


def remembered_page(request: Request) -> str | None:
    """Return the remembered page, None unless it is a valid page of this server."""
    return _cookie(request, "wanted", _ADMIN_PAGE)


def add_browser_cookie(scope: Scope, headers: list[tuple[bytes, bytes]], settings: Settings) -> None:
    """Add the cookie of a new id that `browser_id` created to the headers of the answer."""
    new = scope.get("state", {}).get(_NEW)
    if new is not None:
        cookie = Response()
        _set_cookie(cookie, "browser", new, settings)
        headers += [pair for pair in cookie.raw_headers if pair[0] == b"set-cookie"]


def form_token(request: HTTPConnection) -> str:
    """Return the token for a page's forms. It is valid only for this browser and its current session."""
    return seal(request, "")


async def check_form(request: Request) -> None:
    """A FastAPI dependency that accepts changes only from this server's own forms. Raises `Problem` 403 or 415."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    # A page without a referrer sends Origin "null"; `hosts` has already refused foreign origins.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, _OLD_PAGE)
    content_type = request.headers.get("content-type", _FORM_TYPE).partition(";")[0].strip().lower()
    if content_type != _FORM_TYPE:  # other types could contain files, or text in any charset
        raise Problem(415, f"Forms are taken as {_FORM_TYPE} alone.")
    async with request.form() as form:
        given = form.get(FORM_TOKEN)
    if isinstance(given, str) and is_seal(request, "", given):
        return
    if for_administrators(request.url.path) and not is_logged_in(request):
        raise LoginNeeded  # the page is of a login that has ended, perhaps in another tab
    raise Problem(403, _OLD_PAGE)


def seal(request: HTTPConnection, text: str) -> str:
    """Return what shows that this server put a text into an address for this browser and its current session."""
    return _sign(hosted(request).csrf_keys[0], request, text)


def is_seal(request: HTTPConnection, text: str, given: str) -> bool:
    """Return whether `given` is the `seal` of a text."""
    keys = hosted(request).csrf_keys
    return given.isascii() and any(hmac.compare_digest(given, _sign(key, request, text)) for key in keys)


def _sign(key: bytes, request: HTTPConnection, text: str) -> str:
    signed = f"{browser_id(request)} {session(request) or ''}{f' {text}' if text else ''}"
    return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()


def _cookie(request: HTTPConnection, what: str, pattern: re.Pattern[str]) -> str | None:
    """Return the first cookie of a name that has a valid value."""
    name = _cookie_name(hosted(request).settings, what)
    values = [cookie_parser(header).get(name, "") for header in request.headers.getlist("cookie")]
    return next(filter(pattern.fullmatch, values), None)


def _set_cookie(response: Response, what: str, value: str, settings: Settings, seconds: float | None = None) -> None:
    response.set_cookie(
        _cookie_name(settings, what),
        value,
        max_age=int(LIFETIME.total_seconds() if seconds is None else seconds),
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )


def _delete_cookie(response: Response, what: str, settings: Settings) -> None:
    response.delete_cookie(_cookie_name(settings, what), secure=settings.secure, httponly=True, samesite="lax")


def _cookie_name(settings: Settings, what: str) -> str:
    """Return a cookie's name. It has the port, because cookies ignore ports; other hosts can't set __Host- cookies."""
    return f"{'__Host-' if settings.secure else ''}openrouter-toolkit-{what}-{settings.port}"
