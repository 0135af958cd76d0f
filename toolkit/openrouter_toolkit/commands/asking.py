"""Where keys come from: typed without echo, or standard input. Never the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import terminal
from .failure import CommandFailed, wrong_command_line

if TYPE_CHECKING:
    from ..manifest import Auth, AuthField

_LONGEST_INPUT = 64 * 1024


def typed(auth: Auth) -> dict[str, str]:
    """Each field as a person types it, after the steps to get one; optional ones may be skipped.

    Raises:
        CommandFailed: there is nobody to ask.
    """
    if not terminal.can_ask():
        raise wrong_command_line("there is no terminal to ask for the key; give it on standard input with --stdin")
    given = {}
    for field in auth.fields:
        _explain(field)
        skip = "" if field.required else "; Enter leaves it out"
        try:
            value = terminal.ask_secret(f"{field.title} (not shown{skip}): ")
        except EOFError:
            raise CommandFailed("nothing was given, and nothing was stored") from None
        if value:
            given[field.name] = value
        elif field.required:
            raise CommandFailed("nothing was given, and nothing was stored")
    return given


def piped(auth: Auth) -> dict[str, str]:
    """The fields from standard input, a line each, in the manifest's order.

    Raises:
        CommandFailed: there is nothing, too much, or a terminal, which would show what is typed.
    """
    if sys.stdin is None:
        raise wrong_command_line("--stdin reads standard input, and there is none")
    if terminal.is_terminal(sys.stdin):
        raise wrong_command_line("--stdin reads a file or a pipe; leave it out to be asked without echo")
    try:
        sent = sys.stdin.buffer.read(_LONGEST_INPUT + 1)
        lines = [line.strip() for line in sent.decode("utf-8-sig").strip().splitlines()]
    except OSError as error:
        raise wrong_command_line(f"standard input can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise wrong_command_line("standard input is not in UTF-8") from None
    wanted = ", ".join(field.name + ("" if field.required else " (optional)") for field in auth.fields)
    if len(lines) > len(auth.fields) or len(sent) > _LONGEST_INPUT:
        raise wrong_command_line(f"standard input is too much; give a line each: {wanted}")
    if not lines:
        raise wrong_command_line(f"standard input is empty; give a line each: {wanted}")
    return {field.name: line for field, line in zip(auth.fields, lines, strict=False) if line}


def _explain(field: AuthField) -> None:
    terminal.say(f"\n{field.title}: {field.description}")
    for number, step in enumerate(field.steps, 1):
        terminal.say(f"  {number}. {step}")
