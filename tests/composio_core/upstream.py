"""Names of composio-core, untyped: mypy sees the newer package `composio`, which has others."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def upstream(name: str, module: str = "composio") -> Any:
    """What is called so there."""
    return getattr(import_module(module), name)
