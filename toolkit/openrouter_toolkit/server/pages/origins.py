"""Where a browser is, and where it may go: origins, such as `https://openrouter.ai`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from fastapi import Request

from ...connecting import browser_login
from ...envelope import ActionError
from ...manifest import LoadedToolkit
from ..state import hosted

# In a policy's header stands nothing that could begin another directive.
_PLAIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?", re.ASCII)


def origin_of(address: str) -> str | None:
    """The origin of an http(s) address, fit for a policy's header; None where it can't be told."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin if _PLAIN.fullmatch(origin) else None


def own_origin(request: Request) -> str:
    """Where browsers open this server.

    That is its URL, whatever a proxy says in Host. Where none was given, it is the address of this machine that the
    browser used, for its cookies are there alone; `hosts` has refused all others.
    """
    settings = hosted(request).settings
    return settings.origin if settings.url_given else f"http://{request.headers['host'].lower()}"


def login_page(loaded: LoadedToolkit) -> str | None:
    """The address of a toolkit's own login page, or None where it has none that can be used."""
    try:
        login = browser_login(loaded)
    except ActionError:
        return None
    if login is None:
        return None
    address = login.begin(None, "", "")
    login.close()
    return address
