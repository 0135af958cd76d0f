"""Read a response body in pieces, within limits of size, of memory after parsing, and of time."""

from __future__ import annotations

import codecs
from contextlib import suppress

from urllib3 import BaseHTTPResponse, HTTPResponse

from ..envelope import ActionError
from ..steps import IN_WORKER, Pause, Steps
from .arrived import NothingArrived
from .transport import NETWORK_ERRORS, Exchange

_READ_SIZE = 64 * 1024
_MUCH = 1024 * 1024
_WHITE_SPACE = b" \t\r\n"
_EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
# Each JSON value, and each line, becomes an object of about this many bytes, however short it is. They are counted
# only in larger bodies: a smaller one can't exhaust the memory.
_BYTES_PER_VALUE = 64
_ESTIMATED_FROM = 1024 * 1024
# The estimated memory may be this many times the limit of the body's bytes.
_MEMORY_FACTOR = 4


class Body:
    """The body of one response. A compressed body is decompressed only as far as it is read."""

    def __init__(self, exchange: Exchange, response: BaseHTTPResponse, limit: int) -> None:
        self._exchange = exchange
        self._response = response
        self._limit = limit
        self._size = 0
        self._memory = 0
        self._head = b""
        # urllib3 takes twice the time of http.client, below it, for each piece. A body that is not compressed is read
        # from there, up to its end: urllib3 then checks that it is complete, and releases the connection.
        plain = isinstance(response, HTTPResponse) and not response.headers.get("content-encoding")
        self._source = getattr(response, "_original_response", None) if plain else None
        self._pause: Pause | None = None

    def in_worker(self) -> Steps[None]:
        """Go on in a worker thread if the body is parked: what follows may take long, and reads wait again."""
        if self._exchange.parked:
            yield IN_WORKER
            self._exchange.unpark()

    def next_piece(self) -> Steps[bytes]:
        """`piece`, after a pause if nothing is there and the body is parked."""
        while True:
            with suppress(NothingArrived):
                return self.piece()
            yield from self._arrival()

    def _arrival(self) -> Steps[None]:
        exchange = self._exchange
        pause = self._pause
        if pause is None or pause.seconds != exchange.read_timeout:
            pause = self._pause = exchange.pause()
        try:
            yield pause
        except TimeoutError as error:
            raise exchange.failure(error) from None
        exchange.call.check()
        if exchange.arrived is not None:
            exchange.arrived.resume()

    def piece(self) -> bytes:
        """The next bytes that arrive; empty at the end.

        Raises:
            NothingArrived: nothing is there, and the body is parked.
            ActionError: `invalid_response` above the limit; the reason why the call ends; a network failure.
        """
        if self._head:
            piece, self._head = self._head, b""
            return piece
        try:
            piece = self._read()
        except NETWORK_ERRORS as error:
            raise self._exchange.failure(error) from None
        self._exchange.call.check()  # data received earlier stays readable after `interrupt`
        self._count(piece)
        return piece

    def _read(self) -> bytes:
        if self._source is not None:
            arrived = self._exchange.arrived
            piece: bytes = (
                self._source.read1(_READ_SIZE)
                if arrived is None
                else arrived.read_from(self._source, _READ_SIZE, wait=not self._exchange.parked)
            )
            if piece:
                if self._response.length_remaining is not None:
                    self._response.length_remaining -= len(piece)
                return piece
            self._source = None
        return self._response.read1(_READ_SIZE)

    def _read_much(self) -> bytes:
        """Up to a MiB of the body, as soon as it is there; empty at the end."""
        source, response = self._source, self._response
        if source is None:
            return response.read(_MUCH)
        piece: bytes = source.read(_MUCH)
        if response.length_remaining is not None:
            response.length_remaining -= len(piece)
        if not piece:
            self._source = None
            if response.length_remaining or not source.isclosed():  # it is cut: urllib3 raises the error
                return response.read(_MUCH)
            response.release_conn()
        return piece

    def text(self) -> str:
        """The whole body as text, without white space around it; raises like `piece`."""
        length = self._response.headers.get("content-length", "")
        if length.isdigit() and len(length) < 16 and int(length) > self._limit:
            self._response.close()
            raise too_large(self._limit)
        pieces, self._head = [self._head] if self._head else [], b""
        try:
            while piece := self._read_much():
                self._exchange.call.check()
                self._count(piece)
                pieces.append(piece)
        except NETWORK_ERRORS as error:
            raise self._exchange.failure(error) from None
        self._exchange.call.check()  # a body without a length simply ends when the socket is shut down
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)  # a copy takes longer than the rest of the call
        pieces.clear()
        return body.decode("utf-8", "replace").strip(" \t\r\n\ufeff")

    def is_stream(self) -> Steps[bool]:
        """Whether it is an event stream, decided by its first bytes, because gateways send wrong content types.

        The bytes that this reads are returned by the first `piece`. If the call parks, the body is parked from now on,
        as long as it is a stream: it holds no thread while nothing arrives (see `next_piece`).
        """
        exchange = self._exchange
        if exchange.call.parks and self._source is not None:
            exchange.read_what_arrives(self._source)
            exchange.park()
        declared = self._response.headers.get("content-type", "").lower().startswith("text/event-stream")
        head = b""
        while (is_stream_head := _is_stream_head(head, declared=declared)) is None:
            piece = yield from self.next_piece()
            if not piece:
                break
            head += piece
        self._head = head
        is_stream = declared if is_stream_head is None else is_stream_head
        if not is_stream:
            yield from self.in_worker()
        elif self._source is not None:
            exchange.read_what_arrives(self._source)
        return is_stream

    def _count(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > _ESTIMATED_FROM:
            self._memory += len(piece) + _BYTES_PER_VALUE * (piece.count(b",") + piece.count(b"\n"))
        if self._size > self._limit or self._memory > self._limit * _MEMORY_FACTOR:
            self._response.close()
            raise too_large(self._limit)


def _is_stream_head(head: bytes, *, declared: bool) -> bool | None:
    """Whether a body that begins with `head` is an event stream; None if more bytes are needed."""
    head = head.removeprefix(codecs.BOM_UTF8).lstrip(_WHITE_SPACE)[:10]
    if not head or codecs.BOM_UTF8.startswith(head):
        return None
    if declared:
        return head[:1] not in b"{[<"
    if head.startswith(_EVENT_FIELDS):
        return True
    return None if any(field.startswith(head) for field in _EVENT_FIELDS) else False


def too_large(limit: int) -> ActionError:
    """The error for a response larger than `limit` bytes."""
    return ActionError(
        "invalid_response",
        f"The answer is larger than {limit} bytes.",
        f"The answer is larger than the limit of {limit / 2**20:g} MiB and was not read to its end. Ask for less "
        "(a filter, a smaller limit), or have max_answer_bytes raised.",
    )
