"""Where the commands print: results on standard output, everything else on standard error, nothing raw."""

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
_KEYS = ("OPENROUTER_API_KEY", "OPENROUTER_MANAGEMENT_API_KEY", "OPENROUTER_TOOLKIT_MASTER_KEY")
# What keys and this toolkit's own tokens begin with.
_SECRETS = ("sk-", "ort_")
_LONGEST_QUOTED = 60
_PIPED_WIDTH = 110


def say(text: str) -> None:
    """A line for people, on standard error; lost without a word where there is none."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(safe_for_terminal(text), file=sys.stderr, flush=True)


def complain(reason: str) -> None:
    """The one line that says why a command failed; it may hold words that were typed, and no key among them."""
    say(f"{PROGRAM}: {without_keys(clean(reason))}")


def without_keys(text: str) -> str:
    """The text without the environment's keys, their pieces, and whatever else looks like a key."""
    from ..text.redaction import redact_thoroughly  # noqa: PLC0415

    return redact_thoroughly(text, [os.environ[name] for name in _KEYS if os.environ.get(name)])


def repeated(text: str) -> str | None:
    """What somebody typed as a sentence of ours quotes it; None for what may be a key, or nothing."""
    is_secret = text.startswith(_SECRETS) or without_keys(text) != text
    return None if is_secret or not clean(text) else quoted(text, _LONGEST_QUOTED)


def can_ask() -> bool:
    """Whether a person can be asked: standard input and standard error are a terminal."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask(prompt: str) -> str:
    """What a person types; raises `EOFError` when there is nothing more."""
    print(safe_for_terminal(prompt), end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        say("")
        raise EOFError
    return line.strip()


def ask_secret(prompt: str) -> str:
    """What a person types or pastes without seeing it; raises `EOFError` as `ask` does."""
    import getpass  # noqa: PLC0415

    return getpass.getpass(safe_for_terminal(prompt)).strip()


def print_line(text: str) -> None:
    """A line for people, on standard output."""
    print(safe_for_terminal(text), flush=True)


def local_time(moment: datetime | None) -> str:
    """A moment to the minute, where the person is, with what the clock there is off UTC; empty for none."""
    return "" if moment is None else moment.astimezone().isoformat(" ", "minutes")


def print_json(value: Any) -> None:
    """A value as one line of JSON on standard output; in ASCII where the output's encoding is not UTF-8."""
    print(json_for_terminal(value) if _is_utf8(sys.stdout) else json.dumps(value), flush=True)


def coloured(stream: TextIO | None) -> bool:
    """Whether a stream may get colours: it is a terminal, and nobody said no (no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person watches this stream."""
    return stream is not None and stream.isatty()


def console() -> Console:
    """Standard output for people: plain text where it is no terminal, and never interpreted as markup."""
    from rich.console import Console  # noqa: PLC0415

    class StandardOutput(Console):
        def on_broken_pipe(self) -> None:  # rich's own ends the process with 1
            raise BrokenPipeError

    watched = is_terminal(sys.stdout)
    return StandardOutput(
        file=sys.stdout,
        force_terminal=watched,
        color_system="auto" if coloured(sys.stdout) else None,
        width=None if watched else _PIPED_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _is_utf8(stream: TextIO | None) -> bool:
    try:
        return codecs.lookup(getattr(stream, "encoding", None) or "").name == "utf-8"
    except LookupError:
        return False
