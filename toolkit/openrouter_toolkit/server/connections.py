"""The connections of clients: how many one may have, and how long it may neither send nor read what is due.

`GuardedConnection` knows no HTTP parser. One of uvicorn's becomes guarded by a class of both, which says how to see
that further requests have arrived already (see `H11Connection`).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .access.client_address import is_trusted, read_address
from .access.headers import security_headers
from .access.throttle import retry_after
from .error_responses import problem
from .limits import AddressCounter
from .settings import Settings

MOST_PIPELINED = 16
_LOOKS = 3
# So many bytes at least have to go on between two looks: 400 a second, with the usual timeout.
_LEAST_MOVED = 4096
# So many connections beyond the limit are told why they are refused; further ones are cut without a word.
_TOLD_WHY = 16
_TOO_MANY = "Too many connections of this address are open."
_NO_HTTP = "This is no request that can be understood."
_log = logging.getLogger("openrouter_toolkit")


class Connections:
    """What all connections of a server have in common. To be used on the event loop's thread alone."""

    def __init__(self, settings: Settings, most: int) -> None:
        """`most` may be open at the same time; no address gets more than half of them."""
        self.look_every = settings.client_timeout / _LOOKS
        self._trusted = settings.trusted_proxies
        self._by_address = AddressCounter(min(settings.connections_per_address, max(1, most // 2)))
        self._open: set[GuardedConnection] = set()
        self.when_closed: Callable[[], None] = lambda: None

    def opened(self, connection: GuardedConnection) -> None:
        """Count a connection; one too many of its address is refused. A trusted proxy may have any number."""
        self._open.add(connection)
        address = connection.client[0] if connection.client else ""
        if self._trusted and (known := read_address(address)) is not None and is_trusted(known, self._trusted):
            return
        connection.counted_under = address
        count = self._by_address.add(address)
        if count <= self._by_address.most:
            return
        _log.warning("%s has %d connections, more than are allowed, so further ones are refused", address, count - 1)
        if count <= self._by_address.most + _TOLD_WHY:
            connection.app = _refuse
        else:
            connection.transport.abort()

    def closed(self, connection: GuardedConnection) -> None:
        """Count it no longer."""
        self._open.discard(connection)
        if connection.counted_under is not None:
            self._by_address.remove(connection.counted_under)
        self.when_closed()

    def look(self) -> None:
        """End those whose client keeps them waiting. To be called every `look_every` seconds."""
        for connection in list(self._open):
            connection.look()


class GuardedConnection(asyncio.Protocol):
    """A connection that is watched, before one of uvicorn's HTTP protocols in the order of inheritance.

    The attributes are the protocol's.
    """

    transport: Any
    client: Any
    cycle: Any
    app: Any

    def __init__(self, connections: Connections, **given: Any) -> None:
        """`given` are the protocol's own arguments."""
        super().__init__(**given)
        self.counted_under: str | None = None
        self._connections = connections
        self._pipelined = 0
        self._received = 0
        self._looks = 0
        self._seen: tuple[Any, int, int] = (None, 0, 0)

    def more_requests_wait(self) -> bool:
        """Whether a further request, or a part of one, has arrived before the last was answered."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        self._seen = (self.cycle, 0, 0)
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._connections.closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        self._received += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        """A request is answered. Who sends many before it reads the first answer is answered no longer."""
        self._pipelined = self._pipelined + 1 if self.more_requests_wait() else 0
        if self._pipelined >= MOST_PIPELINED:
            self.transport.close()
        super().on_response_complete()  # type: ignore[misc] # the protocol's

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what is no HTTP, in words of ours; nothing that comes after it is read."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        self.transport.write(_BAD_REQUEST)
        self.transport.close()

    def look(self) -> None:
        """End the connection where nothing moved at this look and those before."""
        unsent = self.transport.get_write_buffer_size()
        request, received = self.cycle, self._received
        seen_request, seen_unsent, seen_received = self._seen
        self._seen = (request, unsent, received)
        if unsent:
            moves = not seen_unsent or seen_unsent - unsent >= _LEAST_MOVED
        elif request is None or request.response_complete:
            moves = request is not seen_request
        else:
            moves = not request.more_body or received - seen_received >= _LEAST_MOVED
        self._looks = 0 if moves else self._looks + 1
        if self._looks >= _LOOKS:
            self.transport.abort() if unsent else self.transport.close()


class H11Connection(GuardedConnection, H11Protocol):
    """With uvicorn's parser in Python, h11."""

    def more_requests_wait(self) -> bool:
        """As `GuardedConnection` says."""
        return bool(self.conn.trailing_data[0])


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of connections that are too many."""
    no = problem(scope["path"], 429, _TOO_MANY, {**retry_after(1), **security_headers(scope["path"]), **_CLOSE})
    await no(scope, receive, send)


_CLOSE = {"Connection": "close"}


def _bad_request() -> bytes:
    body = json.dumps({"error": {"type": "invalid_request", "message": _NO_HTTP}}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **security_headers("/"), **_CLOSE}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 400 Bad Request\r\n{lines}\r\n".encode() + body


_BAD_REQUEST = _bad_request()
