"""Actions that are nothing but a request: it is sent as the manifest says, and the sandbox answers it."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..schemas.operations import ACTIONS, ROWS
from ..there import after_calls, arguments_for

REQUESTS = {name: row["request"] for name, row in zip(ACTIONS, ROWS, strict=True) if "request" in row}


@pytest.mark.parametrize("action", REQUESTS)
def test_the_request_is_sent(
    action: str,
    registry: ToolRegistry,
    openrouter_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENROUTER_MANAGEMENT_API_KEY", openrouter_sandbox.management_api_key)
    arguments = after_calls(registry, action, arguments_for(action, ACTIONS[action].toolset))
    openrouter_sandbox.clear()
    assert registry.execute(ACTIONS[action].slug, arguments).error is None
    (sent,) = openrouter_sandbox.requests
    method, path = REQUESTS[action].split(" ")
    assert (sent.method, unquote(sent.path)) == (method, path.format(**arguments))
    managed = ACTIONS[action].credential == "management_api_key"
    assert sent.key == (openrouter_sandbox.management_api_key if managed else openrouter_sandbox.api_key)
