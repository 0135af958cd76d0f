"""The server under MCP's own Inspector, its command line. It comes from npm's registry."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..npm import path_with
from ..scale import scaled

INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
SCRIPT = str(Path(sys.executable).with_name("openrouter-toolkit"))
TOOL_FAILED = 5
Inspect = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def npx() -> str:
    """npx, with the Inspector in its cache."""
    path_with(INSPECTOR)
    return shutil.which("npx") or ""


@pytest.fixture
def inspect(npx: str, openrouter_sandbox: Sandbox, tmp_path: Path) -> Inspect:
    """Ask the server one thing: `inspect("--method", "tools/list")`."""

    def inspect(*options: str) -> subprocess.CompletedProcess[str]:
        connected = {
            "OPENROUTER_API_KEY": openrouter_sandbox.api_key,
            "OPENROUTER_BASE_URL": openrouter_sandbox.base_url,
            "OPENROUTER_TOOLKIT_DATABASE": "sqlite:////nowhere/store.db",
        }
        given = [word for name, value in connected.items() for word in ("-e", f"{name}={value}")]
        return subprocess.run(
            [npx, "--yes", INSPECTOR, "--cli", *given, SCRIPT, "mcp", *options, "--format", "json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
        )

    return inspect


def test_it_takes_the_server_and_the_key_from_a_configuration(
    npx: str, openrouter_sandbox: Sandbox, tmp_path: Path
) -> None:
    connected = {
        "OPENROUTER_API_KEY": openrouter_sandbox.api_key,
        "OPENROUTER_BASE_URL": openrouter_sandbox.base_url,
        "OPENROUTER_TOOLKIT_DATABASE": "sqlite:////nowhere/store.db",
    }
    server = {"command": SCRIPT, "args": ["mcp", "--read-only"], "env": connected}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"openrouter": server}}), encoding="utf-8")
    asked = ["--method", "tools/call", "--tool-name", "OPENROUTER_GET_CURRENT_KEY", "--format", "json"]
    done = subprocess.run(
        [npx, "--yes", INSPECTOR, "--cli", "--config", "mcp.json", "--server", "openrouter", *asked],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert openrouter_sandbox.requests[-1].key == openrouter_sandbox.api_key


def result(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)["result"]


@pytest.mark.load
@pytest.mark.parametrize("era", scaled(["modern"], full=["legacy", "modern"]))
def test_it_lists_the_tools(inspect: Inspect, registry: ToolRegistry, era: str) -> None:
    done = inspect("--protocol-era", era, "--method", "tools/list")
    assert done.returncode == 0, done.stderr
    assert [tool["name"] for tool in result(done)["tools"]] == list(registry.offered)
    assert "Schema portability: 0 errors" in done.stderr


def test_it_calls_a_tool(inspect: Inspect, openrouter_sandbox: Sandbox) -> None:
    question = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
    done = inspect(
        *("--method", "tools/call", "--tool-name", "OPENROUTER_CREATE_CHAT_COMPLETION"),
        *("--tool-args-json", json.dumps(question)),
    )
    assert done.returncode == 0, done.stderr
    told = result(done)
    assert json.loads(told["content"][0]["text"])["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert told["structuredContent"] == {"data": told["content"][0]["text"], "error": None, "successful": True}
    assert [request.path for request in openrouter_sandbox.requests] == ["/chat/completions"]


def test_a_failed_call_is_an_error_to_it(inspect: Inspect) -> None:
    done = inspect(
        *("--method", "tools/call", "--tool-name", "OPENROUTER_GET_GENERATION"),
        *("--tool-args-json", '{"idd": "gen-1"}'),
    )
    assert done.returncode == TOOL_FAILED
    assert result(done)["isError"] is True
    assert "did you mean id?" in result(done)["content"][0]["text"]
