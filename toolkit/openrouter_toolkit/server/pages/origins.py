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
    """This server as the browser reached it, by whichever of its names: its cookies are there alone."""
    settings = hosted(request).settings
    host = request.headers["host"].lower()
    parts = urlsplit(f"//{host}")
    own_port = parts.port == settings.port or (parts.port is None and settings.port_is_default)
    return settings.origin if parts.hostname == settings.name and own_port else f"http://{host}"


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
