"""`execute`: execute one action and print its envelope on standard output, tokens on standard error as they arrive."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.json_text import InvalidJson, parse_json
from ..text.sanitize import clean, safe_for_terminal
from . import terminal
from .actions import find
from .store import open_registry
from .terminal import usage_error

if TYPE_CHECKING:  # commands know nothing of OpenRouter's API
    from ..openrouter.streams.events import StreamEvent

_EXAMPLE = """'{"id": "gen-1"}'"""
_KINDS = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}
_PRINTED = ("text", "refusal", "reasoning", "tool_call")
_DIMMED = ("reasoning", "tool_call")


def execute(options: argparse.Namespace) -> int:
    """Execute the action. Returns 0 if it succeeded, otherwise 1."""
    given = read_arguments(options.arguments)
    printer = StreamPrinter()
    with open_registry() as registry:
        # An unknown action is reported by the registry.
        if options.stream and (action := find(registry, options.slug)) is not None:
            if not action.streams:
                raise usage_error(f"{action.slug} does not stream its answer; leave --stream out")
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


def read_arguments(given: str) -> dict[str, Any]:
    """Read the JSON object that `--arguments` gives.

    Raises:
        CommandFailed: it can't be read, or is not a JSON object. The reason repeats none of its content.
    """
    source, content = _content(given)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise usage_error(f"{source} is not in UTF-8 (byte {error.start + 1} is wrong); save it as UTF-8") from None
    if not text.strip():
        raise usage_error(f"{source} is empty; give a JSON object, {{}} for no arguments")
    try:
        value = parse_json(text)
    except InvalidJson as error:
        raise usage_error(f"{source} is not valid JSON: {error}; give a JSON object such as {_EXAMPLE}") from None
    if not isinstance(value, dict):
        raise usage_error(f"{source} holds {_KINDS[type(value)]}; give a JSON object such as {_EXAMPLE}")
    return value


def _content(given: str) -> tuple[str, bytes]:
    """Where the arguments are, for messages, and their bytes."""
    if given != "-" and not given.startswith("@"):
        return "--arguments", given.encode("utf-8", "surrogateescape")
    if given == "-" and sys.stdin is None:
        raise usage_error("--arguments - reads standard input, and there is none")
    if given == "@":
        raise usage_error("name a file after the @, as in --arguments @arguments.json")
    source = "standard input" if given == "-" else f"the file {clean(given[1:])}"
    try:
        return source, sys.stdin.buffer.read() if given == "-" else Path(given[1:]).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"{source} can't be read: {reason}") from None


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
