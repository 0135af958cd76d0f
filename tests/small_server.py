"""Small HTTP servers for tests: a handler that answers and logs nothing, and a server that runs while it is needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """A handler that says nothing on standard error; `respond` answers GET and POST."""

    def do_GET(self) -> None:
        self.respond()

    do_POST = do_GET

    def respond(self) -> None:
        """Answer a request."""
        raise NotImplementedError

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Send a whole answer, JSON unless the headers say otherwise: `Content_Type="text/html"`."""
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@contextmanager
def running(server: HTTPServer) -> Iterator[str]:
    """Run a server in a thread of its own; its address, without a path."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
