"""The server's life: it listens, and when it is told to stop, it is gone within 20 seconds.

Calls that run have ten seconds to end by themselves, for those that aren't streamed are billed in full anyway.
Meanwhile /readyz fails and new calls are refused. What is left then is ended: its connections to OpenRouter are
closed, and the caller is told.
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
from .connections import Connections, H11Connection
from .log_throttle import said_once
from .socket_acceptor import Acceptor, most_connections
from .state import State

GRACE = 10.0
_LAST_ANSWERS = 4
_GONE_WITHIN = 16.0
_log = logging.getLogger("openrouter_toolkit")


class Server(uvicorn.Server):
    """Serves the application on a socket. `run()` returns when it was told to stop, by a signal or `should_exit`."""

    def __init__(self, application: FastAPI, listening: socket.socket, started: Callable[[], None]) -> None:
        """`started` is called when requests are answered."""
        super().__init__(
            uvicorn.Config(
                application,
                loop="asyncio",  # what is tested is what runs, whatever else is installed
                access_log=False,
                log_config=None,
                proxy_headers=False,  # any local program could say that it is somebody else
                server_header=False,
                ws="none",
                lifespan="on",
                timeout_graceful_shutdown=_LAST_ANSWERS,
            )
        )
        # MCP's SDK streams by it; on a signal it would cut all streams at once.
        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]
        # With one-time links in it. What `access_log` says does not count where somebody gave this logger a handler.
        logging.getLogger("uvicorn.access").disabled = True
        state: State = application.state.hosted
        self._running: ActiveCalls = state.running
        self._most = most_connections(state.settings.worker_threads)
        self._connections = Connections(state.settings, self._most)
        self._listening = listening
        self._on_start = started
        self._failure: Exception | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop. What `started` raised ends it, and is raised again behind its end."""
        with said_once() as self._faults:
            super().run(sockets or [self._listening])
        if self._failure is not None:
            raise self._failure

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        """Begin to listen."""
        await super().startup(sockets=[])  # connections are taken in by the acceptor
        if not self.started:
            return
        self._acceptor = Acceptor(self._listening, self._connection, self._most)
        self._connections.when_closed = self._acceptor.closed_one
        self._acceptor.start()
        self._watching = asyncio.create_task(self._watch())
        try:
            self._on_start()
        except Exception as failure:  # noqa: BLE001 - from here, uvicorn would log it with all that led to it
            self._failure, self.should_exit = failure, True

    def _connection(self) -> asyncio.Protocol:
        return H11Connection(
            self._connections, config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._connections.look_every)
            self._connections.look()
            self._faults.report()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let calls end, then end them; then close everything."""
        self._running.stopping = True
        if self._running:
            calls = f"{len(self._running)} call{'' if len(self._running) == 1 else 's'}"
            _log.warning("waiting for %s, at most %.0f s; Ctrl-C again ends it at once", calls, GRACE)
        with anyio.move_on_after(GRACE):
            while self._running and not self.force_exit:
                await anyio.sleep(0.05)
        self._running.end()
        self._acceptor.close()
        await super().shutdown(sockets)
        self._watching.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a thread that can't be ended (it looks up a name, say) holds the process back no longer than this."""
        if not self.should_exit:
            last_resort = threading.Timer(_GONE_WITHIN, os._exit, (0,))
            last_resort.daemon = True
            last_resort.start()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was obeyed is not raised again: it would end the process in its middle."""
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
    """A socket on an address of this machine; a free port for 0. Raises `OSError` when it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio leaves Nagle's algorithm on: 40 ms for each answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except Exception:  # a host that is no address raises more than OSError
        listening.close()
        raise
    return listening


def url_of(listening: socket.socket) -> str:
    """Where a socket can be reached from this machine."""
    address, port = listening.getsockname()[:2]
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - what everybody may reach
    return f"http://{_written(address, port)}"


def address_of(listening: socket.socket) -> str:
    """What a socket listens on: `127.0.0.1:8700`."""
    return _written(*listening.getsockname()[:2])


def _written(address: str, port: int) -> str:
    return f"{f'[{address}]' if ':' in address else address}:{port}"
