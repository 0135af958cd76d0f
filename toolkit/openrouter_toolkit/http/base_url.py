"""Which base URLs a key may be sent to: https, or plain http to this machine (loopback)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .loopback import is_loopback

_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.?|[0-9a-f:.]+", re.IGNORECASE
)


def base_url_problem(url: str) -> str | None:
    """Return why no key may be sent to a base URL, or None if it may."""
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


def without_password(url: str) -> str:
    """The URL without what stands before an @, for messages."""
    before, at, after = url.rpartition("@")
    return before.partition("://")[0] + "://" + after if at and "://" in before else after if at else url
