"""One client's connection: reads requests, writes answers, detects that the client disconnected."""

import json
import select
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .server import SandboxServer

_POLL_SECONDS = 0.1


class ClientGoneError(ConnectionError):
    """The client disconnected, or the sandbox is closing."""


class Connection(BaseHTTPRequestHandler):
    """Reads requests one after another and passes each to the application.

    An answer is either sent at once (`send`), or started, written in chunks and finished.
    """

    protocol_version = "HTTP/1.1"
    server_version = "openrouter-sandbox"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Prepare for the first request."""
        super().setup()
        self.answer_headers: dict[str, str] = {}

    def handle_any(self) -> None:
        """Answer one request of any method."""
        self.answer_headers = {}
        length = self.headers["Content-Length"] or "0"
        body = self.rfile.read(int(length) if length.isdecimal() else 0)
        cast("SandboxServer", self.server).application.answer(self, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def send(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send a complete answer."""
        self._send_head(status, content_type, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def send_json(self, status: int, body: Any) -> None:
        """Send a complete answer as JSON."""
        self.send(status, json.dumps(body, ensure_ascii=False).encode(errors="replace"))

    def start(self, status: int = 200, content_type: str = "application/json") -> None:
        """Start an answer of unknown length (chunked transfer encoding)."""
        self._send_head(status, content_type, {"Transfer-Encoding": "chunked", "Cache-Control": "no-cache"})

    def write(self, piece: str | bytes) -> None:
        """Write one chunk of a started answer.

        Raises:
            ClientGoneError: the client disconnected.
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
        """Wait.

        Raises:
            ClientGoneError: the client disconnected, or the sandbox began to close; noticed within 0.1 seconds.
        """
        deadline = time.monotonic() + seconds
        while (remaining := deadline - time.monotonic()) > 0:
            time.sleep(min(remaining, _POLL_SECONDS))
            self.check_client()

    def check_client(self) -> None:
        """Check that the client is still connected.

        Raises:
            ClientGoneError: it is not.
        """
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            gone = bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            gone = True
        if gone:
            raise ClientGoneError

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""

    def _send_head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.send_response(status, None if status in self.responses else "Error")
        for name, value in {"Content-Type": content_type, **headers, **self.answer_headers}.items():
            self.send_header(name, value)
        self.end_headers()
