"""The Python of README.md and docs runs as it is, against the sandbox, with what its install line brings."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.cli import parser
from openrouter_toolkit.ledger import CallEntry
from openrouter_toolkit.sandbox import Sandbox

from ..agents.responses_stand_in import responses_before
from ..agents.scripted_models import Call, GeminiModel
from ..scale import scaled
from .install_lines import imported, install_lines, modules_of, restricted_to

DOCS = Path(__file__).parents[2] / "docs"


def python_of(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def sections(text: str) -> dict[str, str]:
    """What is under each heading."""
    outside_code = re.sub(r"```.*?```", lambda block: block[0].replace("\n#", "\n\0"), text, flags=re.DOTALL)
    parts = re.split(r"^#+ (.*)\n", outside_code, flags=re.MULTILINE)
    return {title: part.replace("\0", "#") for title, part in zip(parts[1::2], parts[2::2], strict=True)}


SNIPPETS = python_of((DOCS.parent / "README.md").read_text(encoding="utf-8"))


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


def test_the_page_on_answers_runs_from_top_to_bottom(
    openrouter_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    for snippet in python_of((DOCS / "answers.md").read_text(encoding="utf-8")):
        exec(snippet, names)
    for name in ("registry", "typed"):
        names[name].close()
    printed = capsys.readouterr().out
    assert printed.count("17 * 3 = 51") == 3
    assert "acme/atlas-small gen-" in printed
    assert "invalid_arguments None OPENROUTER_GET_GENERATION was not called" in printed


def test_the_page_on_the_ledger_runs(
    openrouter_sandbox: Sandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", f"sqlite:///{tmp_path / 'store.db'}")
    monkeypatch.setenv("OPENROUTER_TOOLKIT_MASTER_KEY", base64.b64encode(bytes(range(32))).decode())
    text = (DOCS / "ledger.md").read_text(encoding="utf-8")
    (program,) = python_of(text)
    exec(program, {})
    call, usage = capsys.readouterr().out.splitlines()
    assert call.endswith("acme/atlas-small 0.00000725 ok")
    assert usage == "{'user': 'default', 'model': 'acme/atlas-small'} 1 0.00000725"
    for line in re.findall(r"^    openrouter-toolkit (.*)$", text, re.MULTILINE):
        assert callable(parser().parse_args(shlex.split(line)).run)
    for name in (field.name for field in fields(CallEntry)):
        assert f"`{name}`" in text


def test_the_page_on_spending_runs(openrouter_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / "spending.md").read_text(encoding="utf-8")
    quotes, budgets = python_of(text)
    exec(quotes, {})
    assert capsys.readouterr().out.count("\n") > 1
    exec(budgets, {})
    kind, message = capsys.readouterr().out.splitlines()
    assert kind == "budget_exceeded"
    assert message.startswith("The budget 'a call' allows $0.0001 for a call, and this one may cost up to $0.0")
    for line in re.findall(r"^    openrouter-toolkit (.*)$", text, re.MULTILINE):
        assert callable(parser().parse_args(shlex.split(line)).run)


def test_the_page_on_observability_prints_a_span(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    text = (DOCS / "observability.md").read_text(encoding="utf-8")
    (program,), (line,) = python_of(text), install_lines(text)
    printed = run(restricted_to(line, program), tmp_path)
    spans, end = [], 0
    while printed[end:].strip():
        span, length = json.JSONDecoder().raw_decode(printed[end:].lstrip())
        spans.append(span)
        end += length + 1
    chat = next(span for span in spans if span["name"] == "chat acme/atlas-small")
    agent = next(span for span in spans if span["name"] == "agent")
    assert chat["parent_id"] == agent["context"]["span_id"]
    for name in chat["attributes"]:
        assert name in text or name.rpartition(".")[2] in text
    assert openrouter_sandbox.requests[0].body["trace"]["trace_id"] == chat["context"]["trace_id"].removeprefix("0x")


AGENTS = (DOCS / "agents.md").read_text(encoding="utf-8")
PREAMBLE = python_of(AGENTS)[0]
# Each section with Python of its own that works in the sandbox, and the requests that it makes there.
SECTIONS = {
    "OpenAI's chat completions (and OpenRouter itself)": ["/chat/completions", "/models"],
    "Anthropic's messages": ["/messages", "/models"],
    "Streamed answers": ["/chat/completions", "/models", "/chat/completions"],
    "LangChain": ["/chat/completions", "/models", "/chat/completions"],
    "OpenAI's Agents SDK": ["/chat/completions", "/models", "/chat/completions"],
    "pydantic-ai": ["/chat/completions", "/models", "/chat/completions"],
    "Composio": ["/chat/completions", "/models"],
}


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
        env=environment(tmp_path, OPENROUTER_MODEL="acme/atlas-large", **more),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.load
@pytest.mark.parametrize("title", scaled(list(SECTIONS)[::3], full=list(SECTIONS)))
def test_a_section_runs_with_nothing_but_what_its_install_line_brings(
    title: str, openrouter_sandbox: Sandbox, tmp_path: Path
) -> None:
    section = sections(AGENTS)[title]
    (line,) = install_lines(section)
    printed = run(restricted_to(line, PREAMBLE + "".join(python_of(section))), tmp_path)
    paths = [request.path for request in openrouter_sandbox.requests]
    assert paths[: len(SECTIONS[title])] == SECTIONS[title]
    if "print(" in section:
        assert "17 * 3 = 51" in printed


def test_geminis_section_too(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    section = sections(AGENTS)["google-genai"]
    (line,) = install_lines(section)
    with GeminiModel([Call("OPENROUTER_LIST_AVAILABLE_MODELS")]) as gemini:
        program = restricted_to(line, PREAMBLE + "".join(python_of(section)))
        run(program, tmp_path, GEMINI_API_KEY="a key of Google's", GOOGLE_GEMINI_BASE_URL=gemini.url)
    assert [request.path for request in openrouter_sandbox.requests] == ["/models"]


def test_the_section_of_responses_too(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    section = sections(AGENTS)["OpenAI's responses"]
    (line,) = install_lines(section)
    with responses_before(openrouter_sandbox) as base_url:
        program = restricted_to(line, PREAMBLE + "".join(python_of(section)) + "print(items[-1]['type'])")
        assert run(program, tmp_path, OPENROUTER_BASE_URL=base_url) == "function_call_output\n"


def test_no_section_of_agents_is_forgotten() -> None:
    with_install_line = {title for title, text in sections(AGENTS).items() if install_lines(text)}
    elsewhere = {"OpenAI's responses", "google-genai", "composio-core"}  # the last has an environment of its own
    assert with_install_line == SECTIONS.keys() | elsewhere
    assert {title for title, text in sections(AGENTS).items() if python_of(text)} - with_install_line == {
        "Attached to agents",  # the preamble
        "What a model gets to read",
    }


def test_the_import_of_something_else_would_be_noticed(tmp_path: Path) -> None:
    program = restricted_to(
        "openrouter-toolkit", "import requests, jmespath\ntry: import openai\nexcept ImportError: print(1)"
    )
    assert run(program, tmp_path) == "1\n"


@pytest.mark.parametrize(
    "name",
    [
        "agents.md",
        "answers.md",
        "connect.md",
        "ledger.md",
        "mcp.md",
        "observability.md",
        "server.md",
        "spending.md",
        "toolkits.md",
    ],
)
def test_what_the_python_of_a_document_imports_is_brought_by_its_install_lines(name: str) -> None:
    """A section without an install line goes on from that at the document's beginning, or from the preamble's."""
    text = (DOCS / name).read_text(encoding="utf-8")
    inline = re.findall(r"`pip install ('openrouter-toolkit[^`]*)`", text)
    first = [*install_lines(text.partition("\n## ")[0]), *inline, "openrouter-toolkit"][0]
    for title, section in sections(text).items():
        for line in install_lines(section) or [first]:
            if "composio-core" not in line:  # not installed here
                assert imported(python_of(section)) <= modules_of(line), title


EXAMPLES = Path(__file__).parents[2] / "examples"
ROWS = re.findall(r"^\| \[(\w+\.py)\].*?`pip install (.*?)`", (EXAMPLES / "README.md").read_text(), re.MULTILINE)


def test_every_example_says_what_it_needs() -> None:
    assert {name for name, _ in ROWS} == {path.name for path in EXAMPLES.glob("*.py")}


@pytest.mark.parametrize(("name", "line"), [row for row in ROWS if "composio-core" not in row[1]])
def test_what_an_example_imports_is_brought_by_its_install_line(name: str, line: str) -> None:
    assert imported([(EXAMPLES / name).read_text(encoding="utf-8")]) <= modules_of(line)


def test_composios_results_go_back(openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_MODEL", "acme/atlas-large")
    names: dict[str, Any] = {}
    for snippet in (PREAMBLE, *python_of(sections(AGENTS)["Composio"])):
        exec(snippet, names)
    assert [message["role"] for message in names["conversation"]] == ["user", "assistant", "tool"]
    assert json.loads(names["conversation"][-1]["content"])["successful"]
    for name in ("registry", "client"):
        names[name].close()


def test_the_tests_of_the_sandboxs_document_pass(openrouter_sandbox: Sandbox) -> None:
    tests: dict[str, Any] = {}
    for snippet in python_of((DOCS / "sandbox.md").read_text(encoding="utf-8")):
        exec(snippet, tests)
    found = [test for name, test in tests.items() if name.startswith("test_")]
    assert len(found) == 2
    for test in found:
        openrouter_sandbox.reset()
        test(openrouter_sandbox)
