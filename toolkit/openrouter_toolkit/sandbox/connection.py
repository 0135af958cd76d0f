"""HTTP over sockets: the server on loopback, and one client's connection."""

import json
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

HOST = "127.0.0.1"
_POLL_SECONDS = 0.1
_JOIN_TIMEOUT = 5.0


class ClientGoneError(ConnectionError):
    """The client disconnected, or the sandbox is closing."""


class Connection(BaseHTTPRequestHandler):
    """Reads requests one after another and passes each to the server's `answer`.

    An answer is either sent at once (`send`), or started, written in chunks and finished.
    """

    server: "SandboxServer"
    protocol_version = "HTTP/1.1"
    server_version = "openrouter-sandbox"
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        """Answer one request of any method."""
        self.answer_headers: dict[str, str] = {}
        length = self.headers["Content-Length"] or "0"
        self.server.answer(self, self.rfile.read(int(length) if length.isdecimal() else 0))

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
        """Write one chunk of a started answer. Raises ClientGoneError if the client disconnected."""
        self.check_client()
        data = piece.encode(errors="replace") if isinstance(piece, str) else piece
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def finish_answer(self) -> None:
        """End a started answer."""
        self.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close the connection as soon as the request is handled, without ending the answer."""
        self.close_connection = True

    def wait(self, seconds: float) -> None:
        """Wait. Raises ClientGoneError at most 0.1 seconds after the client left or the sandbox began to close."""
        deadline = time.monotonic() + seconds
        while (remaining := deadline - time.monotonic()) > 0:
            time.sleep(min(remaining, _POLL_SECONDS))
            self.check_client()

    def check_client(self) -> None:
        """Raise ClientGoneError if the client disconnected."""
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


class SandboxServer(ThreadingHTTPServer):
    """Handles each connection in its own thread, and keeps track of open ones in order to close them.

    Args:
        port: the port on loopback; 0 takes a free one.
        answer: answers one request, given its connection and its body.
    """

    request_queue_size = 256
    allow_reuse_address = sys.platform != "win32"
    allow_reuse_port = False
    server_bind = TCPServer.server_bind  # HTTPServer's looks up the host's name

    def __init__(self, port: int, answer: Callable[[Connection, bytes], None]) -> None:
        self.answer = answer
        self._open: dict[threading.Thread, socket.socket] = {}
        self._open_lock = threading.Lock()
        super().__init__((HOST, port), Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a new connection."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True, name="sandbox-client"
        )
        with self._open_lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection until it closes."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of disconnected clients; print others."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def end_connections(self) -> None:
        """Close every open connection and wait for its thread."""
        with self._open_lock:
            connections = dict(self._open)
        for connection in connections.values():
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in connections:
            thread.join(_JOIN_TIMEOUT)
