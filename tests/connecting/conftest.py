"""A sandbox, and an environment that has nothing of whoever runs the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from openrouter_toolkit import manifest
from openrouter_toolkit.manifest import LoadedToolkit
from openrouter_toolkit.sandbox import Sandbox


@pytest.fixture(scope="session")
def _running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(generation_delay=0.0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_running_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox without memories; the environment points to it and holds no key."""
    _running_sandbox.reset()
    monkeypatch.setenv("OPENROUTER_BASE_URL", _running_sandbox.base_url)
    for name in ("OPENROUTER_API_KEY", "OPENROUTER_MANAGEMENT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return _running_sandbox


@pytest.fixture(scope="session")
def loaded() -> LoadedToolkit:
    return manifest.load()
