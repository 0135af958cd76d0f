"""Where keys come from: typed without echo, or standard input. Never the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from . import terminal
from .failure import CommandFailed, KeyRefused, wrong_command_line

if TYPE_CHECKING:
    from ..manifest import Auth, AuthField

Try = Callable[[Mapping[str, str]], object]
_LONGEST_INPUT = 64 * 1024
_TIMES = 3
_NOTHING = "nothing was given, and nothing was stored"


def typed(auth: Auth, tried: Try, finish: Try) -> None:
    """Each field as a person types it, after the steps to get one; optional ones may be skipped.

    What is required is tried before anybody is asked for more, and everything is handed to `finish` in the end. What
    one of the two refuses is asked for again, up to three times each.

    Raises:
        CommandFailed: there is nobody to ask, nothing was given, or it was refused for the last time.
    """
    if not terminal.can_ask():
        raise wrong_command_line("there is no terminal to ask for the key; give it on standard input with --stdin")
    given: Mapping[str, str] = {}
    rounds = _rounds(auth)
    for number, fields in enumerate(rounds, 1):
        given = _passed(fields, given, finish if number == len(rounds) else tried)


def _rounds(auth: Auth) -> list[Sequence[AuthField]]:
    """The fields that are asked for together: up to the last that is required, and the rest."""
    last_required = max((number for number, field in enumerate(auth.fields, 1) if field.required), default=0)
    return [fields for fields in (auth.fields[:last_required], auth.fields[last_required:]) if fields]


def _passed(fields: Sequence[AuthField], given: Mapping[str, str], tried: Try) -> Mapping[str, str]:
    """What was given, and these fields with it, as it passed."""
    for field in fields:
        _explain(field)
    left = _TIMES
    while True:
        answers = {**given, **_answers(fields)}
        try:
            tried(answers)
        except KeyRefused as no:
            left -= 1
            if not left:
                raise
            terminal.complain(f"{no.reason} Try again.")
        else:
            return answers


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


def _answers(fields: Sequence[AuthField]) -> dict[str, str]:
    answers = {}
    for field in fields:
        skip = "" if field.required else "; Enter leaves it out"
        try:
            if field.secret:
                value = terminal.ask_secret(f"{field.title} (not shown{skip}): ")
            else:
                value = terminal.ask(f"{field.title}{' (Enter leaves it out)' if skip else ''}: ")
        except EOFError:
            raise CommandFailed(_NOTHING) from None
        if value:
            answers[field.name] = value
        elif field.required:
            raise CommandFailed(_NOTHING)
    return answers


def _explain(field: AuthField) -> None:
    optional = "" if field.required else " (optional)"
    terminal.say(f"\n{field.title}{optional}: {field.description}")
    for number, step in enumerate(field.steps, 1):
        terminal.say(f"  {number}. {step}")
