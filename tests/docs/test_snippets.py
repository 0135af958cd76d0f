"""The Python of README.md, and of what docs/agents.md begins with, runs as it stands, against the sandbox."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

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


AGENTS = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")


def test_the_first_ways_to_attach_it_run(openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_MODEL", "acme/atlas-large")
    beginning, chat, _, messages, *_ = re.findall(r"```python\n(.*?)```", AGENTS, re.DOTALL)
    names: dict[str, Any] = {}
    exec(beginning, names)
    for snippet, path in ((chat, "/chat/completions"), (messages, "/messages")):
        names["conversation"] = [{"role": "user", "content": names["question"]}]
        exec(snippet, names)
        assert len(names["conversation"]) == 3
        names["client"].close()
        assert [request.path for request in openrouter_sandbox.requests][-2:] == [path, "/models"]
    names["registry"].close()


def test_composios_results_go_back(openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_MODEL", "acme/atlas-large")
    snippets = re.findall(r"```python\n(.*?)```", AGENTS, re.DOTALL)
    names: dict[str, Any] = {"json": json}
    exec(snippets[0], names)
    for number in (index for index, text in enumerate(snippets) if "composio.providers" in text):
        exec(snippets[number], names)
        exec(snippets[number + 1], names)
    assert [message["role"] for message in names["conversation"]] == ["user", "assistant", "tool"]
    assert json.loads(names["conversation"][-1]["content"])["successful"]
    for name in ("registry", "client"):
        names[name].close()
