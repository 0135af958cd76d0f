"""Exceptions that end a command: a reason for the user and the exit status."""

from __future__ import annotations

USAGE_ERROR = 2


class CommandFailed(Exception):
    """Ends a command. `reason` is one line that says what to do; it is printed on standard error."""

    def __init__(self, reason: str, status: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class KeyRefused(CommandFailed):
    """A key was checked and refused; another key may work."""


def usage_error(reason: str) -> CommandFailed:
    """The error for a wrong command line (exit status 2); nothing was done."""
    return CommandFailed(reason, USAGE_ERROR)
