"""Server-sent events out of bytes as they arrive, in whatever pieces the network delivers them."""

from __future__ import annotations

import re

# An event ends with an empty line; a line ends with LF, CR LF or CR.
_EVENT_END = re.compile(rb"\r?\n\r?\n|\r\r")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventParser:
    """Give it bytes, get the events that are complete: pairs of event name and data.

    Comments are dropped, several data lines are joined by line feeds. Bytes are cut into events before they
    are decoded, so a character that is split across reads stays whole.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._has_returns = False

    def feed(self, piece: bytes) -> list[tuple[str, str]]:
        """The events that these bytes complete, in order."""
        seen = max(0, len(self._rest) - 3)  # an end may have begun in the bytes before
        self._rest += piece
        if self._has_returns or b"\r" in piece:
            self._has_returns = True
            blocks = self._cut_anywhere(seen)
        elif self._rest.find(b"\n\n", seen) < 0:  # a long event, not yet whole: looked through once, not each time
            return []
        else:
            *blocks, self._rest = self._rest.split(b"\n\n")
        return [event for block in blocks if (event := _parsed(block)) is not None]

    def close(self) -> list[tuple[str, str]]:
        """The event that was not ended by an empty line before the stream ended, if there is one."""
        event = _parsed(self._rest)
        self._rest.clear()
        return [] if event is None else [event]

    def _cut_anywhere(self, seen: int) -> list[bytearray]:
        blocks = []
        start = 0
        while end := _EVENT_END.search(self._rest, max(start, seen)):
            if end.end() == len(self._rest) and self._rest.endswith(b"\r"):
                break  # the line feed of a CR LF may still come
            blocks.append(self._rest[start : end.start()])
            start = end.end()
        del self._rest[:start]
        return blocks


def _parsed(block: bytearray) -> tuple[str, str] | None:
    if block.startswith(b"data: ") and b"\n" not in block and b"\r" not in block:
        return "", block[6:].decode("utf-8", "replace")
    name = ""
    data: list[str] = []
    for line in _LINE_END.split(block):
        field, _, value = line.partition(b":")
        text = value[1:] if value[:1] == b" " else value
        if field == b"data":
            data.append(text.decode("utf-8", "replace"))
        elif field == b"event":
            name = text.decode("utf-8", "replace")
    return (name, "\n".join(data)) if data else None
