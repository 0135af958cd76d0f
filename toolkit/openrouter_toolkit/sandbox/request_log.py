"""The log of what clients sent, for tests to look at."""

import threading
from dataclasses import dataclass, field
from email.message import Message
from typing import Any


@dataclass
class RecordedRequest:
    """One request as it arrived.

    Attributes:
        method: GET, POST, …
        path: as sent (still percent-encoded), without /api/v1 and without the query.
        query: the decoded query; of a repeated name, the last value.
        headers: read them by name in any letter case; a missing one is None.
        body: the parsed JSON, or None when there was none or it was not JSON.
        key: the API key that was sent, good or not.
        received_at: time.monotonic() when the request had been read.
        closed_by_client: whether the client left while the answer was still being written.
        closed_at: time.monotonic() when that was noticed.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Message = field(repr=False)
    body: Any
    key: str | None = field(repr=False)
    received_at: float
    closed_by_client: bool = False
    closed_at: float | None = None


class RequestLog:
    """Recorded requests in the order of their arrival; safe to use from many threads."""

    def __init__(self) -> None:
        self._requests: list[RecordedRequest] = []
        self._lock = threading.Lock()

    def add(self, request: RecordedRequest) -> None:
        """Record one more request."""
        with self._lock:
            self._requests.append(request)

    def list(self) -> list[RecordedRequest]:
        """A copy of the list; the requests in it still change when a client leaves."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._requests.clear()
