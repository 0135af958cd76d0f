"""A registry for a toolkit that a test declares, and the API that it talks to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit import MemoryAccounts, ToolRegistry

from ..declared import KEY, write
from ..openrouter.conftest import _quiet_environment, largest_jitter, serve, waits  # noqa: F401 - fixtures

Declare = Callable[..., ToolRegistry]
CITY: dict[str, Any] = {"city": {"type": "string"}}
READ: dict[str, Any] = {"request": "GET /cities/{city}", "takes": CITY, "hints": ["readOnlyHint"]}
BEARER = "Bearer {api_key}"


@pytest.fixture
def declare(tmp_path: Path) -> Iterator[Declare]:
    """Make the registry of a declared toolkit: `declare(server, rows, authorization=...)`."""

    def declare(
        server: Any,
        rows: dict[str, dict[str, Any]],
        *,
        account: dict[str, str] | None = None,
        fields: list[dict[str, Any]] | None = None,
        auth: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        **client: Any,
    ) -> ToolRegistry:
        client = {"base_url": server.base_url, "authorization": BEARER, **client}
        path = write(tmp_path, client, rows, fields=fields, auth=auth)
        accounts = MemoryAccounts({"default": {"api_key": KEY.replace(" ", "-")} if account is None else account})
        return opened.enter_context(ToolRegistry.from_manifest(path, accounts=accounts, client_options=options))

    with ExitStack() as opened:
        yield declare
