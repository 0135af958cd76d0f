"""Forms are taken only from this server's own pages: each carries a token, and browsers tell where they come from."""

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
_FORM = "application/x-www-form-urlencoded"
_NO_FORM = f"Forms are taken as {_FORM} alone."
_OLD_PAGE = "This page is too old, or was opened before you logged in. Go back, load it anew, and try again."


def token(request: HTTPConnection) -> str:
    """What a form on a page of this request carries. It is for this browser and its present session alone."""
    return _token(hosted(request).csrf_keys[0], request)


async def checked(request: Request) -> None:
    """A dependency for all routes of pages: whatever changes something comes from a form of ours. `Problem` 403."""
    if request.method in _SAFE:
        return
    # A page without referrer sends Origin "null"; `hosts` has refused foreign ones.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, _OLD_PAGE)
    sent_as = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if sent_as != _FORM:  # what files would come in, and texts in any charset
        raise Problem(415, _NO_FORM)
    async with request.form() as form:
        given = form.get(FIELD)
    if not isinstance(given, str) or not given.isascii():
        raise Problem(403, _OLD_PAGE)
    if not any(hmac.compare_digest(given, _token(key, request)) for key in hosted(request).csrf_keys):
        raise Problem(403, _OLD_PAGE)


def _token(key: bytes, request: HTTPConnection) -> str:
    whose = f"{browser_id(request)} {session(request) or ''}"
    return hmac.new(key, whose.encode(), hashlib.sha256).hexdigest()
