"""The pytest fixture `openrouter_sandbox`, for tests of code that calls OpenRouter."""

from collections.abc import Iterator

import pytest

from .server import Sandbox


@pytest.fixture(scope="session")
def _running_openrouter_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def openrouter_sandbox(_running_openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox in its initial state; the environment variables name it as the API."""
    sandbox = _running_openrouter_sandbox
    sandbox.reset()
    monkeypatch.setenv("OPENROUTER_API_KEY", sandbox.api_key)
    monkeypatch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
    monkeypatch.delenv("OPENROUTER_MANAGEMENT_API_KEY", raising=False)
    return sandbox
