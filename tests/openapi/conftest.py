"""Toolkits that a test imports from a document of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from openrouter_toolkit.manifest import LoadedToolkit, load
from openrouter_toolkit.openapi import Document, Imported, choose, import_toolkit, operations

from ..openrouter.conftest import _quiet_environment, largest_jitter, serve, waits  # noqa: F401 - fixtures

Json = dict[str, Any]
Importing = Callable[..., tuple[Imported, LoadedToolkit]]
SERVER = "https://api.shop.example/v1"
OK: Json = {"200": {"description": "What came.", "content": {"application/json": {"schema": {"type": "object"}}}}}


def document(paths: Json, **more: Any) -> Json:
    """An OpenAPI document with these paths."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Shop API", "version": "1"},
        "servers": [{"url": SERVER}],
        "paths": paths,
        **more,
    }


def operation(**content: Any) -> Json:
    """An operation that answers with JSON."""
    return {"operationId": "doIt", "responses": OK, **content}


def body(schema: Any, kind: str = "application/json", **more: Any) -> Json:
    """A request body."""
    return {"content": {kind: {"schema": schema}}, **more}


@pytest.fixture
def importing(tmp_path: Path) -> Importing:
    """Import a document's operations as the toolkit SHOP, and load what was written."""

    def importing(content: Json, *, base_url: str | None = None, **choice: Any) -> tuple[Imported, LoadedToolkit]:
        parsed = Document.parse(yaml.safe_dump(content, sort_keys=False).encode())
        found = operations(parsed)
        imported = import_toolkit(parsed, found, choose(found, **choice), name="Shop", slug="SHOP", base_url=base_url)
        return imported, written(imported, tmp_path / "shop")

    return importing


def written(imported: Imported, folder: Path) -> LoadedToolkit:
    """Write a toolkit's files and load it, with all checks."""
    for path, text in imported.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return load(folder)
