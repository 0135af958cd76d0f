"""An answer's body, read piece by piece within its limits: bytes, the memory that they unfold to, and the deadline."""

from __future__ import annotations

import codecs

from urllib3 import BaseHTTPResponse

from ..envelope import ActionError
from .transport import Exchange

_PIECE = 64 * 1024
_WHITE = b" \t\r\n"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
# Each value of a JSON text, and each line, becomes an object of about this many bytes, however short it is. They are
# counted from this size on: a smaller body can't fill the memory.
_BYTES_OF_VALUE = 64
_COUNTED_FROM = 1024 * 1024
# So many times the limit of an answer's bytes may be taken by what it unfolds to.
_UNFOLDED = 4


class Body:
    """The body of one answer. A compressed one is unpacked no further than it is read."""

    def __init__(self, exchange: Exchange, response: BaseHTTPResponse, limit: int) -> None:
        self._exchange = exchange
        self._response = response
        self._limit = limit
        self._size = 0
        self._unfolded = 0
        self._head = b""

    def piece(self) -> bytes:
        """The bytes that arrive next, none at the end.

        Raises:
            ActionError: `invalid_response` above the limit; why the call has to end; what the network did.
        """
        if self._head:
            piece, self._head = self._head, b""
            return piece
        with self._exchange.failures_as_errors():
            piece = self._response.read1(_PIECE)
        self._exchange.call.check()  # what has been received already is not cut by the deadline
        self._count(piece)
        return piece

    def text(self) -> str:
        """The whole body as text, without white space around it; raises like `piece`."""
        length = self._response.headers.get("content-length", "")
        if length.isdigit() and len(length) < 16 and int(length) > self._limit:
            self._response.close()
            raise too_large(self._limit)
        body = bytearray(self._head)
        self._head = b""
        with self._exchange.failures_as_errors():
            while piece := self._response.read(1024 * 1024):
                self._exchange.call.check()
                self._count(piece)
                body += piece
            self._exchange.call.check()  # a body without a length just ends when it is cut
        return body.decode("utf-8", "replace").strip(" \t\r\n\ufeff")

    def is_stream(self) -> bool:
        """Whether it is a stream of events: by how it begins, for gateways give both wrong content types.

        What is read for that is the first `piece`.
        """
        declared = self._response.headers.get("content-type", "").lower().startswith("text/event-stream")
        head = b""
        while (found := _begins_stream(head, declared=declared)) is None:
            piece = self.piece()
            if not piece:
                break
            head += piece
        self._head = head
        return declared if found is None else found

    def _count(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > _COUNTED_FROM:
            self._unfolded += len(piece) + _BYTES_OF_VALUE * (piece.count(b",") + piece.count(b"\n"))
        if self._size > self._limit or self._unfolded > self._limit * _UNFOLDED:
            self._response.close()
            raise too_large(self._limit)


def _begins_stream(head: bytes, *, declared: bool) -> bool | None:
    """Whether a body that begins so is a stream of events; None where it is too early to say."""
    head = head.removeprefix(codecs.BOM_UTF8).lstrip(_WHITE)[:10]
    if not head or codecs.BOM_UTF8.startswith(head):
        return None
    if declared:
        return head[:1] not in b"{[<"
    if head.startswith(_FIELDS):
        return True
    return None if any(field.startswith(head) for field in _FIELDS) else False


def too_large(limit: int) -> ActionError:
    """The error for an answer above the limit, in bytes."""
    return ActionError(
        "invalid_response",
        f"The answer is larger than {limit} bytes.",
        f"The answer is larger than the limit of {limit / 2**20:g} MiB and was not read to its end. Ask for less "
        "(a filter, a limit, a smaller max_tokens), or have the limit raised (max_answer_bytes).",
    )
