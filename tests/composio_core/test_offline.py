"""Nothing leaves the machine, to the interpreter's last breath, and nothing of a call is left behind on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox

from .watched import CANARY

COMPOSIO_KEY = "composio-key-9e07"
TESTS = Path(__file__).parents[1]


class Run:
    """The watched program in folders of its own, with composio's log as talkative as it gets."""

    def __init__(self, folder: Path, sandbox: Sandbox, part: str, **environment: str) -> None:
        self.home, self.work = folder / "home", folder / "work"
        self.record = folder / "record"
        self.home.mkdir()
        self.work.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSIO", "OPENROUTER"))}
        self.done = subprocess.run(
            [sys.executable, "-m", "composio_core.watched", str(self.record), part],
            env={
                **kept,
                "HOME": str(self.home),
                "PYTHONPATH": str(TESTS),
                "COMPOSIO_LOGGING_LEVEL": "debug",
                "COMPOSIO_LOG_VERBOSITY": "3",
                "OPENROUTER_API_KEY": sandbox.api_key,
                "OPENROUTER_BASE_URL": sandbox.base_url,
                **environment,
            },
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def left(self) -> str:
        """Everything that the run left in files and printed, but for its result."""
        files = [path for folder in (self.home, self.work) for path in folder.rglob("*") if path.is_file()]
        return "\n".join([self.done.stderr, *(f"{path}\n{path.read_text(errors='replace')}" for path in files)])


WITH_KEY: dict[str, str] = {"COMPOSIO_API_KEY": COMPOSIO_KEY}


@pytest.fixture(params=[{}, WITH_KEY], ids=["no key of composio's", "a key of composio's"])
def whole(request: pytest.FixtureRequest, openrouter_sandbox: Sandbox, tmp_path: Path) -> Run:
    """The whole program's run, which has succeeded."""
    run = Run(tmp_path, openrouter_sandbox, "whole", **request.param)
    assert run.done.returncode == 0, run.done.stderr
    return run


def test_nothing_is_asked_of_the_network(whole: Run) -> None:
    assert whole.record.read_text() == ""
    told: dict[str, Any] = json.loads(whole.done.stdout)
    offered = [action for action in load().actions if not action.withdrawn]
    for package in ("composio", "composio_openai"):
        assert told[f"{package} schemas"] == len(offered)
        assert told[f"{package} answered"] is True
        kinds = ["invalid_arguments", "not_connected", "authentication", "unknown_action"]
        assert told[f"{package} failed"] == kinds
        assert told[f"{package} raised"] == "EnumStringNotFound"  # a name that is not ours is not asked for either
    assert told["tools"] == len(offered)
    assert told["calls"] == [True, False, False]
    assert told["threads"] == []  # composio's log sender is such a thread


def test_no_key_argument_or_answer_is_logged_or_left_in_a_file(whole: Run, openrouter_sandbox: Sandbox) -> None:
    assert "[DEBUG] Loading local tools" in whole.done.stderr  # composio's log is on
    left = whole.left()
    for secret in (CANARY, openrouter_sandbox.api_key, COMPOSIO_KEY):
        assert secret.lower() not in left.lower()
    assert list(whole.work.iterdir()) == []


def test_nor_where_composio_was_imported_before(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    switches = {"COMPOSIO_DISABLE_SENTRY": "true", "COMPOSIO_DISABLE_VERSION_CHECK": "true"}
    run = Run(tmp_path, openrouter_sandbox, "imported_before", **switches, **WITH_KEY)
    assert run.done.returncode == 0, run.done.stderr
    assert run.record.read_text() == ""


def test_the_watch_sees_what_composio_does_without_us(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    run = Run(tmp_path, openrouter_sandbox, "plain_import")
    assert "backend.composio.dev" in run.record.read_text()


def test_the_watch_sees_what_happens_at_exit(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    switches = {"COMPOSIO_DISABLE_SENTRY": "true", "COMPOSIO_DISABLE_VERSION_CHECK": "true"}
    run = Run(tmp_path, openrouter_sandbox, "plain_import", **switches)
    assert "backend.composio.dev" in run.record.read_text()


def test_the_watch_sees_what_composio_does_with_arguments(openrouter_sandbox: Sandbox, tmp_path: Path) -> None:
    switches = {"COMPOSIO_DISABLE_SENTRY": "true", "COMPOSIO_DISABLE_VERSION_CHECK": "true"}
    no_names = {"COMPOSIO_NO_CACHE_REFRESH": "true", "COMPOSIO_NO_REMOTE_ENUM_FETCHING": "true"}
    run = Run(tmp_path, openrouter_sandbox, "plain_execution", **switches, **no_names, **WITH_KEY)
    assert "backend.composio.dev" in run.record.read_text()
    assert CANARY in run.left()
