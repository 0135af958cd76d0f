"""Handlers for batches: many requests that are answered within a day."""

from __future__ import annotations

from typing import Any

from ..openrouter.client import BoundClient


def create_batch(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """Queue many requests to one model (POST /batches).

    OpenRouter reads the body while it arrives, so the requests have to stand last in it.
    """
    others = {name: value for name, value in arguments.items() if name != "requests"}
    return openrouter.request("POST", "/batches", {**others, "requests": arguments["requests"]})
