"""A streamed answer, shown on standard error while it arrives."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..text.sanitize import safe_for_terminal
from .terminal import coloured

if TYPE_CHECKING:
    from ..openrouter.streams.events import StreamEvent

_SHOWN = ("text", "refusal", "reasoning", "tool_call")


class LiveTokens:
    """A listener for `execute`; as a context manager, it ends the last line whatever happens.

    Reasoning and tool calls are dimmed. Each choice or content block begins on a line of its own.
    """

    def __init__(self) -> None:
        self._dim, self._plain = ("\x1b[2m", "\x1b[0m") if coloured(sys.stderr) else ("", "")
        self._before: tuple[bool, int] | None = None

    def __call__(self, event: StreamEvent) -> None:
        """Show an event's text at once."""
        if event.kind not in _SHOWN:
            return
        name = (event.tool_call or {}).get("name")
        text = f"{name} {event.text}" if name else event.text
        if not text:
            return
        aside = event.kind in ("reasoning", "tool_call")
        part = (aside, event.index)
        if self._before is not None and (part != self._before or name):
            self._write("\n")
        self._before = part
        safe = safe_for_terminal(text)
        self._write(f"{self._dim}{safe}{self._plain}" if aside else safe)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._before is not None:
            self._write("\n")

    def _write(self, text: str) -> None:
        """A standard error that is gone must not cost the answer."""
        if sys.stderr is not None:
            try:
                sys.stderr.write(text)
                sys.stderr.flush()
            except OSError:
                return
