"""Checks the headers Host and Origin, so that foreign pages can't reach this server (DNS rebinding)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import Scope

from ..addresses import is_for_programs
from ..error_responses import Problem
from ..settings import Settings

_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
# These messages don't repeat the request's own text, because anybody may have written it.
_URL = "start the server with --url and the address under which it is opened, such as --url https://tools.example.com"
_WRONG_HOST = f"This server is not known by the name that the request was sent to. Behind a proxy, {_URL}."
_WRONG_ORIGIN = f"This server takes no calls from pages of other servers. If it is opened by way of a proxy, {_URL}."
_LOG_MESSAGE = (
    f"a request was refused that was sent to another name, or by a page of another name; behind a proxy, {_URL}"
)


class WrongHost(Problem):
    """The request was sent to another name, or by a page of another server."""


def check_host(scope: Scope, settings: Settings, log_once: Callable[[str], None]) -> None:
    """Raise `Problem` 421 or 403 for a request whose Host or Origin is not this server's.

    A Host is valid if it is that of the server's URL, or the IP address that the connection was made to, because DNS
    can't redirect an IP address. The name localhost counts as the loopback address.

    The usual cause is an administrator's new proxy, so the answer says what to do; the log says it once.
    """
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_own_host(hosts[0], scope.get("server"), settings):
        log_once(_LOG_MESSAGE)
        raise WrongHost(421, _WRONG_HOST)
    origin = headers.get("origin")
    if origin is None or origin.lower() in (settings.origin, f"http://{hosts[0].lower()}"):
        return
    # A page without a referrer sends "null"; then only the form's token is checked (see `browsers`).
    if origin != "null" or is_for_programs(scope["path"]):
        log_once(_LOG_MESSAGE)
        raise WrongHost(403, _WRONG_ORIGIN)


def is_own_host(host: str, server: tuple[str, int] | None, settings: Settings) -> bool:
    """Whether a Host header names this server, whose address `server` the connection was made to."""
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name, port = match["six"] or match["name"], int(match["port"]) if match["port"] else None
    if name == settings.name and (port == settings.port or (port is None and settings.port_is_default)):
        return True
    address, bound_port = server or ("", None)
    return (80 if port is None else port) == bound_port and _is_address(name, address)


def _is_address(name: str, address: str) -> bool:
    """Whether a name is the IP address that a connection was made to, or both are loopback."""
    bound = _ip(address)
    if bound is None:
        return False
    if name == "localhost":
        return bound.is_loopback
    named = _ip(name)
    return named is not None and (named == bound or (named.is_loopback and bound.is_loopback))


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
