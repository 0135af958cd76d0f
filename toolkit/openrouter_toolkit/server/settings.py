"""Settings of the web application."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import SplitResult, urlsplit

from ..http.loopback import is_loopback
from ..store import names
from ..webhooks import MailServer

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Settings:
    """Settings of the web application.

    Attributes:
        url: the public URL without a path, such as `https://tools.example.com`. Links begin with it.
        host_name: the name on its pages: "{host_name} wants to connect to your OpenRouter".
        url_given: whether the public URL is known. Otherwise `url` is one of this machine's own addresses, and a
            browser that used another of them is sent back to that one.
        calls_per_minute: the maximum number of requests per API token and process.
        worker_threads: the maximum number of concurrent calls per process; tokens share them.
        streams: the maximum number of concurrent streams per process that hold no thread; further ones hold one.
        connections_per_address: the maximum number of open connections per client and process.
        client_timeout: the seconds after which a client that stalls while it sends or reads is disconnected.
        trusted_proxies: the networks of proxies whose X-Forwarded-For header is trusted.
        ledger_days: how many days the ledger keeps single calls.
        metrics_token: the token by which /metrics can be read; None for nobody.
        ledger_required: whether calls that may cost money are refused while they can't be recorded.
        private_webhooks: whether webhooks may lead to http and to private networks.
        mail_server: by which webhooks send e-mails; None if they can't.
        failing_after: an action counts as failing when more than so many of its calls failed in a row.
    """

    url: str
    host_name: str = "OpenRouter Toolkit"
    url_given: bool = True
    calls_per_minute: int = 600
    worker_threads: int = 400
    streams: int = 4000
    connections_per_address: int = 256
    client_timeout: float = 30.0
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    ledger_days: int = 90
    ledger_required: bool = True
    private_webhooks: bool = False
    mail_server: MailServer | None = None
    failing_after: int = 5
    metrics_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raise `ValueError` for an invalid URL or an unreadable name."""
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
        """Whether browsers connect with https."""
        return self._parts.scheme == "https"

    @property
    def name(self) -> str:
        """The URL's host name or address in lower case; an IPv6 address has no brackets."""
        return self._parts.hostname or ""

    @property
    def loopback(self) -> bool:
        """Whether the host name always means the local machine."""
        return self.name.endswith(".localhost") or is_loopback(self.name)

    @cached_property
    def port(self) -> int:
        """The port that browsers connect to."""
        return self._parts.port or _DEFAULT_PORTS[self._parts.scheme]

    @property
    def port_is_default(self) -> bool:
        """Whether the port is the scheme's default, which browsers omit."""
        return self.port == _DEFAULT_PORTS[self._parts.scheme]

    @property
    def origin(self) -> str:
        """The server's origin, as browsers send it in the Origin header."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{self._parts.scheme}://{name}{'' if self.port_is_default else f':{self.port}'}"
