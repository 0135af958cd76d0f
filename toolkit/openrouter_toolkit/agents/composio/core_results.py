"""Results as composio-core has them: `data` is an object, and fits a model if it is for one."""

from __future__ import annotations

import json
from typing import Any

from ...envelope import ActionError, Envelope
from ...tool_calling import ToolResult
from ...tool_calling.options import DEFAULT_LIMIT
from ...tool_calling.summary import render_failure


def refused_account_id() -> dict[str, Any]:
    """Return the failure for a call that chooses its account by itself."""
    message = "A connected_account_id was given, and nothing was executed: accounts are chosen by entity_id here."
    return to_composio(Envelope.failure(ActionError("refused_by_policy", message, advice="Leave it out.")))


def to_composio_for_model(result: ToolResult) -> dict[str, Any]:
    """Convert the result of a model's call to composio's envelope; its texts keep to the result's limit."""
    if not result.failed:
        return {"data": _object(result.text), "error": None, "successful": True}
    data = render_failure(result.envelope.data, DEFAULT_LIMIT)
    return {"data": _object(data), "error": result.text, "successful": False}


def to_composio(envelope: Envelope) -> dict[str, Any]:
    """Convert an envelope to composio's, with an object as data."""
    return {"data": _object(envelope.data), "error": envelope.error, "successful": envelope.successful}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        value = text  # an RSS feed, or an empty text
    return value if isinstance(value, dict) else {"result": value}
