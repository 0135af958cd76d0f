"""Where keys come from: typed without echo, or standard input. Never the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from . import terminal
from .failure import CommandFailed, wrong_command_line

if TYPE_CHECKING:
    from ..manifest import Auth, AuthField

_LONGEST_INPUT = 64 * 1024


def typed(auth: Auth, tried: Callable[[Mapping[str, str]], object]) -> dict[str, str]:
    """Each field as a person types it, after the steps to get one; optional ones may be skipped.

    What is required is tried before anybody is asked for more.

    Raises:
        CommandFailed: there is nobody to ask.
    """
    if not terminal.can_ask():
        raise wrong_command_line("there is no terminal to ask for the key; give it on standard input with --stdin")
    given: dict[str, str] = {}
    last_required = max((number for number, field in enumerate(auth.fields, 1) if field.required), default=0)
    for number, field in enumerate(auth.fields, 1):
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
        if number == last_required < len(auth.fields):
            tried(given)
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
    if len(sent) > _LONGEST_INPUT:
        raise wrong_command_line(f"standard input is too much; give a line each: {wanted}")
    if len(lines) > len(auth.fields):
        raise wrong_command_line(f"standard input has {len(lines)} lines; give one for each of {wanted}")
    if not lines:
        raise wrong_command_line(f"standard input is empty; give a line each: {wanted}")
    return {field.name: line for field, line in zip(auth.fields, lines, strict=False) if line}


def _explain(field: AuthField) -> None:
    terminal.say(f"\n{field.title}: {field.description}")
    for number, step in enumerate(field.steps, 1):
        terminal.say(f"  {number}. {step}")
