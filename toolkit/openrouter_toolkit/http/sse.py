"""Parse server-sent events from bytes, in whatever pieces they arrive."""

from __future__ import annotations

# No real event has more lines; each line takes memory, however short it is.
_MAX_LINES = 100_000


class TooManyLinesError(ValueError):
    """One event has so many lines that they could exhaust the memory."""


class EventParser:
    """Incremental parser: `feed` takes bytes and returns the complete events as pairs of event name and data.

    Comments are dropped, several data lines are joined by line feeds; a JSON object without a field name before it
    counts as data. Only complete events are decoded, so a character that is split across reads stays intact.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._started = False
        self._ended_with_cr = False

    def feed(self, piece: bytes) -> list[tuple[str, str]]:
        """The events that these bytes complete, in order. Raises `TooManyLinesError`, as `close` does."""
        if self._ended_with_cr and piece:
            piece = piece.removeprefix(b"\n")  # the other half of a CR LF
            self._ended_with_cr = False
        if b"\r" in piece:
            self._ended_with_cr = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        buffer = self._buffer
        searched = max(0, len(buffer) - 1)  # the blank line may begin in the byte before
        buffer += piece
        end = buffer.rfind(b"\n\n", searched)
        return [] if end < 0 else self._take(end)

    def close(self) -> list[tuple[str, str]]:
        """The last event, if the stream ended without the empty line after it."""
        return self._take(len(self._buffer))

    def _take(self, end: int) -> list[tuple[str, str]]:
        """The events in the first `end` bytes of the buffer."""
        text = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 2]
        if not self._started:
            self._started = True
            text = text.removeprefix("\ufeff")
        return [
            event
            for block in text.split("\n\n")
            if (event := ("", block[6:]) if block[:6] == "data: " and "\n" not in block else _parse_event(block))
        ]


def _parse_event(block: str) -> tuple[str, str] | None:
    if block.count("\n") > _MAX_LINES:
        raise TooManyLinesError
    name = ""
    data = []
    for line in block.split("\n"):
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value.removeprefix(" "))
        elif field == "event":
            name = value.removeprefix(" ")
    if not data and block.startswith("{"):  # an error that a proxy wrote into the stream as plain JSON
        return name, block
    return (name, "\n".join(data)) if data else None
