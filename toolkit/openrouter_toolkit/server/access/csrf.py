"""Protects forms against cross-site request forgery with a token in each form and the header Sec-Fetch-Site."""

from __future__ import annotations

import hashlib
import hmac

from fastapi import Request
from starlette.requests import HTTPConnection

from ..error_responses import Problem
from ..state import hosted
from .browsers import browser_id, session

FIELD = "csrf"
_SAFE = ("GET", "HEAD", "OPTIONS")
_FORM_TYPE = "application/x-www-form-urlencoded"
_WRONG_TYPE = f"Forms are taken as {_FORM_TYPE} alone."
_OLD_PAGE = "This page is too old, or was opened before you logged in. Go back, load it again, and try again."


def token(request: HTTPConnection) -> str:
    """Return the token for a page's forms. It is valid only for this browser and its current session."""
    return _token(hosted(request).csrf_keys[0], request)


async def check_form(request: Request) -> None:
    """A FastAPI dependency that accepts changes only from this server's own forms. Raises `Problem` 403 or 415."""
    if request.method in _SAFE:
        return
    # A page without a referrer sends Origin "null"; `hosts` has already refused foreign origins.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, _OLD_PAGE)
    content_type = request.headers.get("content-type", _FORM_TYPE).partition(";")[0].strip().lower()
    if content_type != _FORM_TYPE:  # other types could contain files, or text in any charset
        raise Problem(415, _WRONG_TYPE)
    async with request.form() as form:
        given = form.get(FIELD)
    if not isinstance(given, str) or not given.isascii():
        raise Problem(403, _OLD_PAGE)
    if not any(hmac.compare_digest(given, _token(key, request)) for key in hosted(request).csrf_keys):
        raise Problem(403, _OLD_PAGE)


def _token(key: bytes, request: HTTPConnection) -> str:
    browser_and_session = f"{browser_id(request)} {session(request) or ''}"
    return hmac.new(key, browser_and_session.encode(), hashlib.sha256).hexdigest()
