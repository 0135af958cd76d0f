"""What an instance of the web application is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from ..store import names

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Settings:
    """Settings of the web application.

    Attributes:
        url: where people and hosts open it, such as `https://tools.example.com`; no path. Links begin with it.
        host_name: what it is called on its pages: "{host_name} wants to connect to your OpenRouter".
        url_given: whether it is known where people open it. Otherwise it is one of this machine's own addresses, and
            who comes by another of them is sent back there.
        calls_per_minute: how many requests each API token may make, in each process.
        worker_threads: how many calls may run at once, in each process; tokens share them.
        connections_per_address: how many connections one client may have open, in each process.
        client_timeout: the seconds after which a client that neither sends nor reads what is due is disconnected.
        trusted_proxies: networks of proxies whose X-Forwarded-For tells the client's address.
    """

    url: str
    host_name: str = "OpenRouter Toolkit"
    url_given: bool = True
    calls_per_minute: int = 600
    worker_threads: int = 400
    connections_per_address: int = 256
    client_timeout: float = 30.0
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()

    def __post_init__(self) -> None:
        """Raises `ValueError` for a URL that can't be one, and for a name that nobody could read."""
        names.name(self.host_name)
        parts = self._parts
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or parts.port == 0:
            raise ValueError("the URL is http://NAME[:PORT] or https://NAME[:PORT]")
        if parts.path or parts.query or parts.fragment:
            raise ValueError("the URL has nothing behind the host's name and port")
        if not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise ValueError("the URL has characters in it that no URL has")

    @cached_property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def secure(self) -> bool:
        """Whether browsers speak https to it."""
        return self._parts.scheme == "https"

    @property
    def name(self) -> str:
        """The host's name or address in lower case, an IPv6 address without brackets."""
        return self._parts.hostname or ""

    @property
    def loopback(self) -> bool:
        """Whether its name leads to the machine itself, wherever it is opened."""
        if self.name == "localhost" or self.name.endswith(".localhost"):
            return True
        try:
            return ip_address(self.name).is_loopback
        except ValueError:
            return False

    @cached_property
    def port(self) -> int:
        """The port that browsers speak to."""
        return self._parts.port or _DEFAULT_PORTS[self._parts.scheme]

    @property
    def port_is_default(self) -> bool:
        """Whether browsers leave the port out."""
        return self.port == _DEFAULT_PORTS[self._parts.scheme]

    @property
    def origin(self) -> str:
        """What browsers send as Origin."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{self._parts.scheme}://{name}{'' if self.port_is_default else f':{self.port}'}"
