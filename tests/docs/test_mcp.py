"""The configurations and command lines of docs/mcp.md are ones that clients, and the command, take."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from openrouter_toolkit.cli import parser

from .command_options import unmentioned_options

TEXT = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")
CONFIGURATIONS = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
LINES = re.findall(r"openrouter-toolkit (mcp.*)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_a_configuration_starts_the_server_read_only_and_hands_the_key_down(text: str) -> None:
    whole = json.loads(text)
    servers = whole.get("mcpServers") or whole.get("context_servers") or whole["servers"]
    (server,) = servers.values()
    assert server["command"] == "openrouter-toolkit"
    options = parser().parse_args(server["args"])
    assert (options.command, options.read_only) == ("mcp", True)
    assert set(server["env"]) - {"OPENROUTER_BASE_URL"} == {"OPENROUTER_API_KEY"}
    in_the_sandbox = server["env"]["OPENROUTER_API_KEY"] == "sk-or-v1-sandbox"
    assert ("OPENROUTER_BASE_URL" in server["env"]) == in_the_sandbox


def test_there_are_as_many_as_expected() -> None:
    assert len(CONFIGURATIONS) == 5
    assert any("--read-only" in line for line in LINES)


@pytest.mark.parametrize("line", [line for line in LINES if "`" not in line])
def test_it_is_a_command_line(line: str) -> None:
    options = parser().parse_args(shlex.split(line.partition(" --method")[0]))
    assert options.command == "mcp"


def test_no_key_stands_in_a_command_line() -> None:
    commands = re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL), re.MULTILINE)
    assert [line for line in commands if line.startswith("claude mcp add ")]
    assert [line for line in commands if line.startswith("npx ")]
    assert not [line for line in commands if "KEY=" in line or "sk-or-" in line or re.search(r" (-e|--env) ", line)]


def test_every_option_is_told() -> None:
    assert unmentioned_options("mcp", TEXT) == []
