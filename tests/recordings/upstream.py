"""A server on loopback that answers with one recorded answer, and keeps the request that got it."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .traffic import Recording

# They told of the transfer that was recorded, not of this one.
_OF_THE_TRANSFER = {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"}


class Upstream(ThreadingHTTPServer):
    """Set `recording`, make the call, look at `sent`: method, path, query and body of the request."""

    daemon_threads = True
    recording: Recording
    sent: dict[str, Any]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command != self.server.recording.request["method"]:  # a failed call may look things up
            self.send_error(503)
            return
        self.server.sent = {
            "method": self.command,
            "path": url.path,
            "query": dict(parse_qsl(url.query)),
            "body": json.loads(body) if body else None,
        }
        recording = self.server.recording
        answer = recording.body.encode()
        self.send_response(recording.status)
        for name, value in recording.headers.items():
            if name.lower() not in _OF_THE_TRANSFER:
                self.send_header(name, value)
        if recording.streamed:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in _odd_pieces(answer):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _odd_pieces(answer: bytes) -> Iterator[bytes]:
    """Cuts that respect neither events nor lines nor characters; the same ones at every run."""
    sizes = random.Random(len(answer))
    start = 0
    while start < len(answer):
        end = start + sizes.choice((1, 2, 3, 7, 61, 499, 1021))
        yield answer[start:end]
        start = end


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A running server."""
    server = Upstream(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
