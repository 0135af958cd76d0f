"""docs/bulk.md: its command lines run, its Python too, and it names every option."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.cli import main, parser
from openrouter_toolkit.sandbox import Sandbox

from .command_options import unmentioned_options
from .test_snippets import python_of, sections

TEXT = (Path(__file__).parents[2] / "docs" / "bulk.md").read_text(encoding="utf-8")
LINES = re.findall(r"^    openrouter-toolkit (.*)$", TEXT, re.MULTILINE)


def test_every_option_is_named() -> None:
    assert unmentioned_options("bulk", TEXT) == []
    assert callable(parser().parse_args(shlex.split(LINES[0])).run)


def test_its_command_lines_run(
    openrouter_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", f"sqlite:///{tmp_path / 'none.db'}")
    arguments = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hi"}]}
    Path("questions.jsonl").write_text(json.dumps({"id": "q1", "arguments": arguments}))
    Path("reviews.csv").write_text("id,text\nr1,Good\n")
    for line in LINES:
        assert main(shlex.split(line)) == 0, capsys.readouterr().err
    assert [json.loads(line)["id"] for line in Path("answers.jsonl").read_text().splitlines()] == ["q1", "r1"]


def test_its_python_runs(openrouter_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for snippet in python_of(sections(TEXT)["In Python"]):
        exec(snippet, names)
    names["registry"].close()
    assert names["run"].summary.complete
    printed = capsys.readouterr().out
    assert "17 * 3 = 51" in printed
    assert "['0 * 3 = 0', '1 * 3 = 3']" in printed
