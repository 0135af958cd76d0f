"""docs/composio.md: its command lines are taken, and its Python runs against a server with Composio's own client."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from openrouter_toolkit.cli import parser

from ..server.served import Served
from .test_snippets import python_of, run

TEXT = (Path(__file__).parents[2] / "docs" / "composio.md").read_text(encoding="utf-8")
LINES = re.findall(r"^ +(?:COMPOSIO_API_KEY=\S+ )?openrouter-toolkit (.*)$", TEXT, re.MULTILINE)


def test_all_command_lines_are_found() -> None:
    assert [line.split()[0] for line in LINES] == ["serve", "tokens", "composio-check", "return-addresses"]


@pytest.mark.parametrize("line", LINES)
def test_it_is_a_command_line(line: str) -> None:
    assert callable(parser().parse_args(shlex.split(line)).run)


def test_the_python_runs(served: Served, tmp_path: Path) -> None:
    (program,) = python_of(TEXT)
    host = tmp_path / "host"
    host.mkdir()
    printed = run(program, host, COMPOSIO_BASE_URL=served.url, COMPOSIO_API_KEY=served.token())
    listed, answer = printed.splitlines()
    assert "'OPENROUTER_GET_CURRENT_KEY'" in listed
    assert answer.startswith("True {")
