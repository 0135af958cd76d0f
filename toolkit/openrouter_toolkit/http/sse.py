"""Server-sent events out of bytes as they arrive, in whatever pieces the network delivers them."""

from __future__ import annotations

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# More lines than this no event has; each of them takes some memory, however short it is.
_MOST_LINES = 100_000


class TooManyLinesError(ValueError):
    """One event has so many lines that they would fill the memory."""


class EventParser:
    """Give it bytes, get the events that are complete: pairs of event name and data.

    Comments are dropped, several data lines are joined by line feeds; a JSON object without a field's name before it
    is taken for data. Bytes are cut into events before they are decoded, so a character that is split across reads
    stays whole.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._begun = False
        self._ended_in_return = False

    def feed(self, piece: bytes) -> list[tuple[str, str]]:
        """The events that these bytes complete, in order. Raises `TooManyLinesError`, as `close` does."""
        seen = max(0, len(self._rest) - 1)  # an end may have begun in the byte before
        self._rest += self._with_line_feeds(piece)
        if self._rest.find(b"\n\n", seen) < 0:  # a long event, not yet whole: looked through once, not each time
            return []
        *blocks, self._rest = self._rest.split(b"\n\n")
        return [event for block in blocks if block and (event := self._parsed(block)) is not None]

    def close(self) -> list[tuple[str, str]]:
        """The event that was not ended by an empty line before the stream ended, if there is one."""
        event = self._parsed(self._rest)
        self._rest = bytearray()
        return [] if event is None else [event]

    def _with_line_feeds(self, piece: bytes) -> bytes:
        """The bytes with each CR LF and CR as a line feed, as the format has it."""
        if self._ended_in_return and piece:
            piece = piece.removeprefix(b"\n")  # the other half of a CR LF
            self._ended_in_return = False
        if b"\r" in piece:
            self._ended_in_return = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return piece

    def _parsed(self, block: bytearray) -> tuple[str, str] | None:
        if not self._begun:
            self._begun = True
            block = block.removeprefix(_BYTE_ORDER_MARK)
        return _parsed(block)


def _parsed(block: bytearray) -> tuple[str, str] | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return "", block[6:].decode("utf-8", "replace")
    if block.count(b"\n") > _MOST_LINES:
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
    if not data and block.startswith(b"{"):  # an error that something on the way wrote into the stream as it is
        return name, block.decode("utf-8", "replace")
    return (name, "\n".join(data)) if data else None
