"""Tells the network errors of handlers' own HTTP libraries from mistakes in them, without importing the libraries."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

from ..envelope import ActionError
from ..text.sanitize import quoted

# Exceptions by the package that defines them; their subclasses count too. `requests` derives all of its exceptions from
# OSError, also those for a status or a malformed URL, which are no network errors.
_BY_PACKAGE = {
    "aiohttp": {"ClientConnectionError", "ClientPayloadError"},
    "http": {"HTTPException"},
    "httpcore": {"NetworkError", "TimeoutException", "RemoteProtocolError", "ProxyError"},
    "httpx": {"NetworkError", "TimeoutException", "RemoteProtocolError", "ProxyError"},
    "requests": {"ConnectionError", "Timeout", "ChunkedEncodingError"},
    "urllib3": {"TimeoutError", "ProtocolError", "MaxRetryError", "SSLError", "ProxyError", "NewConnectionError"},
}
_BY_TYPE = (ConnectionError, TimeoutError, socket.gaierror, socket.herror, ssl.SSLError)
_NUMBERS = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.ENOTCONN}
)
# With these, no connection was made.
_NOT_SENT = frozenset(
    {"ConnectError", "ConnectTimeout", "ConnectTimeoutError", "NewConnectionError", "NameResolutionError"}
    | {"ConnectionRefusedError", "gaierror", "ClientConnectorError"}
)


def network_failure(error: Exception, toolkit: str) -> ActionError | None:
    """The `ActionError` (`connection_failed`, retryable) for a network error in a handler; None for another exception.

    `toolkit` is the toolkit's name.
    """
    chain = list(_causes(error))
    if not _is_network_error(error, chain):
        return None
    sent = not any(name in _NOT_SENT for cause in chain for name in _names(cause))
    what = quoted(_last_words(chain), 160)
    done = "The request may have been executed all the same. " if sent else "Nothing was sent. "
    return ActionError(
        "connection_failed",
        f"The connection to {toolkit} failed ({type(error).__name__}): {what}",
        advice=f"{done}Call again later, if that does no harm; if it stays so, the network or {toolkit} is at fault.",
        retryable=True,
        sent=sent,
    )


def _is_network_error(error: Exception, chain: list[BaseException]) -> bool:
    for kind in type(error).__mro__:
        if kind.__name__ in _BY_PACKAGE.get(kind.__module__.partition(".")[0], ()):
            return True
    if type(error).__module__ == "urllib.error" and type(error).__name__ == "URLError":
        return any(isinstance(cause, _BY_TYPE) for cause in chain)
    return isinstance(error, _BY_TYPE) or (type(error) is OSError and error.errno in _NUMBERS)


def _names(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what led to it, as libraries wrap it: in `reason`, in the arguments, or as its cause."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in seen:
        seen.append(found)
        yield found
        inner = (getattr(found, "reason", None), *found.args, found.__cause__, found.__context__)
        found = next((cause for cause in inner if isinstance(cause, BaseException)), None)


def _last_words(chain: list[BaseException]) -> str:
    """The message of the innermost exception that has one, without the address of an object before it."""
    for cause in reversed(chain):
        words = getattr(cause, "strerror", None) or str(cause).rpartition(">: ")[2]
        if words:
            return str(words)
    return type(chain[0]).__name__
