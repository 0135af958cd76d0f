"""The local callback server that the browser returns to after a login, with one authorization code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import secrets
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qs

HOST = "127.0.0.1"
_IDLE_TIMEOUT = 5.0
_MAX_PAGE_WAIT = 75.0  # seconds; some proxies and browsers give up if no byte arrives for longer
_SEND_TIMEOUT = 2.0
_MAX_CODE_LENGTH = 1_000


class LoginRefused(Exception):
    """The browser returned without a code: the user refused the login."""


class LoginTimedOut(Exception):
    """The browser did not return in time."""


class Callback:
    """Listens on a free port of 127.0.0.1 inside a `with` block.

        with Callback() as callback:
            open_in_browser(callback.url)
            code = callback.code(timeout=600)
            ...
            callback.show("Connected", "You can close this page.")

    The browser waits for `show` for a limited time; then a page refers the user to the terminal. If the block ends
    without `show`, because of an exception, the page refers to the terminal too.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._returned = threading.Event()
        self._shown = threading.Event()
        self._sent = threading.Event()
        self._code: str | None = None
        self._page = ("Still working", "The terminal says how it ends.")
        self._server = _Server((HOST, 0), _Request)
        self._server.callback = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The callback URL. Its path contains the login's secret state: requests without it are refused."""
        return f"http://{HOST}:{self._server.server_port}/callback/{self._secret}"

    def code(self, timeout: float) -> str:
        """Wait for the code and return it.

        Raises:
            LoginRefused: the user refused.
            LoginTimedOut: the browser did not return within `timeout` seconds.
        """
        if not self._returned.wait(timeout):
            raise LoginTimedOut
        if self._code is None:
            raise LoginRefused
        return self._code

    def show(self, heading: str, text: str) -> None:
        """Show the result of the login in the browser."""
        self._page = (heading, text)
        self._shown.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._shown.is_set():
            self.show("Not connected", "Something went wrong: the terminal says what.")
        if self._returned.is_set():
            self._sent.wait(_SEND_TIMEOUT)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, query: str, host: str | None) -> tuple[int, str, str]:
        """Return status, heading and text for a GET; the first request with a code or an error waits for `show`."""
        if host != f"{HOST}:{self._server.server_port}":
            return 421, "Not here", "This address is for one login on this machine."
        if not hmac.compare_digest(path.encode(), f"/callback/{self._secret}".encode()):
            return 404, "Not found", "There is nothing here."
        given = parse_qs(query)
        code = None if "error" in given else given.get("code", [""])[0]
        if code is not None and not _may_be_code(code):
            return 400, "No code", "This address was opened without a code. Go back, and try again."
        with self._lock:
            if self._returned.is_set():
                return 409, "Used already", "This login has ended. The terminal says how."
            self._code = code
            self._returned.set()
        self._shown.wait(_MAX_PAGE_WAIT)
        return 200, *self._page

    def sent(self) -> None:
        """Record that the page of `show` was sent."""
        self._sent.set()


def _may_be_code(code: str) -> bool:
    return 0 < len(code) <= _MAX_CODE_LENGTH and code.isascii() and code.isprintable()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    callback: Callback

    def server_bind(self) -> None:
        """Bind without a DNS lookup of the host's name."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: a disconnected browser is no error, and a traceback might contain the code."""


class _Request(BaseHTTPRequestHandler):
    timeout = _IDLE_TIMEOUT  # browsers open connections in advance and leave them idle
    server_version = "openrouter-toolkit"
    sys_version = ""

    def do_GET(self) -> None:
        callback = cast(_Server, self.server).callback
        path, _, query = self.path.partition("?")
        status, heading, text = callback.answer(path, query, self.headers["Host"])
        self._send(status, heading, text)
        if status == 200:
            callback.sent()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the URL contains the code."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer an invalid request with the same page as other errors."""
        self._send(code, message or "Not possible", "This address is for one login on this machine.")

    def _send(self, status: int, heading: str, text: str) -> None:
        page = _PAGE.format(heading=html.escape(heading), text=html.escape(text)).encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(page))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)
        self.wfile.flush()
        self.close_connection = True


_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;margin:0 1.5rem}"
    "main{max-width:34rem}h1{font-size:1.6rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}
_PAGE = f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{heading}}</title>
<style>{_STYLE.replace("{", "{{").replace("}", "}}")}</style>
</head>
<body>
<main>
<h1>{{heading}}</h1>
<p>{{text}}</p>
</main>
</body>
</html>
"""
