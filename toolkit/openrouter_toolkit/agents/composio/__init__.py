"""Adapters for Composio: for the providers of its current package, and for composio-core as a local tool."""

from .core import local_toolset

__all__ = ["local_toolset"]
