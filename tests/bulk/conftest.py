"""A registry of the sandbox's for bulk runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"


def question(text: str = "What is 17 * 3?", model: str = "acme/atlas-small", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 20, **more}


@pytest.fixture
def registry(sandbox: Sandbox) -> Iterator[ToolRegistry]:
    accounts = MemoryAccounts({"default": {"api_key": sandbox.api_key}})
    with ToolRegistry.from_manifest(accounts=accounts, client_options={"base_url": sandbox.base_url}) as registry:
        yield registry
