"""The examples on the vendors' own clients, and on none, as a developer runs them: a process each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from openrouter_toolkit.sandbox import Sandbox

from ..scale import scaled
from .responses_stand_in import responses_before

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["plain_agent", "openai_agent", "openai_responses_agent", "anthropic_agent", "composio_agent"]
MODEL = "acme/atlas-large"
FOREIGN = "sk-somebody-elses"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(openrouter_sandbox: Sandbox, tmp_path: Path) -> Iterator[Run]:
    """Run an example against the sandbox, with keys of other services around; whoever leaves loopback finds no way."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    dead_end = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    foreign = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"), FOREIGN)
    environment = {
        **kept,
        **dead_end,
        **foreign,
        "NO_PROXY": "127.0.0.1",
        "HOME": str(tmp_path),
        "OPENROUTER_API_KEY": openrouter_sandbox.api_key,
        "OPENROUTER_MODEL": MODEL,
    }
    with ExitStack() as stack:

        def run(name: str, **changes: str) -> subprocess.CompletedProcess[str]:
            base_url = openrouter_sandbox.base_url
            if name == "openai_responses_agent":
                base_url = stack.enter_context(responses_before(openrouter_sandbox))
            return subprocess.run(
                [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")],
                cwd=tmp_path,
                env={**environment, "OPENROUTER_BASE_URL": base_url, **changes},
                capture_output=True,
                encoding="utf-8",
                timeout=60,
            )

        yield run


def cheapest_with_tools(sandbox: Sandbox) -> str:
    """By the catalogue itself, as it is served."""
    with requests.Session() as session:
        session.trust_env = False
        models = session.get(f"{sandbox.base_url}/models", timeout=10).json()["data"]
    able = [model for model in models if "tools" in model["supported_parameters"]]
    assert len(able) < len(models)
    cheapest: dict[str, Any] = min(
        able, key=lambda m: float(m["pricing"]["prompt"]) + float(m["pricing"]["completion"])
    )
    return str(cheapest["id"])


@pytest.mark.parametrize("name", NAMES)
def test_the_cheapest_model_with_tools_is_found_and_asked_with_openrouters_key_alone(
    name: str, run: Run, openrouter_sandbox: Sandbox
) -> None:
    done = run(name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "17 * 3 = 51" in done.stdout
    assert "sk-or-v1-sandbox" not in done.stdout
    assert FOREIGN not in done.stdout
    for request in openrouter_sandbox.requests:
        assert request.key == openrouter_sandbox.api_key
        assert FOREIGN not in str(request.headers)
    path = "/messages" if name == "anthropic_agent" else "/chat/completions"
    asked, listed, asked_again, answered, asked_at_last = openrouter_sandbox.requests
    assert (listed.method, listed.path) == ("GET", "/models")
    for request in (asked, asked_again, asked_at_last):
        assert (request.path, request.body["model"]) == (path, MODEL)
    assert answered.path == "/chat/completions"
    assert answered.body == {
        "model": cheapest_with_tools(openrouter_sandbox),
        "messages": [{"role": "user", "content": "What is 17 * 3?"}],
    }


@pytest.mark.load
@pytest.mark.parametrize("name", scaled(["plain_agent", "openai_agent"], full=NAMES))
def test_a_key_that_is_refused_ends_it_and_is_not_shown(name: str, run: Run) -> None:
    refused = run(name, OPENROUTER_API_KEY="sk-or-v1-sandbox-expired-1234")
    assert refused.returncode == 1
    assert "401" in refused.stderr
    for shown in (refused.stdout, refused.stderr):
        assert "sk-or-v1-sandbox" not in shown
        assert FOREIGN not in shown


OTHERS = ["langchain_agent", "openai_agents_agent", "pydantic_ai_agent", "google_genai_agent", "mcp_client"]


@pytest.mark.load
@pytest.mark.parametrize("name", scaled(["openai_agent", "mcp_client"], full=[*NAMES, *OTHERS]))
def test_without_a_key_it_says_how_to_get_one(name: str, run: Run, openrouter_sandbox: Sandbox) -> None:
    done = run(name, OPENROUTER_API_KEY="")
    if name == "mcp_client":  # a connected account would do
        assert done.returncode == 1
        assert "OPENROUTER_API_KEY" in done.stdout
        assert "`env`" in done.stdout
        assert "`openrouter-toolkit connect`" in done.stdout
        assert "A key is made at https://openrouter.ai/keys" in done.stdout
        assert "Traceback" not in done.stderr
        return
    assert (done.returncode, done.stdout) == (1, "")
    assert "https://openrouter.ai/keys" in done.stderr
    assert "OPENROUTER_API_KEY" in done.stderr
    assert done.stderr.count("\n") == 1
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize(
    ("name", "variable"), [("mcp_client", "OPENROUTER_MODEL"), ("google_genai_agent", "GEMINI_API_KEY")]
)
def test_what_else_it_needs_is_told_in_a_line(name: str, variable: str, run: Run, openrouter_sandbox: Sandbox) -> None:
    done = run(name, **{variable: ""})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Set {variable}")
    assert done.stderr.count("\n") == 1
    assert openrouter_sandbox.requests == []


def test_composio_cores_has_the_same_line() -> None:
    texts = [(EXAMPLES / f"{name}.py").read_text(encoding="utf-8") for name in ("composio_core_agent", "openai_agent")]
    lines = [[line for line in text.splitlines() if "SystemExit" in line] for text in texts]
    assert lines[0] == lines[1] != []


def test_every_example_is_in_the_readmes_table() -> None:
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in EXAMPLES.glob("*.py")]
    assert {f"{name}.py" for name in NAMES} <= set(files)
    assert [name for name in files if f"[{name}]({name})" not in table or f"python examples/{name}" not in table] == []
