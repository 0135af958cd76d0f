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

    The first time takes some seconds, later ones one or two.
    """
    found = shutil.which("npx")
    reason = "npx is not installed"
    named = ", ".join(packages)
    if found is not None:
        command = [found, "--yes", *(word for package in packages for word in ("--package", package))]
        try:
            with _one_at_a_time(named):
                done = subprocess.run(
                    [*command, "--", "node", "-p", "process.env.PATH"],
                    env={**os.environ, **_IMPATIENT},
                    capture_output=True,
                    text=True,
                    timeout=_PATIENCE,
                )
        except subprocess.TimeoutExpired:
            reason = f"npx did not install {named} within {_PATIENCE} seconds"
        else:
            if done.returncode == 0:
                return done.stdout.strip()
            why = next((line for line in done.stderr.splitlines() if "error" in line), "")
            reason = f"npx can't install {named}: {why}"
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

    name = hashlib.sha256(named.encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"openrouter-toolkit-npm-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
