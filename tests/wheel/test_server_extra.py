"""The built wheel with its server extra: templates, static files and migrations are inside, and all of it works."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from openrouter_toolkit.sandbox import Sandbox

BIN = os.environ.get("OPENROUTER_TOOLKIT_WHEEL_SERVER")
pytestmark = pytest.mark.skipif(BIN is None, reason="runs by `make wheel`, which installs the wheel with its extra")


@pytest.fixture
def environment(openrouter_sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """Nothing of whoever runs the tests; the store and its key are made in the home folder."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "OPENROUTER_BASE_URL": openrouter_sandbox.base_url,
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Any:
    """A command of the wheel's, and what it printed."""

    def run(*arguments: str, given: str | None = None) -> str:
        command = [f"{BIN}/openrouter-toolkit", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, input=given, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def serving(run: Any, environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The URL of a server that runs."""
    command = [f"{BIN}/openrouter-toolkit", "serve"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            assert process.wait(20) == 0, (tmp_path / "log").read_text()
            process.stdout.close()


def test_an_account_a_token_and_a_call(run: Any, serving: str, openrouter_sandbox: Sandbox) -> None:
    run("connect", "--stdin", "--user-id", "alice", given=openrouter_sandbox.api_key)
    token = run("tokens", "create").strip()
    answer = requests.post(
        f"{serving}/api/actions/OPENROUTER_GET_CURRENT_KEY",
        json={"user_id": "alice", "arguments": {}},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.json()["successful"] is True


def test_an_administrator_looks_at_the_pages(run: Any, serving: str) -> None:
    link = run("login-link", serving).strip()
    with requests.Session() as browser:
        form = browser.get(link, timeout=30).text
        csrf = re.search(r'name="csrf" value="(\w+)"', form)
        assert csrf
        page = browser.post(link, data={"name": "Ada", "csrf": csrf[1]}, timeout=30)
        assert page.url == f"{serving}/admin/tools"
        assert "OpenRouter" in page.text
        wanted = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
        assert {Path(path.partition("?")[0]).suffix for path in wanted} >= {".css", ".js"}
        for path in wanted:
            assert browser.get(f"{serving}{path}", timeout=30).ok, path
        assert browser.get(f"{serving}/admin/tools/openrouter", timeout=30).ok
