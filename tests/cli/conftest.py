"""The command line as a person runs it, against a sandbox over a real socket.

Most commands run in the tests' own process, as `main` with streams and an environment of their own, since starting
Python takes longer than what they do. What is about the process itself (signals, encodings, pipes) uses `run_process`.
"""

import base64
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store

from ..openrouter.conftest import serve  # noqa: F401 - a fixture

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Command = Callable[..., tuple[int, str, str]]
SCRIPT = str(Path(sys.executable).with_name("openrouter-toolkit"))


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The user's folders for settings, data and caches, empty."""
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "CACHE")}
    for name, value in folders.items():
        monkeypatch.setenv(name, value)
    return folders


@pytest.fixture
def environment(sandbox: Sandbox, tmp_path: Path, folders: dict[str, str]) -> dict[str, str]:
    """What a shell has, with the sandbox connected, a store of its own, nothing that changes colours or encodings."""
    unwanted = ("OPENROUTER_", "PYTHON", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {
        **kept,
        **folders,
        "OPENROUTER_API_KEY": sandbox.api_key,
        "OPENROUTER_BASE_URL": sandbox.base_url,
        "OPENROUTER_TOOLKIT_DATABASE": f"sqlite:///{tmp_path / 'store.db'}",
        "OPENROUTER_TOOLKIT_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
        "PYTHONUTF8": "1",
        "TERM": "xterm-256color",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, in a folder that has nothing to do with the project."""

    def run(*command: str, stdin: bytes = b"", **changes: str) -> subprocess.CompletedProcess[bytes]:
        output, errors = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            for name, value in {**environment, **changes}.items():
                patch.setenv(name, value)
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["openrouter-toolkit", *command])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            patch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="utf-8", write_through=True))
            patch.setattr(sys, "stderr", io.TextIOWrapper(errors, encoding="utf-8", write_through=True))
            status = main(command)
            return subprocess.CompletedProcess(command, status, output.getvalue(), errors.getvalue())

    return run


@pytest.fixture
def run_process(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run the console script in a process of its own."""

    def run(*command: str | bytes, stdin: bytes = b"", **changes: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [SCRIPT, *command],
            input=stdin,
            cwd=tmp_path,
            env={**environment, **changes},
            capture_output=True,
            timeout=30,
            check=False,
        )

    return run


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Begin the console script and leave it running; it is ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str, **options: Any) -> subprocess.Popen[bytes]:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        started.append(subprocess.Popen([SCRIPT, *command], cwd=tmp_path, env=environment, **streams))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def store(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store that the commands use, which is there from now on, and an environment that leads to it."""
    monkeypatch.delenv("OPENROUTER_TOOLKIT_DEBUG", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Store.open() as store:
        yield store


@pytest.fixture
def command_here(store: Store, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command on the store of the test: its exit status, what it printed, and what it said on standard error."""

    def command(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(words)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command
