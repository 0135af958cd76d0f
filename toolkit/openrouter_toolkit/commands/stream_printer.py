"""Prints a streamed answer on standard error while it arrives."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..text.sanitize import safe_for_terminal
from .terminal import coloured

if TYPE_CHECKING:
    from ..openrouter.streams.events import StreamEvent

_SHOWN = ("text", "refusal", "reasoning", "tool_call")


class StreamPrinter:
    """A listener for `execute`. As a context manager, it always ends the last line.

    Reasoning and tool calls are dimmed. Each choice or content block begins on a new line.
    """

    def __init__(self) -> None:
        self._dim, self._reset = ("\x1b[2m", "\x1b[0m") if coloured(sys.stderr) else ("", "")
        self._last_part: tuple[bool, int] | None = None

    def __call__(self, event: StreamEvent) -> None:
        """Print an event's text immediately."""
        if event.kind not in _SHOWN:
            return
        name = (event.tool_call or {}).get("name")
        text = f"{name} {event.text}" if name else event.text
        if not text:
            return
        dimmed = event.kind in ("reasoning", "tool_call")
        part = (dimmed, event.index)
        if self._last_part is not None and (part != self._last_part or name):
            self._write("\n")
        self._last_part = part
        safe = safe_for_terminal(text)
        self._write(f"{self._dim}{safe}{self._reset}" if dimmed else safe)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._last_part is not None:
            self._write("\n")

    def _write(self, text: str) -> None:
        """Write to standard error; if that fails, the answer must not be lost."""
        if sys.stderr is not None:
            try:
                sys.stderr.write(text)
                sys.stderr.flush()
            except OSError:
                return
