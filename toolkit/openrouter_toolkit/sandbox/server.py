"""The sandbox's server: listens on loopback, answers in threads, and closes all connections when it stops."""

import math
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from http.server import ThreadingHTTPServer
from types import FrameType, TracebackType
from typing import Any, Self, TypedDict, Unpack

from .accounts import API_KEY, MANAGEMENT_API_KEY
from .application import PREFIX, Application
from .connection import Connection
from .request_log import RecordedRequest
from .scripted_answers import ScriptedAnswer

HOST = "127.0.0.1"
_JOIN_TIMEOUT = 5.0


class SandboxServer(ThreadingHTTPServer):
    """Handles each connection in its own thread, and keeps track of open ones in order to close them."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, port: int, application: Application) -> None:
        self.application = application
        self._open: dict[threading.Thread, socket.socket] = {}
        self._open_lock = threading.Lock()
        super().__init__((HOST, port), Connection)

    def server_bind(self) -> None:
        """Bind without a DNS lookup of the host's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(self.allow_reuse_address))
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a new connection."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            daemon=True,
            name="sandbox-client",
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


class Sandbox:
    """A fake OpenRouter API on loopback. It runs in the background as soon as it is created.

    Args:
        port: the port to listen on; 0 takes a free one.
        chunk_delay: seconds between the chunks of a stream.
        generation_delay: seconds after its end until GET /generation returns a generation.
        failure_rate: the share of completion calls that fail at random, from 0 to 1: half of them with 503,
            half by a closed connection.
        seed: makes those failures the same in every run.

    Raises:
        OSError: the port is in use.
        ValueError: a delay below 0, a rate outside 0 to 1, or a seed that is not an integer.
    """

    api_key = API_KEY
    management_api_key = MANAGEMENT_API_KEY

    def __init__(
        self,
        port: int = 0,
        *,
        chunk_delay: float = 0.0,
        generation_delay: float = 0.3,
        failure_rate: float = 0.0,
        seed: int | None = None,
    ) -> None:
        _check("chunk_delay", chunk_delay, "seconds, 0 or more")
        _check("generation_delay", generation_delay, "seconds, 0 or more")
        _check("failure_rate", failure_rate, "a number from 0 to 1", maximum=1)
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            raise ValueError(f"seed: must be an integer or None, not {seed!r}")
        self._application = Application(
            chunk_delay=chunk_delay, generation_delay=generation_delay, failure_rate=failure_rate, seed=seed
        )
        self._server = SandboxServer(port, self._application)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="sandbox")
        self._thread.start()

    @property
    def base_url(self) -> str:
        """The URL to use instead of https://openrouter.ai/api/v1."""
        return f"http://{HOST}:{self._server.server_port}{PREFIX}"

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests received so far, in order."""
        return self._application.log.list()

    def script(self, model: str, answers: Sequence[str | ScriptedAnswer], *, repeat_last: bool = False) -> None:
        """Set a model's next answers, one per call, in every format, streamed or not.

        The model is in the catalogue until `reset()`. Another script for the same model replaces this one.

        Args:
            model: an id of your choice, such as "my/model".
            answers: texts, or objects that docs/sandbox.md describes: tool calls, errors, cut streams, …
            repeat_last: repeat the last answer forever; otherwise a call after the last answer is refused with 400.

        Raises:
            ValueError: an answer is invalid; the message says which one, and how to correct it.
        """
        self._application.completions.scripts.set(model, answers, repeat_last=repeat_last)

    def clear(self) -> None:
        """Remove the recorded requests."""
        self._application.log.clear()

    def reset(self) -> None:
        """Clear all state: recorded requests, generations and costs, scripts, which keys were rate-limited already."""
        self._application.reset()

    def close(self) -> None:
        """Stop the server, close all connections and free the port. A second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server.end_connections()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class SandboxOptions(TypedDict, total=False):
    """The options of `Sandbox` besides the port."""

    chunk_delay: float
    generation_delay: float
    failure_rate: float
    seed: int | None


def serve(port: int, **options: Unpack[SandboxOptions]) -> None:
    """Run a sandbox until Ctrl-C or SIGTERM. The first line on standard output is its base URL.

    Args:
        port: the port to listen on; 0 takes a free one.
        **options: the options of `Sandbox`.

    Raises:
        OSError: the port is in use.
        ValueError: as for `Sandbox`.
    """
    stop = threading.Event()

    def end(signal_number: int, frame: FrameType | None) -> None:
        stop.set()

    with Sandbox(port, **options) as sandbox:
        handlers_before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            print(sandbox.base_url, flush=True)
            # Short waits allow signals to be handled on every platform.
            while not stop.wait(0.5):
                pass
        finally:
            for number, handler in handlers_before.items():
                signal.signal(number, handler)


def _check(name: str, value: float, words: str, maximum: float = math.inf) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= maximum:
        raise ValueError(f"{name}: must be {words}, not {value!r}")
