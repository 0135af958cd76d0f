"""The built wheel alone, in an environment that has never seen the source, run from another folder."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from openrouter_toolkit.sandbox import Sandbox

BIN = os.environ.get("OPENROUTER_TOOLKIT_WHEEL")
pytestmark = pytest.mark.skipif(BIN is None, reason="runs by `make wheel`, which builds and installs the wheel")


def run(sandbox: Sandbox, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "OPENROUTER_API_KEY": sandbox.api_key,
        "OPENROUTER_BASE_URL": sandbox.base_url,
    }
    assert BIN is not None
    program, *arguments = command
    return subprocess.run(
        [str(Path(BIN) / program), *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


def test_the_command_executes_an_action(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    done = run(openrouter_sandbox, tmp_path, "openrouter-toolkit", "execute", "OPENROUTER_LIST_PROVIDERS")
    assert (done.returncode, done.stderr) == (0, "")
    envelope = json.loads(done.stdout)
    assert envelope["successful"] is True
    assert json.loads(envelope["data"])["data"]


def test_manifest_and_schemas_are_inside_the_package(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    code = (
        "from openrouter_toolkit import ToolRegistry, manifest;"
        "print(len(ToolRegistry.from_manifest().actions), manifest.packaged_manifest())"
    )
    done = run(openrouter_sandbox, tmp_path, "python", "-c", code)
    assert done.returncode == 0, done.stderr
    count, path = done.stdout.split()
    assert int(count) == len(list(Path("schemas").glob("*.json")))
    assert Path(path).parent.name == "openrouter_toolkit"
    assert "site-packages" in path


def test_a_start_loads_neither_yaml_nor_pydantic_nor_what_only_calls_need(
    openrouter_sandbox: Sandbox, tmp_path: Path
) -> None:
    code = (
        "import sys; from openrouter_toolkit import ToolRegistry; ToolRegistry.from_manifest().tools('openai');"
        "late = {'yaml', 'pydantic', 'jsonschema', 'requests', 'jmespath', 'asyncio', 'decimal'};"
        "late |= {'openrouter_toolkit.action_types', 'openrouter_toolkit.notebook', 'openrouter_toolkit.openrouter'};"
        "print(sorted(late & set(sys.modules)))"
    )
    done = run(openrouter_sandbox, tmp_path, "python", "-c", code)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_bundled_sandbox_and_demo_work(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    done = run(openrouter_sandbox, tmp_path, "openrouter-toolkit", "demo")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "extra"),
    [(["serve"], "server"), (["connect", "--stdin"], "accounts"), (["mcp"], "mcp")],
)
def test_what_needs_an_extra_says_so(
    openrouter_sandbox: Sandbox, tmp_path: Path, command: list[str], extra: str
) -> None:
    done = run(openrouter_sandbox, tmp_path, "openrouter-toolkit", *command)
    assert done.returncode == 1
    assert f"pip install 'openrouter-toolkit[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
