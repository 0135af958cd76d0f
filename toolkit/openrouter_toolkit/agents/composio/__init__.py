"""Adapters for Composio: for the providers of its current package, and for composio-core as a local tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core import local_toolset

__all__ = ["local_toolset"]


def __getattr__(name: str) -> Any:
    if name != "local_toolset":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .core import local_toolset

    return local_toolset
