"""Limits client connections: how many each address may have, and how long a stalled one may stay open."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any, Literal

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .access.client_address import is_trusted, read_address
from .access.middleware import security_headers
from .error_responses import problem, retry_after
from .limits import AddressCounter
from .settings import Settings

MOST_PIPELINED = 16
_CHECKS = 3
# The minimum number of bytes to transfer between two checks: 400 a second with the default timeout.
_MIN_BYTES = 4096
# This many connections beyond the limit get an answer with the reason; further ones are cut without an answer.
_ANSWERED_REFUSALS = 16
_TOO_MANY = "Too many connections of this address are open."
_CLOSE = {"Connection": "close"}
_NOT_HTTP = "This is no request that can be understood."
_log = logging.getLogger("openrouter_toolkit")


class Connections:
    """Tracks all open connections of a server. Use it on the event loop's thread only."""

    def __init__(self, settings: Settings, limit: int) -> None:
        """Allow `limit` open connections in total, and at most half of them for one address."""
        self.check_interval = settings.client_timeout / _CHECKS
        self._trusted = settings.trusted_proxies
        self._by_address = AddressCounter(min(settings.connections_per_address, max(1, limit // 2)))
        self._open: set[Connection] = set()
        self.on_closed: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: Connection) -> None:
        """Count a connection, and refuse it if its address has too many. Trusted proxies have no limit."""
        self._open.add(connection)
        address = connection.client[0] if connection.client else ""
        if self._trusted and (peer := read_address(address)) is not None and is_trusted(peer, self._trusted):
            return
        connection.counted_under = address
        count = self._by_address.add(address)
        if count <= self._by_address.limit:
            return
        _log.warning("%s has %d connections, more than are allowed, so further ones are refused", address, count - 1)
        if count <= self._by_address.limit + _ANSWERED_REFUSALS:
            connection.app = _refuse
        else:
            connection.transport.abort()

    def replace(self, connection: Connection, successor: Connection) -> None:
        """Count another connection object in place of one."""
        self._open.discard(connection)
        self._open.add(successor)
        successor.counted_under = connection.counted_under

    def closed(self, connection: Connection) -> None:
        """Stop counting a connection."""
        self._open.discard(connection)
        if connection.counted_under is not None:
            self._by_address.remove(connection.counted_under)
        self.on_closed()

    def check(self) -> None:
        """Close stalled connections. Call it every `check_interval` seconds."""
        for connection in list(self._open):
            connection.check()


class Connection(asyncio.Protocol):
    """A monitored connection: what both parsers have in common, mixed into a protocol of uvicorn's."""

    app: Any
    client: tuple[str, int] | None
    cycle: Any
    transport: asyncio.Transport

    def __init__(self, connections: Connections, **given: Any) -> None:
        """Pass `given` on to uvicorn's protocol."""
        super().__init__(**given)
        self.counted_under: str | None = None
        self._connections = connections
        self._pipelined = 0
        self._received = 0
        self._stalled_checks = 0
        self._last_check: tuple[Any, int, int] = (None, 0, 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the new connection."""
        super().connection_made(transport)
        self._last_check = (self.cycle, 0, 0)
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the closed connection."""
        super().connection_lost(exc)
        self._connections.closed(self)

    def data_received(self, data: bytes) -> None:
        """Count the bytes that the client sent, and pass them on."""
        self._received += len(data)
        super().data_received(data)

    def count_pipelined(self, more_have_arrived: bool) -> None:
        """After an answer, close the connection of a client that pipelines `MOST_PIPELINED` requests in a row."""
        self._pipelined = self._pipelined + 1 if more_have_arrived else 0
        if self._pipelined >= MOST_PIPELINED:
            self.transport.close()

    def waits_for_client(self) -> bool:
        """Whether the unfinished request lacks a part that only the client can send."""
        return bool(self.cycle.more_body)

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are not HTTP with this server's own message; nothing after them is read."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        self.transport.write(_BAD_REQUEST)
        self.transport.close()

    def check(self) -> None:
        """Close the connection if this check and the ones before it saw no progress."""
        unsent = self.transport.get_write_buffer_size()
        request, received = self.cycle, self._received
        seen_request, seen_unsent, seen_received = self._last_check
        self._last_check = (request, unsent, received)
        if unsent:
            progressed = not seen_unsent or seen_unsent - unsent >= _MIN_BYTES
        elif request is None or request.response_complete:
            progressed = request is not seen_request
        else:
            progressed = not self.waits_for_client() or received - seen_received >= _MIN_BYTES
        self._stalled_checks = 0 if progressed else self._stalled_checks + 1
        if self._stalled_checks >= _CHECKS:
            self.transport.abort() if unsent else self.transport.close()


class H11Connection(Connection, H11Protocol):
    """A connection with h11, a parser in pure Python."""

    def take_over(self, connection: Connection) -> None:
        """Continue a connection that had another parser so far."""
        H11Protocol.connection_made(self, connection.transport)
        self.app = connection.app
        self._connections.replace(connection, self)

    def on_response_complete(self) -> None:
        """Finish a request."""
        self.count_pipelined(bool(self.conn.trailing_data[0]))
        super().on_response_complete()


def connection_type() -> type[Connection]:
    """Return the type with the fastest parser that is installed."""
    try:
        import httptools  # noqa: F401
    except ImportError:
        return H11Connection
    from .httptools_connection import HttptoolsConnection

    return HttptoolsConnection


def event_loop() -> Literal["uvloop", "asyncio"]:
    """Return the name of the fastest event loop that is installed."""
    try:
        import uvloop  # noqa: F401
    except ImportError:
        return "asyncio"
    return "uvloop"


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 429, in place of the application, on connections beyond the limit."""
    headers = {**security_headers(scope["path"]), **retry_after(1), **_CLOSE}
    await problem(scope["path"], 429, _TOO_MANY, headers)(scope, receive, send)


def _bad_request() -> bytes:
    body = json.dumps({"error": {"type": "invalid_request", "message": _NOT_HTTP}}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **security_headers("/"), **_CLOSE}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 400 Bad Request\r\n{lines}\r\n".encode() + body


_BAD_REQUEST = _bad_request()
