"""Reads keys: typed without echo, or from standard input. Never from the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from . import terminal
from .failure import CommandFailed, KeyRefused, usage_error

if TYPE_CHECKING:
    from ..manifest import Auth, AuthField

Try = Callable[[Mapping[str, str]], object]
_MAX_BYTES = 64 * 1024
_ATTEMPTS = 3
_NOTHING_GIVEN = "nothing was given, and nothing was stored"


def ask_for_fields(auth: Auth, check: Try, finish: Try) -> None:
    """Ask a person for each field, after the steps to get one; optional fields may be skipped.

    Required fields are passed to `check` before the optional ones are asked for; all fields are passed to `finish`
    at the end. If either refuses, its fields are asked for again, up to three times.

    Raises:
        CommandFailed: there is no terminal, nothing was typed, or the last attempt was refused.
    """
    if not terminal.can_ask():
        raise usage_error("there is no terminal to ask for the key; give it on standard input with --stdin")
    given: Mapping[str, str] = {}
    rounds = _rounds(auth)
    for number, fields in enumerate(rounds, 1):
        given = _ask_until_accepted(fields, given, finish if number == len(rounds) else check)


def _rounds(auth: Auth) -> list[Sequence[AuthField]]:
    """The groups of fields that are asked for together: up to the last required field, and the rest."""
    last_required = max((number for number, field in enumerate(auth.fields, 1) if field.required), default=0)
    return [fields for fields in (auth.fields[:last_required], auth.fields[last_required:]) if fields]


def _ask_until_accepted(fields: Sequence[AuthField], given: Mapping[str, str], check: Try) -> Mapping[str, str]:
    """The fields given so far together with these, once `check` accepts them."""
    for field in fields:
        _explain(field)
    attempts_left = _ATTEMPTS
    while True:
        answers = {**given, **_ask(fields)}
        try:
            check(answers)
        except KeyRefused as refusal:
            attempts_left -= 1
            if not attempts_left:
                raise
            terminal.print_error(f"{refusal.reason} Try again.")
        else:
            return answers


def read_fields(auth: Auth) -> dict[str, str]:
    """Read the fields from standard input, one per line, in the manifest's order.

    Raises:
        CommandFailed: the input is empty, too long, or a terminal, which would show what is typed.
    """
    if sys.stdin is None:
        raise usage_error("--stdin reads standard input, and there is none")
    if terminal.is_terminal(sys.stdin):
        raise usage_error("--stdin reads a file or a pipe; leave it out to be asked without echo")
    try:
        content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        lines = [line.strip() for line in content.decode("utf-8-sig").strip().splitlines()]
    except OSError as error:
        raise usage_error(f"standard input can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise usage_error("standard input is not in UTF-8") from None
    wanted = ", ".join(field.name + ("" if field.required else " (optional)") for field in auth.fields)
    if len(content) > _MAX_BYTES:
        raise usage_error(f"standard input is too much; give a line each: {wanted}")
    if len(lines) > len(auth.fields):
        raise usage_error(f"standard input has {len(lines)} lines; give one for each of {wanted}")
    if not lines:
        raise usage_error(f"standard input is empty; give a line each: {wanted}")
    return {field.name: line for field, line in zip(auth.fields, lines, strict=False) if line}


def _ask(fields: Sequence[AuthField]) -> dict[str, str]:
    answers = {}
    for field in fields:
        skip = "" if field.required else "; Enter leaves it out"
        try:
            if field.secret:
                value = terminal.ask_secret(f"{field.title} (not shown{skip}): ")
            else:
                value = terminal.ask(f"{field.title}{' (Enter leaves it out)' if skip else ''}: ")
        except EOFError:
            raise CommandFailed(_NOTHING_GIVEN) from None
        if value:
            answers[field.name] = value
        elif field.required:
            raise CommandFailed(_NOTHING_GIVEN)
    return answers


def _explain(field: AuthField) -> None:
    optional = "" if field.required else " (optional)"
    terminal.print_message(f"\n{field.title}{optional}: {field.description}")
    for number, step in enumerate(field.steps, 1):
        terminal.print_message(f"  {number}. {step}")
