"""The sandbox's life: it listens on loopback, answers in threads, and closes without a trace."""

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
_CLOSING_SECONDS = 5.0


class SandboxServer(ThreadingHTTPServer):
    """Answers each connection in its own thread, and knows the open ones, so that it can end them."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, port: int, application: Application) -> None:
        self.application = application
        self._open: dict[threading.Thread, socket.socket] = {}
        self._open_lock = threading.Lock()
        super().__init__((HOST, port), Connection)

    def server_bind(self) -> None:
        """Bind without asking a name server for the host's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(self.allow_reuse_address))
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a new connection."""
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
        """Say nothing about clients that went away; print what else goes wrong."""
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
            thread.join(_CLOSING_SECONDS)


class Sandbox:
    """A stand-in for OpenRouter's API on loopback, running in the background from the moment it is made.

    Args:
        port: the port to listen on; 0 takes a free one.
        chunk_delay: seconds between the chunks of a stream.
        generation_delay: seconds until GET /generation knows a generation that ended.
        failure_rate: the share of completion calls that fail at random, from 0 to 1: half of them with 503,
            half by a closed connection.
        seed: makes those failures the same in every run.

    Raises:
        OSError: when the port is taken.
        ValueError: a delay below 0, a rate that is none, a seed that is no integer.
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
        _check("failure_rate", failure_rate, "a number from 0 to 1", most=1)
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
        """What was received so far, in order."""
        return self._application.log.list()

    def script(self, model: str, answers: Sequence[str | ScriptedAnswer], *, repeat_last: bool = False) -> None:
        """Say what a model answers next, call after call, in every format, streamed or not.

        The model is in the catalogue until `reset()`. Another script for it replaces what is left of this one.

        Args:
            model: an id of your own, such as "my/model".
            answers: texts, or objects that docs/sandbox.md describes: tool calls, errors, streams that break off, …
            repeat_last: give the last answer again and again; otherwise a call beyond the last is refused with 400.

        Raises:
            ValueError: an answer is written wrongly; the text says which, and how it should be.
        """
        self._application.completions.scripts.set(model, answers, repeat_last=repeat_last)

    def clear(self) -> None:
        """Forget the recorded requests."""
        self._application.log.clear()

    def reset(self) -> None:
        """Forget everything: recorded requests, generations and their cost, scripts, who was rate-limited already."""
        self._application.reset()

    def close(self) -> None:
        """Stop, end all connections and free the port; a second call does nothing."""
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
    """What `Sandbox` takes beside the port."""

    chunk_delay: float
    generation_delay: float
    failure_rate: float
    seed: int | None


def serve(port: int, **options: Unpack[SandboxOptions]) -> None:
    """Run a sandbox until Ctrl-C or SIGTERM; the first line on standard output is its base URL.

    Args:
        port: the port to listen on; 0 takes a free one.
        **options: as `Sandbox` takes them.

    Raises:
        OSError: when the port is taken.
        ValueError: as `Sandbox` raises it.
    """
    stop = threading.Event()

    def end(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.set()

    with Sandbox(port, **options) as sandbox:
        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            print(sandbox.base_url, flush=True)
            # Waiting in turns lets signals through on every platform.
            while not stop.wait(0.5):
                pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _check(name: str, value: float, words: str, most: float = math.inf) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= most:
        raise ValueError(f"{name}: must be {words}, not {value!r}")
