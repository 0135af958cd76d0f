"""Finds the client's address, also behind a trusted proxy, and refuses a request with two body lengths."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from ..error_responses import Problem

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAX_HOPS = 50
_MAX_ADDRESS_LENGTH = 60
_MAPPED_PREFIX = 96  # the prefix length of ::ffff:0:0/96, the IPv4-mapped addresses
_TWO_BODY_LENGTHS = "The request says in two ways where its body ends: Content-Length beside Transfer-Encoding."
_NOT_TRUSTED = (
    "a request came with X-Forwarded-For from %s, which is no trusted proxy, so it was not read; behind a proxy, start "
    "the server with --trusted-proxy and the proxy's address"
)


def check_body_length(scope: Scope) -> None:
    """Raise `Problem` 400 for a body of two lengths, which could hide a second request."""
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
        raise Problem(400, _TWO_BODY_LENGTHS, {"Connection": "close"})


def reported_client(scope: Scope, trusted: Collection[Network], log_once: Callable[[str, str], None]) -> str | None:
    """Return the client address that a trusted proxy reports, None if there is none.

    A proxy's clients share its connections, so the limits in `connections` don't apply to them.
    """
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    peer = read_address((scope.get("client") or ("",))[0]) if forwarded else None
    if peer is None:
        return None
    if not is_trusted(peer, trusted):
        log_once(_NOT_TRUSTED, str(peer))
        return None
    client = forwarded_client(forwarded, trusted)
    return None if client is None else str(client)


def forwarded_client(headers: Sequence[bytes], trusted: Collection[Network]) -> Address | None:
    """Return the rightmost address in X-Forwarded-For that is not a trusted proxy; clients can forge those before it.

    Returns None if there is none, or if an invalid address comes first from the right.
    """
    hops = b",".join(headers).rsplit(b",", _MAX_HOPS)
    for hop in filter(None, map(bytes.strip, reversed(hops[-_MAX_HOPS:]))):
        address = read_address(hop.decode("latin-1"))
        if address is None or not is_trusted(address, trusted):
            return address
    return None


def read_address(text: str) -> Address | None:
    """Parse an address as proxies write it: alone, with a port, or IPv6 in brackets. None for anything else."""
    if len(text) > _MAX_ADDRESS_LENGTH:
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
        return address.ipv4_mapped or IPv6Address(int(address))  # without the zone, which is local to this machine
    return address


def is_trusted(address: Address, trusted: Collection[Network]) -> bool:
    """Whether an address belongs to a trusted proxy."""
    return any(address in network for network in trusted)


def read_network(text: str) -> Network:
    """Parse a network of trusted proxies: `10.0.0.0/8`, `fd00::/8`, or one address. Raises `ValueError`."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("give an address or a network, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8") from None
    if network.prefixlen == 0:
        raise ValueError("that is every address, and any client could choose the one that it is counted under")
    if network.network_address != ip_address(text.partition("/")[0]):
        raise ValueError(f"the address has bits beyond the prefix: write {network}")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= _MAPPED_PREFIX:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - _MAPPED_PREFIX))
    return network


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6
