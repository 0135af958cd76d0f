"""The pooled connections to one base URL: opened at the first call, which also imports requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..call import Call
from .api import Api
from .request import Request

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from .transport import Exchange, Transport


class Connections:
    """The connections of a client, shared by all its calls and threads."""

    def __init__(self, base_url: str, api: Api, *, connect_timeout: float) -> None:
        """Open nothing yet."""
        self.base_url = base_url
        self._api = api
        self._connect_timeout = connect_timeout
        self._lock = threading.Lock()
        self._transport: Transport | None = None

    @contextmanager
    def exchange(
        self, request: Request, headers: Mapping[str, Any], call: Call, timeout: float
    ) -> Iterator[tuple[Exchange, BaseHTTPResponse]]:
        """Send a request; in the context its answer can be read. The call's end interrupts it at any time.

        Raises:
            ActionError: a network failure, or the reason why the call ended.
        """
        from .transport import Exchange

        exchange = Exchange(call, self._api)
        with call.interruptible(exchange.interrupt):
            transport = self._opened()
            call.progress.attempts += 1
            try:
                response = transport.open(exchange, request.method, request.target, headers, request.body, timeout)
                call.progress.status = response.status
                try:
                    yield exchange, response
                finally:
                    if getattr(response, "connection", None) is not None:  # not read to its end: not reusable
                        with suppress(Exception):
                            response.close()
            except BaseException as error:
                if not isinstance(error, Exception | GeneratorExit):  # such as KeyboardInterrupt
                    self._discard(transport)
                raise

    def _opened(self) -> Transport:
        transport = self._transport
        if transport is None:
            from .transport import Transport

            with self._lock:
                transport = self._transport
                if transport is None:
                    transport = Transport(self.base_url, connect_timeout=self._connect_timeout)
                    self._transport = transport
        return transport

    def _discard(self, transport: Transport) -> None:
        """Stop using a transport in which a call was interrupted: its state is unknown.

        It is not closed, because calls of other threads may still use it.
        """
        with self._lock:
            if self._transport is transport:
                self._transport = None

    def close(self) -> None:
        """Close the pooled connections."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
