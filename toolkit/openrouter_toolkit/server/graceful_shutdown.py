"""Runs the server and shuts it down gracefully, within 20 seconds of the signal.

Active calls get ten seconds to finish, because those that aren't streamed are billed in full anyway. Meanwhile /readyz
fails and new calls are refused. The remaining calls are then cancelled: their connections to OpenRouter are closed, and
their callers get an error.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import anyio
import uvicorn
from fastapi import FastAPI
from sse_starlette.sse import AppStatus

from .active_calls import ActiveCalls
from .connections import Connections, connection_type, event_loop
from .log_throttle import throttled_logging
from .socket_acceptor import Acceptor, most_connections
from .state import State

GRACE = 10.0
_RESPONSE_TIMEOUT = 4
_EXIT_TIMEOUT = 16.0
_log = logging.getLogger("openrouter_toolkit")


class Server(uvicorn.Server):
    """Serves the application on a socket. `run()` returns after a signal, or after `should_exit` was set."""

    def __init__(self, application: FastAPI, listening: socket.socket, started: Callable[[], None]) -> None:
        """Call `started` as soon as the server answers requests."""
        super().__init__(
            uvicorn.Config(
                application,
                loop=event_loop(),
                access_log=False,
                log_config=None,
                proxy_headers=False,  # any local program could claim another client's address
                server_header=False,
                ws="none",
                lifespan="on",
                timeout_graceful_shutdown=_RESPONSE_TIMEOUT,
            )
        )
        # The MCP SDK streams with sse_starlette, which would cut all streams at once on a signal.
        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]
        # Its lines would contain one-time links. `access_log` alone is not enough if this logger has a handler.
        logging.getLogger("uvicorn.access").disabled = True
        state: State = application.state.hosted
        self._active_calls: ActiveCalls = state.running
        self._max_connections = most_connections(state.settings.worker_threads + state.settings.streams)
        self._connections = Connections(state.settings, self._max_connections)
        self._connection_type = connection_type()
        state.metrics.watch("open_connections", "Connections that are open.", lambda: len(self._connections))
        self._listening = listening
        self._on_start = started
        self._failure: Exception | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a stop is requested. An exception in `started` stops the server, and is raised at the end."""
        with throttled_logging() as self._repeated_faults:
            super().run(sockets or [self._listening])
        if self._failure is not None:
            raise self._failure

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets=[])  # the acceptor accepts connections
        if not self.started:
            return
        self._acceptor = Acceptor(self._listening, self._make_connection, self._max_connections)
        self._connections.on_closed = self._acceptor.release
        self._acceptor.start()
        self._monitor_task = asyncio.create_task(self._monitor())
        try:
            self._on_start()
        except Exception as failure:  # noqa: BLE001 - uvicorn would log it with its whole traceback
            self._failure, self.should_exit = failure, True

    def _make_connection(self) -> asyncio.Protocol:
        return self._connection_type(
            self._connections, config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def _monitor(self) -> None:
        while True:
            await asyncio.sleep(self._connections.check_interval)
            self._connections.check()
            self._repeated_faults.report()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wait for active calls, cancel those that remain, then close everything."""
        self._active_calls.stopping = True
        if self._active_calls:
            calls = f"{len(self._active_calls)} call{'' if len(self._active_calls) == 1 else 's'}"
            _log.warning("waiting for %s, at most %.0f s; Ctrl-C again ends it at once", calls, GRACE)
        with anyio.move_on_after(GRACE):
            while self._active_calls and not self.force_exit:
                await anyio.sleep(0.05)
        self._active_calls.end()
        self._acceptor.close()
        await super().shutdown(sockets)
        self._monitor_task.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a thread that can't be ended (in a DNS lookup, say) delays the exit by 16 seconds at most."""
        if not self.should_exit:
            last_resort = threading.Timer(_EXIT_TIMEOUT, os._exit, (0,))
            last_resort.daemon = True
            last_resort.start()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals as uvicorn does, but don't raise them again: that would end the process before its cleanup."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address of this machine; port 0 picks a free one. Raises `OSError` on failure."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without an explicit protocol asyncio leaves Nagle's algorithm on, which adds 40 ms to each answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except Exception:  # an invalid host raises other errors than OSError
        listening.close()
        raise
    return listening


def url_of(listening: socket.socket) -> str:
    """Return the URL at which this machine reaches a socket."""
    address, port = listening.getsockname()[:2]
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - compared, not bound
    return f"http://{_host_and_port(address, port)}"


def address_of(listening: socket.socket) -> str:
    """Return the address and port of a socket: `127.0.0.1:8700`."""
    return _host_and_port(*listening.getsockname()[:2])


def _host_and_port(address: str, port: int) -> str:
    return f"{f'[{address}]' if ':' in address else address}:{port}"
