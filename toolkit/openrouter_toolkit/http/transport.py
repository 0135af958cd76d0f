"""One HTTP exchange over pooled connections, which can be cut from another thread at any moment."""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import IncompleteRead
from ssl import SSLError as SSLErrorOfPython
from typing import Any, Self, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Retry, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from ..call import Call
from ..envelope import ActionError
from ..text.sanitize import quoted

# More threads than this still work; their connections are not kept open afterwards.
_KEPT_CONNECTIONS = 256
# What a socket can wait for, in seconds; a number too large for a clock means no more than that.
_LONGEST_SILENCE = 1e6
_NO_RETRIES = Retry(0, redirect=False)
# The exchange of the current thread, told to the pool, which is what knows the connection first.
_current = threading.local()


class Exchange:
    """A request on its way and its answer, as long as a connection serves it: what `cut` ends.

    The pool tells it which connection it is about to use and when the connection is free again, so that a late
    cut never hits a connection that serves another call by then.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self._lock = threading.RLock()  # `cut` may be called by a finalizer, in the middle of anything
        self._connection: Any = None
        self._socket: Any = None
        self._begun = False

    def on_connecting(self, connection: Any) -> None:
        """The pool has chosen a connection, which may not stand yet."""
        with self._lock:
            self._connection = connection

    def on_connection(self, connection: Any) -> None:
        """The connection stands; nothing has been sent on it yet."""
        with self._lock:
            self._socket = connection.sock
        self.call.check()
        self._begun = True

    def on_release(self) -> None:
        """The answer has been read to its end: the connection goes back to the pool."""
        with self._lock:
            self._connection = self._socket = None

    def cut(self) -> None:
        """End every wait for the network now: the thread that reads sees the end of the stream."""
        with self._lock, suppress(OSError):
            found = self._socket or getattr(self._connection, "sock", None)
            found = getattr(found, "socket", found)  # inside a proxy's TLS
            if isinstance(found, socket.socket):
                socket.socket.shutdown(found, socket.SHUT_RDWR)  # TLS's own would wait for the other side

    def set_read_timeout(self, seconds: float) -> None:
        """How long to wait for the next bytes from here on."""
        with self._lock, suppress(OSError, AttributeError):
            if self._socket is not None:
                self._socket.settimeout(seconds)

    @contextmanager
    def failures_as_errors(self) -> Iterator[None]:
        """Turn what the network does into `ActionError`; a call that was cut fails for the reason of the cut."""
        try:
            yield
        except (HTTPError, RequestException, OSError, ValueError) as error:
            raise self.call.ending() or _network_failure(error, begun=self._begun) from None


class _FreeConnections:
    """The connections that wait for a call, the last one first: what urllib3 needs of a queue, without locks.

    A Ctrl-C that arrives inside of `queue.LifoQueue` can leave its lock held, and then every thread waits for ever. The
    operations of a deque can't be interrupted.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._connections: deque[Any] = deque()

    def put(self, connection: Any, block: bool = True) -> None:  # noqa: ARG002 - nobody waits: the pool makes another
        if len(self._connections) >= self._maxsize:
            raise queue.Full
        self._connections.append(connection)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ARG002
        try:
            return self._connections.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        return len(self._connections)


class _Watched:
    """A pool that tells an exchange which connection it is about to use, and when it is done with it."""

    QueueCls = _FreeConnections

    def _validate_conn(self, conn: Any) -> None:
        exchange: Exchange | None = getattr(_current, "exchange", None)
        if exchange is not None:
            exchange.on_connecting(conn)
        if conn.sock is None and not isinstance(self, HTTPSConnectionPool):
            conn.connect()  # as the pool for https does: the connection stands before anything is sent
        super()._validate_conn(conn)  # type: ignore[misc]
        if exchange is not None:
            conn.exchange = exchange
            exchange.on_connection(conn)

    def _put_conn(self, conn: Any) -> None:
        exchange: Exchange | None = getattr(conn, "exchange", None)
        if exchange is not None:
            conn.exchange = None
            exchange.on_release()
        super()._put_conn(conn)  # type: ignore[misc]


