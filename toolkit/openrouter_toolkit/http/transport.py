"""HTTP over pooled connections, where another thread can interrupt an exchange at any time."""

from __future__ import annotations

import logging
import queue
import re
import socket
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException, HTTPResponse, IncompleteRead
from ssl import SSLError as PythonSSLError
from typing import Any, cast
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
from ..steps import Pause
from ..text.redaction import redact_thoroughly
from ..text.sanitize import quoted
from .api import UNNAMED, Api
from .arrived import ArrivedBytes, can_park
from .json_body import JsonBody

# With more threads than this, the additional connections are closed after use.
_POOL_SIZE = 256
# The longest socket timeout, in seconds; larger numbers may overflow the clock.
_MAX_TIMEOUT = 1e6
_NO_RETRIES = Retry(0, redirect=False)
NETWORK_ERRORS = (HTTPError, HTTPException, RequestException, OSError, ValueError)
# The exchange of the current thread. The pool reads it, because the pool chooses the connection.
_current = threading.local()


class Exchange:
    """One request and its response, as long as they use a connection; `interrupt` interrupts them.

    The pool notifies it which connection it uses and when that connection is released, so that a late `interrupt`
    never hits a connection that serves another call by then.
    """

    def __init__(self, call: Call, api: Api = UNNAMED) -> None:
        self.call = call
        self.api = api
        self._lock = threading.RLock()  # reentrant: a finalizer may call `interrupt` at any time
        self._connection: Any = None
        self._socket: Any = None
        self._begun = False
        self.read_timeout = 0.0
        self.arrived: ArrivedBytes | None = None
        self.parked = False

    def on_connecting(self, connection: Any) -> None:
        """The pool has chosen a connection, which may not be open yet."""
        with self._lock:
            self._connection = connection

    def on_connection(self, connection: Any) -> None:
        """The connection is open; the request has not been sent yet."""
        with self._lock:
            self._socket = connection.sock
        self.call.check()
        self._begun = True

    def on_release(self) -> None:
        """The response has been read completely: the connection returns to the pool."""
        with self._lock:
            self._connection = self._socket = None

    def interrupt(self) -> None:
        """Shut the socket down, which ends every network wait: the reading thread sees an end of stream."""
        with self._lock, suppress(OSError):
            found = self._socket or getattr(self._connection, "sock", None)
            found = getattr(found, "socket", found)  # inside a proxy's TLS
            if isinstance(found, socket.socket):
                socket.socket.shutdown(found, socket.SHUT_RDWR)  # the TLS shutdown would wait for the peer

    def set_read_timeout(self, seconds: float) -> None:
        """Set how many seconds to wait for the next bytes."""
        self.read_timeout = seconds
        with self._lock, suppress(OSError, AttributeError):
            if self._socket is not None and not self.parked:
                self._socket.settimeout(seconds)

    def read_what_arrives(self, response: HTTPResponse) -> None:
        """Read a response's bytes from `arrived` from now on, where that is possible."""
        with self._lock:
            if self.arrived is None and can_park(self._socket) and response.fp is not None:
                self.arrived = ArrivedBytes(self._socket, response)

    def park(self) -> None:
        """Let reads from `arrived` raise `NothingArrived` instead of waiting."""
        with self._lock:
            if self.arrived is not None:
                self._socket.settimeout(0)
                self.parked = True

    def unpark(self) -> None:
        """Let reads wait again."""
        self.parked = False
        self.set_read_timeout(self.read_timeout)

    def pause(self) -> Pause:
        """What a parked exchange waits for."""
        return Pause(self._socket, self.read_timeout)

    def failure(self, error: Exception) -> ActionError:
        """The `ActionError` for one of `NETWORK_ERRORS`; after `interrupt`, the reason why the call ended."""
        return self.call.ending() or _network_failure(error, self.api, begun=self._begun)


class _RedactUrls(logging.Filter):
    """Redacts the account's secrets in what urllib3 logs about an exchange: its URL may have one in its query."""

    def filter(self, record: logging.LogRecord) -> bool:
        exchange: Exchange | None = getattr(_current, "exchange", None)
        if exchange is not None and exchange.call.secrets:
            record.msg, record.args = redact_thoroughly(record.getMessage(), exchange.call.secrets), None
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_RedactUrls())


class _IdleConnections:
    """A LIFO queue of idle connections without locks, with the methods that urllib3 uses.

    A Ctrl-C inside `queue.LifoQueue` can leave its lock held, and then every thread waits forever. The operations of
    a deque can't be interrupted.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._connections: deque[Any] = deque()

    def put(self, connection: Any, block: bool = True) -> None:
        if len(self._connections) >= self._maxsize:
            raise queue.Full
        self._connections.append(connection)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return self._connections.pop()
        except IndexError:
            raise queue.Empty from None

    def qsize(self) -> int:
        return len(self._connections)


class NotifyingPool:
    """Mixin for a connection pool: notifies the exchange of the connection that it uses and releases."""

    QueueCls = _IdleConnections

    def _validate_conn(self, conn: Any) -> None:
        exchange: Exchange | None = getattr(_current, "exchange", None)
        if exchange is not None:
            exchange.on_connecting(conn)
        if conn.sock is None and not isinstance(self, HTTPSConnectionPool):
            conn.connect()  # as the https pool does: open the connection before anything is sent
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
    """requests' adapter, whose pools notify the exchange, with and without a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._with_notifying_pools(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return self._with_notifying_pools(super().proxy_manager_for(*args, **kwargs))

    def _with_notifying_pools(self, manager: Any) -> Any:
        manager.pool_classes_by_scheme = {
            scheme: type(f"_Notifying{pool.__name__}", (NotifyingPool, pool), {})
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }
        return manager


