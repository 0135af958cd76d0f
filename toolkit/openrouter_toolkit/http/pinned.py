"""A request to a network address that was chosen before: no name is looked up, no proxy or redirect followed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

from ..call import Call
from ..envelope import ActionError
from .api import Api
from .body import Body
from .transport import Exchange, NotifyingPool, Transport

_CONNECT_TIMEOUT = 5.0
_READ_TIMEOUT = 10.0
_MAX_BODY = 64 * 1024


class _PinnedHttp(NotifyingPool, HTTPConnectionPool):  # type: ignore[misc]
    pass


class _PinnedHttps(NotifyingPool, HTTPSConnectionPool):  # type: ignore[misc]
    pass


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status, its headers, and the beginning of its body if it is no success."""

    status: int
    headers: Mapping[str, str]
    text: str = ""


def post(url: SplitResult, address: str, headers: Mapping[str, str], body: bytes, call: Call, api: Api) -> Answer:
    """Send a POST request to a URL at one of its host's network addresses.

    The host's name in the URL is used for the Host header and the certificate alone.

    Raises:
        ActionError: `connection_failed` or `timeout`, with `sent` among its details; or the reason why the call ended.
    """
    transport = _PinnedTransport(url, address)
    exchange = Exchange(call, api)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        with call.interruptible(exchange.interrupt):
            response = transport.open(exchange, "POST", target, {**headers, "Host": url.netloc}, body, _READ_TIMEOUT)
            try:
                call.check()  # headers that are cut read as if they had ended
                text = ""
                if not 200 <= response.status < 300:
                    with suppress(ActionError):  # the status says enough
                        text = Body(exchange, response, _MAX_BODY).text()
                return Answer(response.status, dict(response.headers.items()), text)
            finally:
                with suppress(Exception):
                    response.close()
    finally:
        transport.close()


class _PinnedTransport(Transport):
    """A pool of one connection to one address."""

    def __init__(self, url: SplitResult, address: str) -> None:
        self._prefix = ""
        self._connect_timeout = _CONNECT_TIMEOUT
        if url.scheme == "https":
            self._pool = _PinnedHttps(
                address,
                url.port or 443,
                maxsize=1,
                server_hostname=url.hostname,
                assert_hostname=url.hostname,
                cert_reqs="CERT_REQUIRED",
                ca_certs=os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH,
            )
        else:
            self._pool = _PinnedHttp(address, url.port or 80, maxsize=1)

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()
