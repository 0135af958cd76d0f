"""The example does what it says, and no step of it leaves the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openrouter_toolkit.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[2] / "examples" / "composio_core_agent.py"
MODEL = "acme/atlas-large"
PROGRAM = """
import runpy, sys
from composio_core.watched import watch
watch(sys.argv[1])
runpy.run_path(sys.argv[2], run_name="__main__")
"""


@pytest.mark.parametrize("composio_key", [None, "composio-key-9e07"])
def test_the_cheapest_model_with_tools_is_found_and_asked(
    openrouter_sandbox: Sandbox, tmp_path: Path, composio_key: str | None
) -> None:
    record = tmp_path / "record"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSIO", "OPENROUTER"))}
    environment = {
        **kept,
        "HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "OPENROUTER_API_KEY": openrouter_sandbox.api_key,
        "OPENROUTER_BASE_URL": openrouter_sandbox.base_url,
        "OPENROUTER_MODEL": MODEL,
        **({} if composio_key is None else {"COMPOSIO_API_KEY": composio_key}),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(record), str(EXAMPLE)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "17 * 3 = 51" in done.stdout
    # The openai package asks uname what machine it is on.
    assert [line for line in record.read_text().splitlines() if "uname" not in line] == []
    asked, listed, asked_again, answered, asked_at_last = openrouter_sandbox.requests
    assert (listed.method, listed.path) == ("GET", "/models")
    for request in (asked, asked_again, asked_at_last):
        assert (request.path, request.body["model"]) == ("/chat/completions", MODEL)
    assert answered.body["messages"] == [{"role": "user", "content": "What is 17 * 3?"}]
    assert answered.body["model"] != MODEL
