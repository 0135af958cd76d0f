"""Terminal input and output of commands: results on standard output, the rest on standard error, all sanitized."""

from __future__ import annotations

import codecs
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from ..text.sanitize import clean, json_for_terminal, quoted, safe_for_terminal

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

PROGRAM = "openrouter-toolkit"
_KEY_VARIABLES = ("OPENROUTER_API_KEY", "OPENROUTER_MANAGEMENT_API_KEY", "OPENROUTER_TOOLKIT_MASTER_KEY")
# The prefixes of keys and of this toolkit's own tokens.
_SECRET_PREFIXES = ("sk-", "ort_")
_MAX_QUOTED = 60
_PIPED_WIDTH = 110


def print_message(text: str) -> None:
    """Print a line for people on standard error. If there is no standard error, the line is dropped silently."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(safe_for_terminal(text), file=sys.stderr, flush=True)


def print_error(reason: str) -> None:
    """Print the line that says why a command failed. Keys are redacted from it, as it may repeat what was typed."""
    print_message(f"{PROGRAM}: {redact_keys(clean(reason))}")


def redact_keys(text: str) -> str:
    """The text without the environment's keys, pieces of them, and anything else that looks like a key."""
    from ..text.redaction import redact_thoroughly

    return redact_thoroughly(text, [os.environ[name] for name in _KEY_VARIABLES if os.environ.get(name)])


def quote_input(text: str) -> str | None:
    """The user's input, quoted for a message; None if it may be a key or is empty."""
    is_secret = text.startswith(_SECRET_PREFIXES) or redact_keys(text) != text
    return None if is_secret or not clean(text) else quoted(text, _MAX_QUOTED)


def can_ask() -> bool:
    """Whether a person can be asked: both standard input and standard error are terminals."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask(prompt: str) -> str:
    """Ask a person and return what they type. Raises `EOFError` at the end of the input."""
    print(safe_for_terminal(prompt), end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print_message("")
        raise EOFError
    return line.strip()


def ask_secret(prompt: str) -> str:
    """Ask without echoing what the person types or pastes. Raises `EOFError` as `ask` does."""
    import getpass

    return getpass.getpass(safe_for_terminal(prompt)).strip()


def print_line(text: str) -> None:
    """Print a line for people on standard output."""
    print(safe_for_terminal(text), flush=True)


def local_time(moment: datetime | None) -> str:
    """A time in the local time zone, to the minute, with its UTC offset; an empty string for None."""
    return "" if moment is None else moment.astimezone().isoformat(" ", "minutes")


def print_json(value: Any) -> None:
    """Print a value as one line of JSON on standard output, in ASCII if the output's encoding is not UTF-8."""
    print(json_for_terminal(value) if _is_utf8(sys.stdout) else json.dumps(value), flush=True)


def coloured(stream: TextIO | None) -> bool:
    """Whether to print colours to a stream: it is a terminal, and colours are not disabled (no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether this stream is open and a terminal."""
    return stream is not None and stream.isatty()


def console() -> Console:
    """A console on standard output: plain text if it is not a terminal, and text is never read as markup."""
    from rich.console import Console

    class StandardOutput(Console):
        def on_broken_pipe(self) -> None:  # rich's own method ends the process with status 1
            raise BrokenPipeError

    interactive = is_terminal(sys.stdout)
    return StandardOutput(
        file=sys.stdout,
        force_terminal=interactive,
        color_system="auto" if coloured(sys.stdout) else None,
        width=None if interactive else _PIPED_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _is_utf8(stream: TextIO | None) -> bool:
    try:
        return codecs.lookup(getattr(stream, "encoding", None) or "").name == "utf-8"
    except LookupError:
        return False
