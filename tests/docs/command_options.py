"""What the parser knows of a command, to compare a document with."""

from __future__ import annotations

from typing import Any

from openrouter_toolkit.cli import parser


def commands() -> dict[str, Any]:
    """The parsers of all commands by name."""
    choices = next(action for action in parser()._actions if action.dest == "command").choices
    assert isinstance(choices, dict)
    return choices


def unmentioned_options(command: str, document: str) -> list[str]:
    """The options of a command that a document does not mention, `--help` and what stands without a name aside."""
    named = [action for action in commands()[command]._actions if action.dest != "help" and action.option_strings]
    options = [action.option_strings for action in named]
    return [str(names) for names in options if not any(f"`{name}" in document for name in names)]
