"""A handler for a toolkit whose manifest describes its API."""

from __future__ import annotations

from typing import Any


def report(arguments: dict[str, Any], weather: Any) -> str:
    """Send a report."""
    text: str = weather.request("POST", "/reports", {"text": f"from {arguments['city']}"})
    return text
