"""Only requests that were sent to this server: a foreign page whose name leads here (DNS rebinding) is refused."""

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
# What the request itself says is not repeated: it may be anybody's.
_URL = "start the server with --url and the address under which it is opened, such as --url https://tools.example.com"
_OTHER_NAME = f"This server is not known by the name that the request was sent to. Behind a proxy, {_URL}."
_OTHER_PAGE = f"This server takes no calls from pages of other servers. If it is opened by way of a proxy, {_URL}."
_TO_LOG = f"a request was refused that was sent to another name, or by a page of another name; behind a proxy, {_URL}"


class KnownHosts:
    """Refuses requests whose Host or Origin is not this server.

    A Host is this server's when it is that of its URL, or the very address that the connection was made to: such a
    number can't be made to lead elsewhere. Names for loopback count as loopback's address.

    Mostly it is an administrator who put a proxy in front, so the answer says what to do, and the log once.
    """

    def __init__(self, app: ASGIApp, settings: Settings, page: Callable[[Request, int, str], Response]) -> None:
        """`page` makes the page that a browser gets."""
        self._app = app
        self._settings = settings
        self._page = page
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 421 (Host) or 403 (Origin)."""
        no = self._refusal(scope) if scope["type"] == "http" and scope["path"] not in HEALTH else None
        if no is None:
            await self._app(scope, receive, send)
            return
        if not self._told:
            self._told = True
            _log.warning(_TO_LOG)
        request = Request(scope)
        browser = "text/html" in request.headers.get("accept", "") and not answers_json(scope["path"])
        answer = self._page(request, *no) if browser else problem(scope["path"], *no)
        await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the words of a no, where it is one."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_known(hosts[0], scope):
            return 421, _OTHER_NAME
        origin = headers.get("origin")
        of_a_page = not is_for_programs(scope["path"])
        # A page without referrer sends "null"; its form's token has to do (see `csrf`).
        if origin is not None and not (self._is_own(origin, hosts[0]) or (of_a_page and origin == "null")):
            return 403, _OTHER_PAGE
        return None

    def _is_known(self, host: str, scope: Scope) -> bool:
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        name, port = found["six"] or found["name"], int(found["port"]) if found["port"] else None
        ours = self._settings
        if name == ours.name and (port == ours.port or (port is None and ours.port_is_default)):
            return True
        address, bound_port = scope.get("server") or ("", None)
        return (80 if port is None else port) == bound_port and _is_address(name, address)

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page of this server sends this, by whichever of its names it was opened."""
        return origin.lower() in (self._settings.origin, f"http://{host.lower()}")


def _is_address(name: str, address: str) -> bool:
    """Whether a name is certainly the address that a connection was made to."""
    here = _ip(address)
    if here is None:
        return False
    if name == "localhost":
        return here.is_loopback
    there = _ip(name)
    return there is not None and (there == here or (there.is_loopback and here.is_loopback))


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
