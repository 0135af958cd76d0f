"""Terminal input and output of commands: results on standard output, the rest on standard error, all sanitized."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from ..text.json_text import json_or
from ..text.redaction import redact_thoroughly
from ..text.sanitize import clean, json_for_terminal, quoted, safe_for_terminal, safe_json

if TYPE_CHECKING:  # rich takes a while to import, and only tables need it
    from rich.console import Console
    from rich.text import Text

PROGRAM = "openrouter-toolkit"
USAGE_ERROR = 2
# The ends of the names of variables that hold keys, those of other toolkits and programs too.
_KEY_VARIABLES = ("_API_KEY", "_MASTER_KEY", "_SECRET", "_TOKEN", "_PASSWORD")
# The prefixes of keys and of this toolkit's own tokens.
_SECRET_PREFIXES = ("sk-", "ort_")
_MAX_QUOTED = 60
_NOT_JSON = object()
_PIPED_WIDTH = 110
_MIN_TABLE_WIDTH = 132


class CommandFailed(Exception):
    """Ends a command. `reason` is one line that says what to do; it is printed on standard error."""

    def __init__(self, reason: str, status: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def usage_error(reason: str) -> CommandFailed:
    """The error for a wrong command line (exit status 2); nothing was done."""
    return CommandFailed(reason, USAGE_ERROR)


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
    return redact_thoroughly(text, [value for name, value in os.environ.items() if name.endswith(_KEY_VARIABLES)])


def quote_input(text: str) -> str | None:
    """The user's input, quoted for a message; None if it may be a key or is empty."""
    is_secret = text.startswith(_SECRET_PREFIXES) or redact_keys(text) != text
    return None if is_secret or not clean(text) else quoted(text, _MAX_QUOTED)


def check_input(check: Callable[[str], str], option: str, text: str) -> str:
    """A text from the command line, as `check` returns it.

    Raises:
        CommandFailed: the text is not valid (status 2), or is a key, which must not be typed here.
    """
    if redact_thoroughly(text, ()) != text:
        raise usage_error(
            f"{option} looks like a key; keys are not taken from the command line, which others can read: leave it "
            "out, or use --stdin"
        )
    try:
        return check(text)
    except ValueError as error:
        raise usage_error(f"{option}: {error}") from None


def can_ask() -> bool:
    """Whether a person can be asked: both standard input and standard error are terminals."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask(prompt: str, *, secret: bool = False) -> str | None:
    """What a person types, without echo if it is secret; None at the end of the input."""
    if secret:
        import getpass

        try:
            return getpass.getpass(safe_for_terminal(prompt)).strip()
        except EOFError:
            return None
    print(safe_for_terminal(prompt), end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print_message("")
    return line.strip() if line else None


def print_line(text: str) -> None:
    """Print a line for people on standard output."""
    print(safe_for_terminal(text), flush=True)


def print_answer(text: str) -> None:
    """Print an answer's text on standard output: JSON as the same JSON, other text with line feeds, both safe."""
    is_json = json_or(text, _NOT_JSON) is not _NOT_JSON
    print(safe_json(text) if is_json else safe_for_terminal(text.replace("\r\n", "\n")), flush=True)


def print_json(value: Any, indent: int | None = None) -> None:
    """Print a value as JSON on standard output, in ASCII if the output's encoding is not UTF-8.

    It is one line, unless it is indented.
    """
    utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    print(json_for_terminal(value, indent) if utf8 else json.dumps(value, indent=indent), flush=True)


def local_time(moment: datetime | None) -> str:
    """A time in the local time zone, to the minute, with its UTC offset; an empty string for None."""
    return "" if moment is None else moment.astimezone().isoformat(" ", "minutes")


def coloured(stream: TextIO | None) -> bool:
    """Whether to print colours to a stream: it is a terminal, and colours are not disabled (no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether this stream is open and a terminal."""
    return stream is not None and stream.isatty()


def console(*, piped_width: int | None = None) -> Console:
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
        width=None if interactive else piped_width or _PIPED_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
    )


def text(content: str, style: str = "") -> Text:
    """Untrusted text for a console."""
    from rich.text import Text

    return Text(safe_for_terminal(content), style=style)


def print_table(rows: Sequence[Mapping[str, str]], colours: Mapping[str, Callable[[str], str]] | None = None) -> None:
    """Print rows that all have the same columns as a table or, on a narrow terminal, as a block of lines per row.

    The first column names the row. `colours` maps a column to a function from value to colour. Rows may contain
    untrusted text.
    """
    from rich.table import Table

    output = console(piped_width=240)  # one line per row, for grep and sort
    first, *others = rows[0]

    def cell(row: Mapping[str, str], name: str) -> Text:
        colour = (colours or {}).get(name)
        return text(row[name], "bold" if name == first else colour(row[name]) if colour else "")

    if output.width >= _MIN_TABLE_WIDTH:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in rows[0]:
            table.add_column(name, no_wrap=name == first, overflow="fold")
        for row in rows:
            table.add_row(*(cell(row, name) for name in row))
        output.print(table)
        return
    width = max(map(len, others))
    for row in rows:
        output.print(cell(row, first), soft_wrap=True)
        for name in others:
            if row[name]:
                output.print(f"  {name:{width}}  ", cell(row, name), sep="", soft_wrap=True)
