"""Prints a streamed answer while it arrives, with every character that a terminal would obey as an escape."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from ..text.sanitize import safe_for_terminal
from . import terminal

if TYPE_CHECKING:  # commands know nothing of OpenRouter's API
    from ..openrouter.streams.events import StreamEvent

_SAID = ("text", "refusal")
_DIMMED = ("reasoning", "tool_call")


class StreamPrinter:
    """Prints what a model says on one stream, and its reasoning and tool calls, dimmed, on another.

    Each choice or content block begins on a new line. A stream that is None is not printed on.
    """

    def __init__(self, answer: TextIO | None, thoughts: TextIO | None) -> None:
        self._answer, self._thoughts = answer, thoughts
        self._dim, self._reset = ("\x1b[2m", "\x1b[0m") if terminal.coloured(thoughts) else ("", "")
        self._last: tuple[bool, int] | None = None
        self._line_is_open = False
        self._held = ""

    def __call__(self, event: StreamEvent) -> None:
        """Print an event's text immediately."""
        dimmed = event.kind in _DIMMED
        if not dimmed and event.kind not in _SAID:
            return
        name = (event.tool_call or {}).get("name")
        text = f"{name} {event.text}" if name else event.text
        if not text:
            return
        part = (dimmed, event.index)
        if part != self._last or name:
            self.end_line()
        self._last = part
        safe = safe_for_terminal(self._with_line_feeds(text))
        if safe:
            self._write(f"{self._dim}{safe}{self._reset}" if dimmed else safe)
            self._line_is_open = not safe.endswith("\n")

    def end_line(self) -> None:
        """End the line that was begun."""
        if self._held:
            self._write(safe_for_terminal(self._held))
            self._held, self._line_is_open = "", True
        if self._line_is_open:
            self._write("\n")
            self._line_is_open = False

    def _with_line_feeds(self, text: str) -> str:
        """The text with its ends of lines as line feeds; half of one is held until the next piece."""
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        return text.removesuffix("\r").replace("\r\n", "\n")

    def _write(self, text: str) -> None:
        """Write to the part's stream. Standard error may fail, since the answer must not be lost by it."""
        stream = self._thoughts if self._last is not None and self._last[0] else self._answer
        if stream is None:
            return
        with suppress(*((OSError,) if stream is sys.stderr else ())):
            stream.write(text)
            stream.flush()