class Transport:
    """A connection pool for one base URL, shared by all threads.

    requests sets up proxies, certificates and TLS, once. Its session is not used for the requests, on purpose: it
    would follow redirects, keep cookies, and replace the key by a ~/.netrc entry.
    """

    def __init__(self, base_url: str, *, connect_timeout: float) -> None:
        """Open no connection yet; a wrong proxy or certificate setting raises `ActionError` (`connection_failed`)."""
        parts = urlsplit(base_url)
        self._prefix = parts.path.rstrip("/")
        self._connect_timeout = connect_timeout
        self._adapter = _Adapter(pool_maxsize=_POOL_SIZE)
        try:
            with requests.Session() as session:
                session.trust_env = parts.scheme == "https"  # plain http is only for loopback, which needs no proxy
                settings = session.merge_environment_settings(base_url, {}, False, None, None)
            verify: Any = settings["verify"] if settings["verify"] is not None else True
            request = requests.Request("GET", base_url).prepare()
            pool = self._adapter.get_connection_with_tls_context(
                request, verify, proxies=settings["proxies"], cert=settings["cert"]
            )
            self._adapter.cert_verify(pool, base_url, verify, settings["cert"])  # type: ignore[no-untyped-call]
        except NETWORK_ERRORS as error:
            what = quoted(_without_passwords(str(error)), 160)
            raise ActionError(
                "connection_failed",
                f"The proxy or the certificates that the environment names can't be used: {what}",
                advice="Nothing was sent. The operator of this agent has to look at HTTPS_PROXY and "
                "REQUESTS_CA_BUNDLE.",
                sent=False,
            ) from None
        self._pool = cast(HTTPConnectionPool, pool)

    def open(
        self,
        exchange: Exchange,
        method: str,
        target: str,
        headers: Mapping[str, Any],
        body: bytes | JsonBody | None,
        timeout: float,
    ) -> BaseHTTPResponse:
        """Send a request and wait for the response's head; the body is not read yet.

        Raises:
            ActionError: `connection_failed` or `timeout`, or the reason why the call ended.
        """
        remaining = exchange.call.remaining()
        timeout = min(timeout, _MAX_TIMEOUT if remaining is None else max(remaining, 0.001))
        exchange.read_timeout = timeout
        timeouts = Timeout(connect=min(self._connect_timeout, timeout), read=timeout)
        if isinstance(body, JsonBody):
            headers = {**headers, "Content-Length": str(body.length)}  # without it, the body would be sent in chunks
        previous, _current.exchange = getattr(_current, "exchange", None), exchange
        try:
            return self._pool.urlopen(
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
        except NETWORK_ERRORS as error:
            raise exchange.failure(error) from None
        finally:
            _current.exchange = previous

    def close(self) -> None:
        """Close the pooled connections."""
        self._pool.close()
        self._adapter.close()


def _network_failure(error: Exception, api: Api, *, begun: bool) -> ActionError:
    """The error for a network failure; `begun`: the connection was open, so the request may have been sent."""
    cause: BaseException = error
    while isinstance(cause, HTTPError) and isinstance(getattr(cause, "reason", None), Exception):
        cause = cause.reason  # type: ignore[attr-defined]
    what = quoted(_without_passwords(_plain_message(cause)), 160)
    if isinstance(cause, SSLError | PythonSSLError) and not begun:
        return ActionError(
            "connection_failed",
            f"No secure connection to {api.name}: {what}",
            advice="Nothing was sent. The operator of this agent has to look at the certificates, the proxy or "
            f"{api.base_url_setting}.",
            sent=False,
        )
    if not begun or isinstance(cause, NewConnectionError | ConnectTimeoutError | ProxyError):
        return ActionError(
            "connection_failed",
            f"No connection to {api.name}: {what}",
            f"{api.at_start} can't be reached: {what}. Nothing was sent. Call again later; if it stays so, the "
            f"network, the proxy or {api.base_url_setting} is at fault.",
            retryable=True,
            sent=False,
        )
    if isinstance(cause, ReadTimeoutError | TimeoutError):
        return ActionError(
            "timeout",
            f"{api.at_start} sent nothing for too long.",
            f"{api.at_start} was sent the request and then kept silent for too long. It may still have been executed "
            "and billed. Call again if that does no harm.",
            retryable=True,
            sent=True,
        )
    return ActionError(
        "connection_failed",
        f"The connection to {api.name} broke: {what}",
        f"The connection to {api.name} broke before the answer was complete: {what}. The request may have been "
        "executed and billed all the same. Call again if that does no harm.",
        retryable=True,
        sent=True,
    )


def _plain_message(error: BaseException) -> str:
    """An exception's message, without the object address that urllib3 puts before it."""
    inner = next((part for part in error.args if isinstance(part, Exception)), error)
    if isinstance(inner, IncompleteRead):
        return "it ended in the middle of the answer"
    return str(inner).rpartition(">: ")[2] or type(inner).__name__


def _without_passwords(text: str) -> str:
    """The text without proxy addresses, which may contain passwords."""
    for name, proxy in getproxies().items():
        if name != "no" and "@" in proxy:
            text = text.replace(proxy, "the proxy")
    return re.sub(r"//[^/@\s]*@", "//", text)
