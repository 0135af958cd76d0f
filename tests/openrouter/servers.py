"""Small servers on loopback that do, byte for byte, what a test tells them."""

from __future__ import annotations

import json
import select
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE = 10.0


@dataclass
class Received:
    """One request as it arrived; `headers` has lower-case names, `connection` counts from 0."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    connection: int
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Exchange:
    """One request, and the means to answer it."""

    def __init__(self, connection: socket.socket, request: Received, number: int) -> None:
        self.connection = connection
        self.request = request
        self.number = number
        self.keep_open = True
        self._chunked = False

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def head(self, status: int = 200, **headers: str | None) -> None:
        """The status line and headers; underscores in names become hyphens."""
        lines = [f"HTTP/1.1 {status} Whatever"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def answer(self, status: int = 200, body: bytes | str = b"", **headers: str | None) -> None:
        """A whole answer with its length."""
        data = body.encode() if isinstance(body, str) else body
        lines = {"Content_Type": "application/json", "Content_Length": str(len(data)), **headers}
        self.head(status, **lines)
        self.send(data)

    def json(self, body: Any, status: int = 200, **headers: str | None) -> None:
        self.answer(status, json.dumps(body), **headers)

    def stream(self, *, chunked: bool = True, **headers: str | None) -> None:
        """The head of an event stream; without chunks its end is the end of the connection."""
        self._chunked = chunked
        self.keep_open = chunked
        framing = {"Transfer_Encoding": "chunked"} if chunked else {"Connection": "close"}
        self.head(200, Content_Type="text/event-stream", **framing, **headers)

    def piece(self, data: bytes) -> None:
        self.send(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def event(self, *events: Any, name: str = "") -> None:
        for event in events:
            self.piece(sse(event, name=name))

    def end(self) -> None:
        if self._chunked:
            self.send(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close the connection as soon as the script returns."""
        self.keep_open = False

    def reset(self) -> None:
        """Close the connection at once with a RST."""
        self.keep_open = False
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.connection.close()

    def wait_until_left(self, seconds: float = PATIENCE) -> float | None:
        """When (time.monotonic()) the client was seen to close the connection; None if it stayed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with suppress(OSError, ValueError):
                readable, _, _ = select.select([self.connection], [], [], 0.02)
                if not readable:
                    continue
                if self.connection.recv(4096):
                    continue
            return time.monotonic()
        return None


Script = Callable[[Exchange], None]


class Server:
    """Answers each request with `script`, on as many connections as clients open."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, backlog: int = 256) -> None:
        self.script = script
        self.requests: list[Received] = []
        self.connections = 0
        self._tls = tls
        self._closing = False
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True, name="server")
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/api/v1"

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(request.method, request.target) for request in self.requests]

    def close(self) -> None:
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listener.close()
        with self._lock:
            threads = dict(self._open)
        for connection in threads.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True, name="server-connection")
            with self._lock:
                self._open[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            number, self.connections = self.connections, self.connections + 1
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open[threading.current_thread()] = connection
            with connection.makefile("rb") as file:
                while (request := _read(file, number)) is not None:
                    with self._lock:
                        count = len(self.requests)
                        self.requests.append(request)
                    exchange = Exchange(connection, request, count)
                    self.script(exchange)
                    if not exchange.keep_open:
                        break
        except (OSError, ValueError):
            pass
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            with self._lock:
                self._open.pop(threading.current_thread(), None)


def _read(file: Any, number: int) -> Received | None:
    first = file.readline()
    if not first.strip():
        return None
    method, target, _ = first.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := file.readline().decode("latin-1").strip("\r\n")) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = file.read(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body, number, time.monotonic())


class ConnectProxy:
    """A proxy that knows CONNECT only, and lets everything through to one server."""

    def __init__(self, target_port: int) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._target_port = target_port
        self._server = Server(self._tunnel)
        self.port = self._server.port

    def _tunnel(self, exchange: Exchange) -> None:
        self.asked.append((f"{exchange.request.method} {exchange.request.target}", exchange.request.headers))
        exchange.keep_open = False
        with socket.create_connection(("127.0.0.1", self._target_port)) as upstream:
            exchange.send(b"HTTP/1.1 200 Connected\r\n\r\n")
            ends = {exchange.connection: upstream, upstream: exchange.connection}
            while True:
                readable, _, _ = select.select(list(ends), [], [], PATIENCE)
                for end in readable:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)
                if not readable:
                    return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.close()


class FullBacklog:
    """A port whose queue of connections is full: to connect hangs until `let_in` is called."""

    def __init__(self) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port: int = self.listener.getsockname()[1]
        self._fillers = [socket.socket() for _ in range(4)]
        for filler in self._fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
        time.sleep(0.05)

    def let_in(self, seconds: float) -> list[bytes]:
        """Accept everybody for a while; what each of them sent."""
        for filler in self._fillers:
            filler.close()
        heard: list[bytes] = []
        accepted: list[socket.socket] = []
        self.listener.settimeout(0.1)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with suppress(TimeoutError):
                accepted.append(self.listener.accept()[0])
        for connection in accepted:
            connection.settimeout(0.1)
            with suppress(OSError):
                heard.append(connection.recv(65536))
            connection.close()
        return [sent for sent in heard if sent]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for filler in self._fillers:
            filler.close()
        self.listener.close()


def sse(event: Any, *, name: str = "") -> bytes:
    """One server-sent event; text is sent as it is, anything else as JSON."""
    data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def chunk(content: Any = None, *, finish: Any = None, index: Any = 0, **delta: Any) -> dict[str, Any]:
    """A chunk of a streamed chat completion."""
    told = delta if content is None else {"content": content, **delta}
    return {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "acme/atlas",
        "choices": [{"index": index, "delta": told, "finish_reason": finish}],
    }


def completion(content: str) -> dict[str, Any]:
    """A whole chat completion."""
    message = {"role": "assistant", "content": content}
    return {"id": "gen-1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}


def message_events(*texts: str) -> Iterable[dict[str, Any]]:
    """A whole streamed message of one block of text."""
    yield {
        "type": "message_start",
        "message": {"id": "msg-1", "type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 3}},
    }
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for text in texts:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    yield {"type": "message_stop"}


def in_turn(*scripts: Script) -> Script:
    """The first script for the first request, and so on; the last one for all further ones."""

    def script(exchange: Exchange) -> None:
        scripts[min(exchange.number, len(scripts) - 1)](exchange)

    return script


def answering(status: int, body: Any = None, **headers: str | None) -> Script:
    """A script that gives the same answer to everything."""
    return lambda exchange: exchange.json({"data": {}} if body is None else body, status, **headers)


def failing(status: int, **more: Any) -> Script:
    """A script that answers with an error in OpenRouter's shape; `headers` may be given."""
    headers = more.pop("headers", {})
    return answering(status, {"error": {"code": status, "message": "No.", **more}}, **headers)


def dropping(exchange: Exchange) -> None:
    """A script that reads the request and closes the connection without a byte."""
    exchange.cut()


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for 127.0.0.1, and the certificate that vouches for it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(["openssl", "req", "-x509", *options, *subject, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
