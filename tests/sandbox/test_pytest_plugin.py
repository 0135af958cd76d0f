"""The fixture that comes with the package."""

import os
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from openrouter_toolkit.sandbox import Sandbox


@pytest.fixture
def _management_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_MANAGEMENT_API_KEY", "sk-or-v1-left-over")


@pytest.mark.usefixtures("_management_key")
def test_the_environment_points_to_the_sandbox(openrouter_sandbox: "Sandbox") -> None:
    assert os.environ["OPENROUTER_BASE_URL"] == openrouter_sandbox.base_url
    assert os.environ["OPENROUTER_API_KEY"] == openrouter_sandbox.api_key
    assert "OPENROUTER_MANAGEMENT_API_KEY" not in os.environ


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_finds_it_fresh(openrouter_sandbox: "Sandbox", turn: int) -> None:
    assert openrouter_sandbox.requests == []
    body = {"model": "sandbox/rate-limited-once", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {openrouter_sandbox.api_key}"}
    url = f"{openrouter_sandbox.base_url}/chat/completions"
    assert requests.post(url, json=body, headers=headers).status_code == 429
