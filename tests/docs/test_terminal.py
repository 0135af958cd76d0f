"""What docs/terminal.md shows runs against the sandbox, and every option of its commands is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from openrouter_toolkit.cli import main, parser
from openrouter_toolkit.commands.config_file import OUTPUTS, SETTINGS
from openrouter_toolkit.sandbox import Sandbox

from .command_options import unmentioned_options

TEXT = (Path(__file__).parents[2] / "docs" / "terminal.md").read_text(encoding="utf-8")
LINES = re.findall(r"^    (?:.*\| )?openrouter-toolkit (.*)$", TEXT, re.MULTILINE)
COMPLETION = re.findall(r"openrouter-toolkit (completion \w+)", TEXT)


def test_its_commands_run_from_top_to_bottom(
    openrouter_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", None)
    (tmp_path / "prompt.txt").write_text("What is 17 * 3?")
    (tmp_path / "chat.json").write_text('{"messages": [{"role": "user", "content": "What is 17 * 3?"}]}')
    commands = [shlex.split(line) for line in LINES if not line.startswith("completion")]
    assert [words[0] for words in commands] == ["ask"] * 3 + ["models"] * 3 + ["execute"] * 3 + ["config"] * 4
    for words in commands:
        assert main(words) == 0, words
    printed = capsys.readouterr().out
    assert printed.count("17 * 3 = 51") == 3
    assert printed.count("acme/atlas-small\n") == 1


def test_the_lines_of_completion_are_command_lines() -> None:
    assert len(COMPLETION) == 3
    for line in COMPLETION:
        assert callable(parser().parse_args(line.split()).run)


@pytest.mark.parametrize("command", ["ask", "models", "execute", "config"])
def test_every_option_is_told(command: str) -> None:
    assert [names for names in unmentioned_options(command, TEXT) if names != "[]"] == []  # positions have no names


def test_every_setting_and_output_is_told() -> None:
    for name in (*SETTINGS, *OUTPUTS):
        assert f"`{name}`" in TEXT
