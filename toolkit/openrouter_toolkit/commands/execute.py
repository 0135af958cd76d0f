"""`execute`: execute one action and print its envelope on standard output, tokens on standard error as they arrive."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from ..text.sanitize import safe_for_terminal
from . import arguments, terminal
from .actions import find
from .store import open_registry

if TYPE_CHECKING:  # commands know nothing of OpenRouter's API
    from ..openrouter.streams.events import StreamEvent

_PRINTED = ("text", "refusal", "reasoning", "tool_call")
_DIMMED = ("reasoning", "tool_call")


def execute(options: argparse.Namespace) -> int:
    """Execute the action. Returns 0 if it succeeded, otherwise 1."""
    given = arguments.read(options.arguments)
    printer = StreamPrinter()
    with open_registry() as registry:
        # An unknown action is reported by the registry.
        if options.stream and (action := find(registry, options.slug)) is not None:
            if not action.streams:
                raise terminal.usage_error(f"{action.slug} does not stream its answer; leave --stream out")
            given["stream"] = True
        try:
            envelope = registry.execute(
                options.slug,
                given,
                user_id=options.user_id,
                on_event=printer if options.stream else None,
                timeout=options.timeout,
            )
        finally:
            printer.end_line()
    terminal.print_json(envelope)
    return 0 if envelope.successful else 1


class StreamPrinter:
    """Prints a streamed answer on standard error while it arrives.

    Reasoning and tool calls are dimmed. Each choice or content block begins on a new line.
    """

    def __init__(self) -> None:
        self._dim, self._reset = ("\x1b[2m", "\x1b[0m") if terminal.coloured(sys.stderr) else ("", "")
        self._last_part: tuple[bool, int] | None = None

    def __call__(self, event: StreamEvent) -> None:
        """Print an event's text immediately."""
        if event.kind not in _PRINTED:
            return
        name = (event.tool_call or {}).get("name")
        text = f"{name} {event.text}" if name else event.text
        if not text:
            return
        part = (event.kind in _DIMMED, event.index)
        if part != self._last_part or name:
            self.end_line()
        self._last_part = part
        safe = safe_for_terminal(text)
        self._write(f"{self._dim}{safe}{self._reset}" if event.kind in _DIMMED else safe)

    def end_line(self) -> None:
        """End the line that was begun."""
        if self._last_part is not None:
            self._write("\n")

    def _write(self, text: str) -> None:
        """Write to standard error; if that fails, the answer must not be lost."""
        if sys.stderr is not None:
            with suppress(OSError):
                sys.stderr.write(text)
                sys.stderr.flush()
