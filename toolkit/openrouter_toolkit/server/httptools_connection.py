"""Connections with httptools, a parser in C. They take and refuse what those with h11 do.

uvicorn parses what was pipelined behind a request before that is answered, so errors there wait for their turn.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .connections import MOST_PIPELINED, Connection, H11Connection

# As many bytes as h11 allows for a head, for trailers, or for the line before a chunk.
_MAX_OVERHEAD = 64 * 1024
_VERSIONS = ("1.0", "1.1")


class HttptoolsConnection(Connection, HttpToolsProtocol):
    """A connection with httptools."""

    def __init__(self, connections: Any, **given: Any) -> None:
        """See `Connection`."""
        super().__init__(connections, **given)
        self._given = given
        self._running: Any = None
        self._overhead = 0
        self._in_head = False
        self._leaves_http = False
        self._broken = False

    def data_received(self, data: bytes) -> None:
        """Parse what the client sent."""
        if self._broken or self.transport.is_closing():
            return
        self._received += len(data)
        self._overhead += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._continue_with_h11(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse()
        else:
            if self._overhead > _MAX_OVERHEAD:
                self._refuse()

    def on_message_begin(self) -> None:
        """Begin a request. Raises `ValueError`, which ends the parsing, if too many wait for their answers."""
        if len(self.pipeline) >= MOST_PIPELINED:
            raise ValueError
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, unless it is a trailer, which nothing has checked."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start to answer a request. Raises `ValueError` if proxies could read its head in another way."""
        self._in_head = False
        self._overhead = 0
        encodings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if encodings not in ([], [b"chunked"]) or self.parser.get_http_version() not in _VERSIONS:
            raise ValueError
        if self.parser.should_upgrade():
            self._leaves_http = True
            return
        super().on_headers_complete()
        raw_path, _, query = self.url.partition(b"?")
        self.scope["path"] = unquote(raw_path.decode("ascii"))
        self.scope["raw_path"], self.scope["query_string"] = raw_path, query

    def on_chunk_header(self) -> None:
        """Note that the line before a chunk has ended."""
        self._overhead = 0

    def on_body(self, body: bytes) -> None:
        """Pass on a part of a body."""
        self._overhead = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass on the end of a request."""
        self._overhead = 0
        if not self._leaves_http:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Finish a request, and refuse what came behind it and is no HTTP."""
        self.count_pipelined(bool(self.pipeline))
        super().on_response_complete()
        if self._broken and self._running.response_complete and not self.transport.is_closing():
            self.send_400_response("")

    def connection_lost(self, exc: Exception | None) -> None:
        """End the running request, whichever was parsed last."""
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def waits_for_client(self) -> bool:
        """Whether the running request lacks a part that only the client can send."""
        return self._running is self.cycle and super().waits_for_client()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _refuse(self) -> None:
        """Refuse what is no HTTP, after the answers to the requests before it."""
        self.logger.warning("Invalid HTTP request received.")
        self._broken = True
        if self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()  # the last request, which is the broken one
        elif self._running is None or self._running.response_complete or self.waits_for_client():
            self.send_400_response("")
            return
        self.flow.pause_reading()

    def _continue_with_h11(self, rest: bytes) -> None:
        """Let h11 read a request to leave HTTP/1: it ignores that, where httptools would ignore the body."""
        if self._running is not None and not self._running.response_complete:
            self._refuse()
            return
        lines = [self.parser.get_method(), b" ", self.url, b" HTTP/", self.parser.get_http_version().encode(), b"\r\n"]
        for name, value in self.headers:
            lines += [name, b": ", value, b"\r\n"]
        successor = H11Connection(self._connections, **self._given)
        self.connections.discard(self)
        successor.take_over(self)
        self.transport.set_protocol(successor)
        successor.data_received(b"".join([*lines, b"\r\n", rest]))
