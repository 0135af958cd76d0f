"""Origins, such as `https://openrouter.ai`: of addresses, of this server, and of login pages."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from fastapi import Request

from ...connecting import browser_login
from ...envelope import ActionError
from ...manifest import LoadedToolkit
from ..state import hosted

# A policy's header must contain nothing that could start another directive.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?", re.ASCII)


def origin_of(address: str) -> str | None:
    """Return the origin of an http(s) address, safe for a policy's header; None if there is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin if _ORIGIN.fullmatch(origin) else None


def own_origin(request: Request) -> str:
    """Return the origin at which the browser opened this server.

    It is that of the configured URL, whatever Host a proxy sends. Without one it is the address of this machine that
    the browser used, because its cookies are valid only there; `hosts` has refused all others.
    """
    settings = hosted(request).settings
    return settings.origin if settings.url_given else f"http://{request.headers['host'].lower()}"


def login_page(loaded: LoadedToolkit) -> str | None:
    """Return the address of a toolkit's own login page, None if it has none that can be used."""
    try:
        login = browser_login(loaded)
    except ActionError:
        return None
    if login is None:
        return None
    address = login.begin(None, "", "")
    login.close()
    return address
