"""One client's connection: reading requests, writing answers, noticing that the client left."""

import json
import select
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .server import SandboxServer

_LOOK_EVERY = 0.1


class ClientGoneError(ConnectionError):
    """The client closed the connection, or the sandbox is closing."""


class Connection(BaseHTTPRequestHandler):
    """Reads requests one after another and hands each to the application.

    An answer is either sent whole (`send`), or started, written piece by piece and finished.
    """

    protocol_version = "HTTP/1.1"
    server_version = "openrouter-sandbox"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Prepare for the first request."""
        super().setup()
        self.answer_headers: dict[str, str] = {}

    def handle_any(self) -> None:
        """Answer one request, whatever its method."""
        self.answer_headers = {}
        length = self.headers["Content-Length"] or "0"
        sent = self.rfile.read(int(length) if length.isdecimal() else 0)
        cast("SandboxServer", self.server).application.answer(self, sent)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names are inherited

    def send(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send a whole answer."""
        self._send_head(status, content_type, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def send_json(self, status: int, body: Any) -> None:
        """Send a whole answer of JSON."""
        self.send(status, json.dumps(body, ensure_ascii=False).encode(errors="replace"))

    def start(self, status: int = 200, content_type: str = "application/json") -> None:
        """Begin an answer whose length is not known yet (chunked transfer encoding)."""
        self._send_head(status, content_type, {"Transfer-Encoding": "chunked", "Cache-Control": "no-cache"})

    def write(self, piece: str | bytes) -> None:
        """Write one piece of a started answer.

        Raises:
            ClientGoneError: when nobody listens any more.
        """
        self.check_client()
        data = piece.encode(errors="replace") if isinstance(piece, str) else piece
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def finish_answer(self) -> None:
        """End a started answer."""
        self.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close the connection as soon as the application returns, without ending the answer."""
        self.close_connection = True

    def wait(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ClientGoneError: soon after the client left or the sandbox began to close.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_EVERY))
            self.check_client()

    def check_client(self) -> None:
        """Look whether somebody still listens.

        Raises:
            ClientGoneError: when nobody does.
        """
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            gone = bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            gone = True
        if gone:
            raise ClientGoneError

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is inherited
        """Say nothing."""

    def _send_head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.send_response(status, None if status in self.responses else "Error")
        for name, value in {"Content-Type": content_type, **headers, **self.answer_headers}.items():
            self.send_header(name, value)
        self.end_headers()
