"""A sandbox, and an environment that has nothing of whoever runs the tests."""

from __future__ import annotations

import pytest

from openrouter_toolkit import manifest
from openrouter_toolkit.manifest import LoadedToolkit
from openrouter_toolkit.sandbox import Sandbox


@pytest.fixture
def sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox; the environment points to it and holds no key."""
    monkeypatch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
    for name in ("OPENROUTER_API_KEY", "OPENROUTER_MANAGEMENT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return sandbox


@pytest.fixture(scope="session")
def loaded() -> LoadedToolkit:
    return manifest.load()
