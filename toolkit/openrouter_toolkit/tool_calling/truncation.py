"""A failure's data, made short enough for a model: what had arrived before a stream broke off may be long."""

from __future__ import annotations

from .summary import for_model


def render_failure(data: str, limit: int) -> str:
    """The failed envelope's data as JSON in at most `limit` characters (1000 or more); cut only where it has to be."""
    return data if len(data) <= limit else for_model(data, None, limit=limit)
