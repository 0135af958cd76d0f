"""Whose request it is: the address of the client, also behind a trusted proxy; and where its body ends."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

from ..error_responses import problem
from ..limits import AddressCounter
from ..settings import Settings
from .throttle import retry_after

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MOST_HOPS = 50
_LONGEST_ADDRESS = 60
_MAPPED = 96  # bits of ::ffff:0:0/96, which holds IPv4's addresses
_TWO_LENGTHS = "The request says in two ways where its body ends: Content-Length beside Transfer-Encoding."
_TOO_MANY = "Too many requests of this address are being answered."
_CLOSE = {"Connection": "close"}
_NOT_TRUSTED = (
    "a request came with X-Forwarded-For from %s, which is no trusted proxy, so it was not read; behind a proxy, start "
    "the server with --trusted-proxy and the proxy's address"
)
_log = logging.getLogger("openrouter_toolkit")


class ClientAddress:
    """Puts the client's own address into the scope, and bounds the requests of one that come by way of a proxy.

    A connection from a proxy is shared by its clients, so `connections` can't count for them.
    """

    def __init__(self, app: ASGIApp, settings: Settings, requests: AddressCounter) -> None:
        self._app = app
        self._trusted = settings.trusted_proxies
        self._requests = requests
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; or answer 400 to a body of two lengths, which hides a second request, or 429."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = encoding = False
        forwarded: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = True
            elif name == b"transfer-encoding":
                encoding = True
            elif name == b"x-forwarded-for":
                forwarded.append(value)
        if length and encoding:
            await problem(scope["path"], 400, _TWO_LENGTHS, _CLOSE)(scope, receive, send)
        elif forwarded and (client := self._client(scope, forwarded)) is not None:
            scope["client"] = (client, 0)
            with self._requests.one(client) as allowed:
                answer = self._app if allowed else problem(scope["path"], 429, _TOO_MANY, retry_after(1))
                await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _client(self, scope: Scope, forwarded: Sequence[bytes]) -> str | None:
        """The address that a trusted proxy tells of, None where none does."""
        peer = read_address((scope.get("client") or ("",))[0])
        if peer is None:
            return None
        if is_trusted(peer, self._trusted):
            client = forwarded_client(forwarded, self._trusted)
            return None if client is None else str(client)
        if not self._warned:
            self._warned = True
            _log.warning(_NOT_TRUSTED, peer)
        return None


def forwarded_client(headers: Sequence[bytes], trusted: Collection[Network]) -> Address | None:
    """The right-most address in X-Forwarded-For that is no trusted proxy's. Anybody may have written those before it.

    None where there is none, or something else than an address comes first.
    """
    hops = b",".join(headers).rsplit(b",", _MOST_HOPS)
    for hop in filter(None, map(bytes.strip, reversed(hops[-_MOST_HOPS:]))):
        address = read_address(hop.decode("latin-1"))
        if address is None or not is_trusted(address, trusted):
            return address
    return None


def read_address(text: str) -> Address | None:
    """An address as proxies write it: alone, with a port, an IPv6 address in brackets. None for anything else."""
    if len(text) > _LONGEST_ADDRESS:
        return None
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or (port and not _is_port(port)):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))  # without a zone, which is this machine's own name
    return address


def is_trusted(address: Address, trusted: Collection[Network]) -> bool:
    """Whether an address is one of a trusted proxy's."""
    return any(address in network for network in trusted)


def read_network(text: str) -> Network:
    """A network of trusted proxies: `10.0.0.0/8`, `fd00::/8`, or one address. Raises `ValueError`, which says why."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("give an address or a network, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8") from None
    if network.prefixlen == 0:
        raise ValueError("that is every address, and any client could choose the one that it is counted under")
    if network.network_address != ip_address(text.partition("/")[0]):
        raise ValueError(f"the address has bits beyond the prefix: write {network}")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= _MAPPED:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - _MAPPED))
    return network


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6
