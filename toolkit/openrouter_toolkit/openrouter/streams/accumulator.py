"""What puts the events of a streamed answer together: the interface that each format's class has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from .events import StreamEvent


class StreamAccumulator(Protocol):
    """What puts a stream's events together: `ChatStream` and `MessageStream`."""

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
        """What a part of the answer lacks that has begun and did not say why it ended, in words; None for nothing."""
        ...

    def ends(self, event: dict[str, Any]) -> bool:
        """Whether nothing can come after this event."""
        ...

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        ...

    def result(self) -> dict[str, Any]:
        """The answer as far as it has arrived."""
        ...

    def check(self, answer: Any) -> None:
        """Raise `ActionError` for a whole answer, streamed or not, that is no success though no error is in it."""
        ...

    def events(self, event: dict[str, Any], name: str) -> Iterator[StreamEvent]:
        """The event as a listener gets it."""
        ...
