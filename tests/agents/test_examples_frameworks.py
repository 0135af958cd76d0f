"""The frameworks' examples, each as a process of its own, against the sandbox; Gemini's against a scripted model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openrouter_toolkit.sandbox import Sandbox

from ..scale import scaled
from .scripted_models import Call, GeminiModel

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["langchain_agent.py", "openai_agents_agent.py", "pydantic_ai_agent.py"]
CATALOGUE, COMPLETION = "OPENROUTER_LIST_AVAILABLE_MODELS", "OPENROUTER_CREATE_CHAT_COMPLETION"


def run(name: str, tmp_path: Path, *arguments: str, **environment: str) -> str:
    """Run an example and give what it printed. Whatever would leave this machine ends at a closed port."""
    unwanted = ("OPENROUTER_", "OPENAI_", "GEMINI_", "GOOGLE_", "LANG", "PYTHON", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        cwd=tmp_path,
        env={**kept, **nowhere, "HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "sk-or-v1-" not in done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def connected(sandbox: Sandbox) -> dict[str, str]:
    return {
        "OPENROUTER_API_KEY": sandbox.api_key,
        "OPENROUTER_BASE_URL": sandbox.base_url,
        "OPENROUTER_MODEL": "acme/atlas-large",
    }


def paths(sandbox: Sandbox) -> list[str]:
    return [request.path for request in sandbox.requests]


@pytest.mark.parametrize("name", NAMES)
def test_an_agent_finds_a_model_and_asks_it(name: str, openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    printed = run(name, tmp_path, **connected(openrouter_sandbox))
    assert printed.splitlines()[-1].endswith("17 * 3 = 51")
    chat = "/chat/completions"
    assert paths(openrouter_sandbox) == [chat, "/models", chat, chat, chat]
    assert {request.key for request in openrouter_sandbox.requests} == {openrouter_sandbox.api_key}
    agent, _, _, asked, told = (request.body for request in openrouter_sandbox.requests)
    assert [tool["function"]["name"] for tool in agent["tools"]] == [COMPLETION, CATALOGUE]
    assert asked == {"model": "acme/atlas-small:free", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
    assert "17 * 3 = 51" in told["messages"][-1]["content"]


@pytest.mark.load
@pytest.mark.parametrize("name", scaled(NAMES[:1], full=NAMES))
def test_an_action_that_fails_does_not_end_the_agent(name: str, openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    question = "Generate a chat completion with the model 'acme/missing'"
    printed = run(name, tmp_path, question, **connected(openrouter_sandbox))
    assert "acme/missing is not a valid model" in printed
    agent, asked, *_, told = openrouter_sandbox.requests
    assert asked.body["model"] == "acme/missing"
    assert told.path == agent.path
    assert "acme/missing is not a valid model" in told.body["messages"][-1]["content"]


def test_gemini_finds_a_model_and_asks_it(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    question = {"model": "acme/atlas-small:free", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
    with GeminiModel([Call(CATALOGUE)], [Call(COMPLETION, question)], "It says 51.") as gemini:
        google = {"GEMINI_API_KEY": "a key of Google's", "GOOGLE_GEMINI_BASE_URL": gemini.url}
        printed = run("google_genai_agent.py", tmp_path, **connected(openrouter_sandbox), **google)
        assert "17 * 3 = 51" in gemini.read()[0]
        own = [content["parts"][0] for content in gemini.requests[-1]["contents"] if content["role"] == "model"]
        assert [part["thoughtSignature"] for part in own] == ["c2lnbmVk"] * 2
    assert printed.splitlines() == [CATALOGUE, COMPLETION, "It says 51."]
    assert paths(openrouter_sandbox) == ["/models", "/chat/completions"]
