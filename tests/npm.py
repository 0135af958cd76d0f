"""Packages from npm's registry, pinned: the tests that use them skip where they can't be had, but fail in CI."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PATIENCE = 90
# npm's own patience with an unreachable registry is a minute and more.
_IMPATIENT = {"npm_config_fetch_retry_mintimeout": "1000", "npm_config_fetch_retry_maxtimeout": "2000"}


def path_with(*packages: str) -> str:
    """The PATH on which the programs of these packages are. They are in npx's cache afterwards.

    The first time takes some seconds, later ones nothing.
    """
    command = ["npx", "--yes", *(word for package in packages for word in ("--package", package))]
    named = ", ".join(packages)
    remembered = _place(f"{Path.home()} {named}", ".folder")
    with _one_at_a_time(named):
        if not remembered.exists() or not Path(remembered.read_text(encoding="utf-8")).is_dir():
            path = _run([*command, "--", "node", "-p", "process.env.PATH"], named)
            remembered.write_text(path.split(os.pathsep)[0], encoding="utf-8")
        return os.pathsep.join([remembered.read_text(encoding="utf-8"), os.environ.get("PATH", "")])


def installed(folder: Path) -> Path:
    """The node_modules with exactly what a folder's package-lock.json says. They stay for later runs.

    The first time takes some twenty seconds, later ones nothing.
    """
    files = [folder / name for name in ("package.json", "package-lock.json")]
    name = "".join(file.read_text(encoding="utf-8") for file in files)
    place = _place(name)
    finished = place / "finished"
    with _one_at_a_time(name):
        if not finished.exists():
            place.mkdir(exist_ok=True)
            for file in files:
                shutil.copy(file, place)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"]
            _run(command, f"the packages of {folder.name}", cwd=place)
            finished.touch()
    return place / "node_modules"


def _run(command: list[str], named: str, cwd: Path | None = None) -> str:
    """What a program of npm prints. Where it can't be run, or fails, the test is skipped, but in CI it fails."""
    program, *words = command
    found = shutil.which(program)
    reason = f"{program} is not installed"
    if found is not None:
        try:
            done = subprocess.run(
                [found, *words],
                cwd=cwd,
                env={**os.environ, **_IMPATIENT},
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            reason = f"{program} did not install {named} within {_PATIENCE} seconds"
        else:
            if done.returncode == 0:
                return done.stdout
            why = next((line for line in done.stderr.splitlines() if "error" in line), "")
            reason = f"{program} can't install {named}: {why}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def _one_at_a_time(named: str) -> Iterator[None]:
    """Of all test processes one installs the same packages: several npx would get in each other's way."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with _place(named, ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _place(named: str, suffix: str = "") -> Path:
    """Where something is kept between runs."""
    digest = hashlib.sha256(named.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"openrouter-toolkit-npm-{digest}{suffix}"
