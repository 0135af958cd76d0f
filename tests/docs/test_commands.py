"""The command lines of docs/connect.md are ones that the parser takes, and it names every command of its kind."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from openrouter_toolkit.cli import parser

from .command_options import commands, unmentioned_options

TEXT = (Path(__file__).parents[2] / "docs" / "connect.md").read_text(encoding="utf-8")
LINES = re.findall(r"^    openrouter-toolkit (.*)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_it_is_a_command_line(line: str) -> None:
    words = shlex.split(line.partition(" <")[0])
    options = parser().parse_args(words)
    assert callable(options.run)


def test_every_option_of_connect_and_every_action_on_accounts_is_told() -> None:
    assert unmentioned_options("connect", TEXT) == []
    for command in ("accounts", "tokens", "keys"):
        actions = next(action for action in commands()[command]._actions if action.dest == "action").choices
        for name in actions or ():
            assert name == "list" or f"openrouter-toolkit {command} {name}" in TEXT
