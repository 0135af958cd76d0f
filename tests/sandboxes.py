"""The sandbox that all tests share, as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from openrouter_toolkit.sandbox import Sandbox

__all__ = ["_running_sandbox", "sandbox"]


@pytest.fixture(scope="session")
def _running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(generation_delay=0.0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_running_sandbox: Sandbox) -> Sandbox:
    """A stand-in for OpenRouter, its login page included, that has forgotten everything."""
    _running_sandbox.reset()
    return _running_sandbox
