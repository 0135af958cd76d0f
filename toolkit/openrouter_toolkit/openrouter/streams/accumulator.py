"""The interface of stream accumulators, which assemble the events of a streamed answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from .events import StreamEvent


class StreamAccumulator(Protocol):
    """Assembles a stream's events to the complete answer: `ChatStream`, `MessageStream`."""

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the answer is complete."""
        ...

    @property
    def missing_end(self) -> str | None:
        """In words, what is missing at the end of an incomplete part of the answer; None if nothing is."""
        ...

    def ends(self, event: dict[str, Any]) -> bool:
        """Whether this is the last event of the stream."""
        ...

    def add(self, event: dict[str, Any]) -> None:
        """Add one event."""
        ...

    def result(self) -> dict[str, Any]:
        """The answer, as far as it has arrived."""
        ...

    def check(self, answer: Any) -> None:
        """Raise `ActionError` for a complete answer, streamed or not, that is no success but contains no error."""
        ...

    def events(self, event: dict[str, Any], name: str) -> Iterator[StreamEvent]:
        """The listener's events for this event."""
        ...
