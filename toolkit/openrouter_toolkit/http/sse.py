"""Parse server-sent events from bytes, in whatever pieces they arrive."""

from __future__ import annotations

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# No real event has more lines; each line takes memory, however short it is.
_MAX_LINES = 100_000


class TooManyLinesError(ValueError):
    """One event has so many lines that they could exhaust the memory."""


class EventParser:
    """Incremental parser: `feed` takes bytes and returns the complete events as pairs of event name and data.

    Comments are dropped, several data lines are joined by line feeds; a JSON object without a field name before it
    counts as data. Bytes are split into events before they are decoded, so a character that is split across reads
    stays intact.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._started = False
        self._ended_with_cr = False

    def feed(self, piece: bytes) -> list[tuple[str, str]]:
        """The events that these bytes complete, in order. Raises `TooManyLinesError`, as `close` does."""
        searched = max(0, len(self._buffer) - 1)  # the blank line may begin in the byte before
        self._buffer += self._normalize_newlines(piece)
        if self._buffer.find(b"\n\n", searched) < 0:  # incomplete: a long event is searched once, not for each piece
            return []
        *blocks, self._buffer = self._buffer.split(b"\n\n")
        return [event for block in blocks if block and (event := self._parse_event(block)) is not None]

    def close(self) -> list[tuple[str, str]]:
        """The last event, if the stream ended without the empty line after it."""
        event = self._parse_event(self._buffer)
        self._buffer = bytearray()
        return [] if event is None else [event]

    def _normalize_newlines(self, piece: bytes) -> bytes:
        """The bytes with each CR LF and CR replaced by a line feed."""
        if self._ended_with_cr and piece:
            piece = piece.removeprefix(b"\n")  # the other half of a CR LF
            self._ended_with_cr = False
        if b"\r" in piece:
            self._ended_with_cr = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return piece

    def _parse_event(self, block: bytearray) -> tuple[str, str] | None:
        if not self._started:
            self._started = True
            block = block.removeprefix(_BYTE_ORDER_MARK)
        return _parse_event(block)


def _parse_event(block: bytearray) -> tuple[str, str] | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return "", block[6:].decode("utf-8", "replace")
    if block.count(b"\n") > _MAX_LINES:
        raise TooManyLinesError
    name = ""
    data: list[str] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        text = value[1:] if value[:1] == b" " else value
        if field == b"data":
            data.append(text.decode("utf-8", "replace"))
        elif field == b"event":
            name = text.decode("utf-8", "replace")
    if not data and block.startswith(b"{"):  # an error that a proxy wrote into the stream as plain JSON
        return name, block.decode("utf-8", "replace")
    return (name, "\n".join(data)) if data else None
