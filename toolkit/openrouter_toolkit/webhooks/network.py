"""Looks up the network addresses of a host, and refuses those that are not on the public internet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from socket import SOCK_STREAM, getaddrinfo

_NAT64 = IPv6Network("64:ff9b::/96")
_MAX_TRIED = 4


class AddressRefused(Exception):
    """A host has no network address, or one that must not be connected to. The text says what to do."""


def look_up(host: str, port: int, *, private: bool) -> list[str]:
    """Return the network addresses of a host, to connect to exactly these.

    A name that leads to a private address among others is refused, since the next look-up may give only that one.

    Args:
        host: a name or an address.
        port: the port.
        private: whether addresses of private networks and of this machine are allowed.

    Raises:
        AddressRefused: there is none, or one is not allowed.
    """
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused(f"The host {host} is not known.") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    refused = [] if private else [address for address in addresses if not is_public(address)]
    if refused or not addresses:
        raise AddressRefused(
            f"The host {host} has the address {refused[0]}, which is not on the public internet. The operator of this "
            "server can allow it with --private-webhooks."
            if refused
            else f"The host {host} has no address."
        )
    return addresses[:_MAX_TRIED]


def is_public(address: str) -> bool:
    """Whether a network address, or the IPv4 address within it, is on the public internet."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    embedded = _embedded(found)
    if embedded is not None:
        return is_public(str(embedded))
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address to which a gateway passes on what is sent to an IPv6 address."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
