"""OpenRouter's base URL: https, or plain http to this machine (loopback)."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from ..envelope import ActionError
from ..http.loopback import is_loopback
from ..text.sanitize import quoted

DEFAULT = "https://openrouter.ai/api/v1"
_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.?|[0-9a-f:.]+", re.IGNORECASE
)
VARIABLE = "OPENROUTER_BASE_URL"


def resolve(base_url: str | None) -> str:
    """The given base URL, else the environment's, else OpenRouter's own; without a trailing slash.

    Raises:
        ActionError: `connection_failed`, for a URL to which no key may be sent.
    """
    url = (base_url or os.environ.get(VARIABLE) or DEFAULT).strip().rstrip("/")
    problem = _problem(url)
    if problem is not None:
        message = f"The base URL {quoted(_without_password(url), 100)} can't be used: {problem}."
        raise ActionError(
            "connection_failed",
            message,
            advice=f"Nothing was sent. The operator of this agent has to set {VARIABLE}.",
            sent=False,
        )
    return url


def _problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no URL"
    if any(character.isspace() for character in url) or not url.isprintable():
        return "it has white space in it"
    if parts.scheme not in ("http", "https") or not host:
        return "it must be https://host/path"
    if not is_loopback(host) and not _HOST.fullmatch(host):
        return "its host is no name and no address"
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        return "it must have no user, query or fragment"
    if parts.scheme == "http" and not is_loopback(host):
        return "plain http would show the key to everyone on the way; use https"
    return None


def _without_password(url: str) -> str:
    before, at, after = url.rpartition("@")
    return before.partition("://")[0] + "://" + after if at and "://" in before else after if at else url