class _Adapter(HTTPAdapter):
    """requests' adapter, whose pools are watched, with and without a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        _watch(manager)
        return manager


def _watch(manager: Any) -> None:
    manager.pool_classes_by_scheme = {
        scheme: type(f"_Watched{pool.__name__}", (_Watched, pool), {})
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


class Transport:
    """Connections to one base URL, kept open and shared by all threads.

    requests decides about proxies, certificates and TLS, once. What its session would do for each request is
    left out on purpose: it would follow redirects, keep cookies, and put a ~/.netrc in the key's place.
    """

    def __init__(self, base_url: str, *, connect_timeout: float) -> None:
        parts = urlsplit(base_url)
        self._prefix = parts.path.rstrip("/")
        self._connect_timeout = connect_timeout
        self._adapter = _Adapter(pool_maxsize=_KEPT_CONNECTIONS)
        with requests.Session() as session:
            session.trust_env = parts.scheme == "https"  # a proxy has no business with loopback
            settings = session.merge_environment_settings(base_url, {}, False, None, None)
        verify: Any = settings["verify"] if settings["verify"] is not None else True
        request = requests.Request("GET", base_url).prepare()
        pool = self._adapter.get_connection_with_tls_context(
            request, verify, proxies=settings["proxies"], cert=settings["cert"]
        )
        self._adapter.cert_verify(pool, base_url, verify, settings["cert"])  # type: ignore[no-untyped-call]
        self._pool = cast(HTTPConnectionPool, pool)

    @classmethod
    def to(cls, base_url: str, *, connect_timeout: float) -> Self:
        """The same, with what is wrong in the environment told as an `ActionError` (`connection_failed`)."""
        try:
            return cls(base_url, connect_timeout=connect_timeout)
        except (HTTPError, RequestException, OSError, ValueError) as error:
            what = quoted(_without_passwords(str(error)), 160)
            message = f"The proxy or the certificates that the environment names can't be used: {what}"
            how = "Nothing was sent. Whoever runs this agent has to look at HTTPS_PROXY and REQUESTS_CA_BUNDLE."
            raise ActionError("connection_failed", message, f"{message}. {how}", sent=False) from None

    def open(
        self,
        exchange: Exchange,
        method: str,
        target: str,
        headers: Mapping[str, Any],
        body: bytes | None,
        timeout: float,
    ) -> BaseHTTPResponse:
        """Send a request and wait for the answer's head; the body is still to be read.

        Raises:
            ActionError: `connection_failed` or `timeout`, or why the call had to end.
        """
        remaining = exchange.call.remaining()
        timeout = min(timeout, _LONGEST_SILENCE if remaining is None else max(remaining, 0.001))
        timeouts = Timeout(connect=min(self._connect_timeout, timeout), read=timeout)
        outer, _current.exchange = getattr(_current, "exchange", None), exchange
        try:
            with exchange.failures_as_errors():
                response = self._pool.urlopen(
                    method,
                    self._prefix + target,
                    body=body,
                    headers=headers,
                    redirect=False,
                    retries=_NO_RETRIES,
                    timeout=timeouts,
                    preload_content=False,
                    decode_content=True,
                )
        finally:
            _current.exchange = outer
        return response

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.close()
        self._adapter.close()


def _network_failure(error: Exception, *, begun: bool) -> ActionError:
    """What went wrong on the way; `begun` tells whether the connection stood, so that the request may have left."""
    cause: BaseException = error
    while isinstance(cause, HTTPError) and isinstance(getattr(cause, "reason", None), Exception):
        cause = cause.reason  # type: ignore[attr-defined]
    what = quoted(_without_passwords(_plainly(cause)), 160)
    if isinstance(cause, SSLError | SSLErrorOfPython) and not begun:
        return ActionError(
            "connection_failed",
            f"No secure connection to OpenRouter: {what}",
            f"No secure connection to OpenRouter: {what}. Nothing was sent. Whoever runs this agent has to look "
            "at the certificates, the proxy or OPENROUTER_BASE_URL.",
            sent=False,
        )
    if not begun or isinstance(cause, NewConnectionError | ConnectTimeoutError | ProxyError):
        return ActionError(
            "connection_failed",
            f"No connection to OpenRouter: {what}",
            f"OpenRouter can't be reached: {what}. Nothing was sent. Call again later; if it stays so, the "
            "network, the proxy or OPENROUTER_BASE_URL is at fault.",
            retryable=True,
            sent=False,
        )
    if isinstance(cause, ReadTimeoutError | TimeoutError):
        return ActionError(
            "timeout",
            "OpenRouter sent nothing for too long.",
            "OpenRouter was sent the request and then kept silent for too long. It may still have been executed "
            "and billed. Call again, with stream true or a smaller max_tokens for a long completion.",
            retryable=True,
            sent=True,
        )
    return ActionError(
        "connection_failed",
        f"The connection to OpenRouter broke: {what}",
        f"The connection to OpenRouter broke before the answer was complete: {what}. The request may have been "
        "executed and billed all the same. Call again if that does no harm.",
        retryable=True,
        sent=True,
    )


def _plainly(error: BaseException) -> str:
    """What an exception says, without the object addresses that urllib3 puts in front."""
    inner = next((part for part in error.args if isinstance(part, Exception)), error)
    if isinstance(inner, IncompleteRead):
        return "it ended in the middle of the answer"
    return str(inner).rpartition(">: ")[2] or type(inner).__name__


def _without_passwords(text: str) -> str:
    """The text without the proxies' addresses, which may hold passwords."""
    for name, proxy in getproxies().items():
        if name != "no" and "@" in proxy:
            text = text.replace(proxy, "the proxy")
    return re.sub(r"//[^/@\s]*@", "//", text)
