"""Checks the headers Host and Origin, so that foreign pages can't reach this server (DNS rebinding)."""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..addresses import HEALTH, answers_json, is_for_programs
from ..error_responses import problem
from ..settings import Settings

_log = logging.getLogger("openrouter_toolkit")
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
# These messages don't repeat the request's own text, because anybody may have written it.
_URL = "start the server with --url and the address under which it is opened, such as --url https://tools.example.com"
_WRONG_HOST = f"This server is not known by the name that the request was sent to. Behind a proxy, {_URL}."
_WRONG_ORIGIN = f"This server takes no calls from pages of other servers. If it is opened by way of a proxy, {_URL}."
_LOG_MESSAGE = (
    f"a request was refused that was sent to another name, or by a page of another name; behind a proxy, {_URL}"
)


class KnownHosts:
    """Refuses requests whose Host or Origin is not this server's.

    A Host is valid if it is that of the server's URL, or the IP address that the connection was made to, because DNS
    can't redirect an IP address. The name localhost counts as the loopback address.

    The usual cause is an administrator's new proxy, so the answer says what to do; the log says it once.
    """

    def __init__(self, app: ASGIApp, settings: Settings, page: Callable[[Request, int, str], Response]) -> None:
        """Make the refusal that browsers get with `page`."""
        self._app = app
        self._settings = settings
        self._page = page
        self._logged = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 (Host) or 403 (Origin)."""
        refusal = self._refusal(scope) if scope["type"] == "http" and scope["path"] not in HEALTH else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        if not self._logged:
            self._logged = True
            _log.warning(_LOG_MESSAGE)
        request = Request(scope)
        browser = "text/html" in request.headers.get("accept", "") and not answers_json(scope["path"])
        answer = self._page(request, *refusal) if browser else problem(scope["path"], *refusal)
        await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the message of a refusal, None if the request is accepted."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_own_host(hosts[0], scope):
            return 421, _WRONG_HOST
        origin = headers.get("origin")
        is_page = not is_for_programs(scope["path"])
        # A page without a referrer sends "null"; then only the form's token is checked (see `csrf`).
        if origin is not None and not (self._is_own_origin(origin, hosts[0]) or (is_page and origin == "null")):
            return 403, _WRONG_ORIGIN
        return None

    def _is_own_host(self, host: str, scope: Scope) -> bool:
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        name, port = match["six"] or match["name"], int(match["port"]) if match["port"] else None
        settings = self._settings
        if name == settings.name and (port == settings.port or (port is None and settings.port_is_default)):
            return True
        address, bound_port = scope.get("server") or ("", None)
        return (80 if port is None else port) == bound_port and _is_address(name, address)

    def _is_own_origin(self, origin: str, host: str) -> bool:
        """Whether an origin is a page of this server, under any of its names."""
        return origin.lower() in (self._settings.origin, f"http://{host.lower()}")


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
