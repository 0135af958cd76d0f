"""Truncates a failed call's data for a model: the part of a stream that arrived before it broke may be long."""

from __future__ import annotations

from .summary import for_model


def render_failure(data: str, limit: int) -> str:
    """Return a failed envelope's data as JSON, truncated if it exceeds `limit` characters (1000 or more)."""
    return data if len(data) <= limit else for_model(data, None, limit=limit)
