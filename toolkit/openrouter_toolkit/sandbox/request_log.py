"""The log of received requests, for tests."""

import threading
from dataclasses import dataclass, field
from email.message import Message
from typing import Any


@dataclass
class RecordedRequest:
    """One received request.

    Attributes:
        method: GET, POST, …
        path: as sent (still percent-encoded), without /api/v1 and the query.
        query: the decoded query; for a repeated name, the last value.
        headers: access by name is case-insensitive; a missing header is None.
        body: the parsed JSON; None if the body was empty or not JSON.
        key: the API key that was sent, valid or not.
        received_at: time.monotonic() after the request was read.
        closed_by_client: whether the client disconnected while the answer was being written.
        closed_at: time.monotonic() when the disconnect was noticed.
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
    """Recorded requests in the order of arrival. Thread-safe."""

    def __init__(self) -> None:
        self._requests: list[RecordedRequest] = []
        self._lock = threading.Lock()

    def add(self, request: RecordedRequest) -> None:
        """Record a request."""
        with self._lock:
            self._requests.append(request)

    def list(self) -> list[RecordedRequest]:
        """A copy of the list. The requests in it still change when a client disconnects."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Remove all requests."""
        with self._lock:
            self._requests.clear()
