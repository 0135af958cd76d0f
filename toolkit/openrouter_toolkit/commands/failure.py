"""How a command ends early: a reason for the person at the terminal, and the exit status."""

from __future__ import annotations

WRONG_COMMAND_LINE = 2


class CommandFailed(Exception):  # noqa: N818 - it says what happened to the command
    """Ends a command. `reason` is one line that says what to do; it goes to standard error."""

    def __init__(self, reason: str, status: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class KeyRefused(CommandFailed):
    """A key that was tried does not pass; another may."""


def wrong_command_line(reason: str) -> CommandFailed:
    """What was typed can't be meant; nothing was done."""
    return CommandFailed(reason, WRONG_COMMAND_LINE)
