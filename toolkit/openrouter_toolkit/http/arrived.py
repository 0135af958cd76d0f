"""A response's bytes as they arrive: all that one read of the socket brings, and, if asked for, never a wait."""

from __future__ import annotations

import io
import socket
import ssl
import sys
from http.client import HTTPException, HTTPResponse
from typing import Any

# A TLS record holds as much. With larger reads, what is parsed at once is enough to start garbage collections.
_READ_SIZE = 16 * 1024
# What may follow a chunk's bytes without telling anything about the next.
_CHUNK_END = b"\r\n"
# No real trailers are longer.
_MAX_HELD = 256 * 1024


class NothingArrived(Exception):
    """What would be read next has not arrived yet; nothing was taken."""


def can_park(connection: Any) -> bool:
    """Whether a response on this socket can be read without waiting: not through a proxy's TLS."""
    return type(connection) in (socket.socket, ssl.SSLSocket)


class ArrivedBytes(io.BufferedIOBase):
    """The file under an `http.client.HTTPResponse`, in place of one that reads little and always waits.

    http.client keeps its way of reading chunks, lengths and trailers: `read_from` repeats what that could not finish.
    """

    def __init__(self, connection: socket.socket, response: HTTPResponse) -> None:
        """Replace a response's file; what it holds already stays readable."""
        super().__init__()
        self._socket = connection
        self._ended = False
        self._received = False
        self._at = 0
        self._repeats = False
        self._failure: Exception | None = None  # it came after bytes that are read first
        timeout = connection.gettimeout()
        connection.settimeout(0)
        file: Any = response.fp
        try:
            self._data = bytearray(file.peek())
        except OSError:  # nothing is there, and TLS says it in its own way
            self._data = bytearray()
        connection.settimeout(timeout)
        self._raw = file.detach()
        response.fp = self  # type: ignore[assignment]

    def read_from(self, response: HTTPResponse, size: int, *, wait: bool) -> bytes:
        """All bytes of a response's body that one read of the socket brings; raises as `response.read1` does.

        They are empty at the end of the body only, and may be some more than `size`. If `wait` is false, the socket's
        timeout has to be 0, and it is read once since `resume`.

        Raises:
            NothingArrived: none are there; only if `wait` is false.
        """
        self._received = self._received and not wait
        self._repeats = True
        try:
            while True:
                try:
                    return self._bytes_there(response, size)
                except NothingArrived:
                    if not wait:
                        raise
                self._received = False
        finally:
            self._repeats = False

    def _bytes_there(self, response: HTTPResponse, size: int) -> bytes:
        pieces: list[bytes] = []
        length = 0
        while length < size:
            try:
                piece = self._next_piece(response, size)
            except NothingArrived:
                if not pieces:
                    raise
                break
            except Exception as failure:
                if not pieces:
                    raise
                self._failure = failure
                break
            if not piece:
                break
            pieces.append(piece)
            length += len(piece)
            self._received = True  # the rest is not waited for
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _next_piece(self, response: HTTPResponse, size: int) -> bytes:
        """`response.read1(size)`, which can be repeated if it raises `NothingArrived`."""
        if self._failure is not None:
            raise self._failure
        del self._data[: self._at]
        self._at = 0
        if self._received and not self._ended and len(self._data) <= len(_CHUNK_END) and not self._pending():
            raise NothingArrived
        left = response.chunk_left
        try:
            return response.read1(size)
        except NothingArrived:
            self._at = 0
            response.chunk_left = left
            raise

    def resume(self) -> None:
        """Allow another read of the socket, since more has arrived."""
        self._received = False

    def read1(self, size: int = -1) -> bytes:
        """What is there, at most `size` bytes; empty at the end."""
        if size and self._at == len(self._data):
            self._receive()
        return self._take(sys.maxsize if size < 0 else size)

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes; fewer at the end only."""
        wanted = sys.maxsize if size is None or size < 0 else size
        while not self._ended and len(self._data) - self._at < wanted:
            self._receive()
        return self._take(wanted)

    def readline(self, limit: int | None = -1) -> bytes:
        """A line, at most so many bytes of it."""
        longest = _MAX_HELD if limit is None or limit < 0 else limit
        while (end := self._data.find(b"\n", self._at, self._at + longest)) < 0:
            if self._ended or len(self._data) - self._at >= longest:
                return self._take(longest)
            self._receive()
        return self._take(end + 1 - self._at)

    def close(self) -> None:
        """Close the file, not the connection."""
        self._raw.close()
        super().close()

    def _take(self, size: int) -> bytes:
        taken = bytes(self._data[self._at : min(self._at + size, len(self._data))])
        self._at += len(taken)
        return taken

    def _receive(self) -> None:
        if self._ended:
            return
        if not self._repeats:
            del self._data[: self._at]
            self._at = 0
        elif self._at > _MAX_HELD:
            raise HTTPException("the end of the answer is too long")
        elif self._received and not self._pending():
            raise NothingArrived
        try:
            piece = self._socket.recv(_READ_SIZE)
        except (BlockingIOError, ssl.SSLWantReadError):
            raise NothingArrived from None
        self._received = True
        self._ended = not piece
        self._data += piece

    def _pending(self) -> bool:
        """Whether TLS holds bytes of which the socket no longer tells."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0
