"""Connections on which nothing is asked are closed, before they use up what the process may have open."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_LOOK_EVERY = 10.0


class Connection(H11Protocol):
    """uvicorn's, for who connects and stays silent, or begins a request and never ends its headers.

    Between two requests uvicorn itself closes a connection after five seconds.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look at it now and then."""
        super().connection_made(transport)
        self._last: Any = self
        self._looking = self.loop.call_later(_LOOK_EVERY, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End that."""
        self._looking.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close it when no request has been under way since the last look."""
        request = self.cycle
        under_way = request is not None and not request.response_complete
        if not under_way and request is self._last:
            self.transport.close()
            return
        self._last = request
        self._looking = self.loop.call_later(_LOOK_EVERY, self._look)
