"""The Python of README.md and of docs/agents.md runs as it stands, against the sandbox."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.sandbox import Sandbox

from ..agents.scripted_models import Call, GeminiModel

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


BEGINNING, *OTHERS = re.findall(r"```python\n(.*?)```", AGENTS, re.DOTALL)


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """What a program gets; whatever would leave this machine ends at a closed port."""
    unwanted = ("OPENAI_", "GEMINI_", "GOOGLE_", "LANG", "PYTHON", "COV_", "COMPOSIO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    return {**kept, **nowhere, "HOME": str(tmp_path), **more}


def run(program: str, tmp_path: Path, **more: str) -> str:
    """Run a program as it was typed: what it printed."""
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=environment(tmp_path, **more),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["langchain.agents", "openai_agents", "pydantic_ai.models", "composio_openai"])
def test_a_frameworks_snippet_runs_as_it_is_typed(name: str, openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    (at,) = (index for index, text in enumerate(OTHERS) if f"from {name}" in text or f"agents.{name} import" in text)
    program = BEGINNING + OTHERS[at] + (OTHERS[at + 1] if name == "composio_openai" else "")
    printed = run(program, tmp_path, OPENROUTER_MODEL="acme/atlas-large")
    paths = [request.path for request in openrouter_sandbox.requests]
    assert paths[:2] == ["/chat/completions", "/models"]
    if name != "composio_openai":
        assert "17 * 3 = 51" in printed


def test_geminis_snippet_runs_as_it_is_typed(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    (snippet,) = (text for text in OTHERS if "genai.Client()" in text)
    with GeminiModel([Call("OPENROUTER_LIST_AVAILABLE_MODELS")]) as gemini:
        run(BEGINNING + snippet, tmp_path, GEMINI_API_KEY="a key of Google's", GOOGLE_GEMINI_BASE_URL=gemini.url)
    assert [request.path for request in openrouter_sandbox.requests] == ["/models"]


def test_composios_results_go_back(openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_MODEL", "acme/atlas-large")
    snippets = re.findall(r"```python\n(.*?)```", AGENTS, re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippets[0], names)
    for number in (index for index, text in enumerate(snippets) if "composio.providers" in text):
        exec(snippets[number], names)
        exec(snippets[number + 1], names)
    assert [message["role"] for message in names["conversation"]] == ["user", "assistant", "tool"]
    assert json.loads(names["conversation"][-1]["content"])["successful"]
    for name in ("registry", "client"):
        names[name].close()
