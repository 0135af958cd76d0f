"""The Python of README.md runs as it stands, against the sandbox."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from openrouter_toolkit.sandbox import Sandbox

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_it_runs(snippet: str, openrouter_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(snippet, names)
    names["registry"].close()  # type: ignore[attr-defined]
    printed = capsys.readouterr().out
    assert "sandbox" not in printed or "label" in printed
    assert len(openrouter_sandbox.requests) in (1, 2)


def test_the_stream_is_printed_as_it_comes(openrouter_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    exec(SNIPPETS[1], {})
    assert "17 * 3 = 51" in capsys.readouterr().out
