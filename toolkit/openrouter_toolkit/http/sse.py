"""Parse server-sent events from bytes, in whatever pieces they arrive."""

from __future__ import annotations

import json
from random import SystemRandom
from typing import Any

_NEXT_EVENT = "\n\ndata: "
_SEPARATOR = SystemRandom().getrandbits(50)
BETWEEN = f",{_SEPARATOR},"
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
        return events_in(self.text(piece))

    def close(self) -> list[tuple[str, str]]:
        """The last event, if the stream ended without the empty line after it."""
        return events_in(self.rest())

    def text(self, piece: bytes) -> str:
        """The text of the events that these bytes complete, for `events_in`; empty if they complete none."""
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
        return "" if end < 0 else self._take(end)

    def rest(self) -> str:
        """The text of the last event, if the stream ended without the empty line after it."""
        return self._take(len(self._buffer))

    def _take(self, end: int) -> str:
        """The text of the events in the first `end` bytes of the buffer."""
        text = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + 2]
        if not self._started:
            self._started = True
            text = text.removeprefix("\ufeff")
        return text


def events_in(text: str) -> list[tuple[str, str]]:
    """The events of a text of complete ones: name and data of each. Raises `TooManyLinesError`."""
    return [
        event
        for block in text.split("\n\n")
        if (event := ("", block[6:]) if block[:6] == "data: " and "\n" not in block else _parse_event(block))
    ]


def objects_in(text: str) -> list[dict[str, Any]] | None:
    """The events of a text as JSON objects, parsed at once; None if one of them is anything but one line of `data`."""
    if not text.startswith("data: "):
        return None
    joined = text[6:].replace(_NEXT_EVENT, BETWEEN)
    if "\n" in joined:
        return None
    values = parse_at_once(joined)
    return values if values is not None and {*map(type, values)} == {dict} else None


def parse_at_once(joined: str) -> list[Any] | None:
    """The values of JSON texts that are joined by `BETWEEN`; None if one is invalid, or is not one value.

    It is faster than parsing each: names of fields are made once. A text that is cut, and one that holds two values,
    could pass for two if a comma stood between them; the number that stands there is known to this process alone.
    """
    try:
        values: list[Any] = json.loads(f"[{joined}]")
    except (ValueError, RecursionError):
        return None
    between = values[1::2]
    return values[::2] if len(values) % 2 and between.count(_SEPARATOR) == len(between) else None


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
