"""Handlers for the account: its credits, its key, and the statistics of a generation."""

from __future__ import annotations

from typing import Any

from ..envelope import ActionError
from ..openrouter.client import BoundClient
from ..text.sanitize import quoted


def get_credits(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """Return credits bought and used, in US dollars (GET /credits).

    Only management keys may read them; the error for an ordinary key names the action that it can use.
    """
    try:
        return openrouter.get("/credits", arguments)
    except ActionError as error:
        elsewhere = error.details.get("not_openrouter") or error.details.get("limit")
        if error.type == "permission_denied" and not elsewhere:
            error.explanation = (
                "Reading the credit wants a management key with that right (the account's field management_api_key). "
                "OPENROUTER_GET_CURRENT_KEY tells this key's own limit, its budgets and what remains of them. "
                "OpenRouter said: "
                f"{quoted(error.message.rstrip('.'))}."
            )
        raise


def get_current_key(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """Return the key's label, limit, budgets and usage in US dollars, and free requests left today (GET /key)."""
    return openrouter.get("/key", arguments)


def get_generation(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """Return statistics of one generation: tokens, cost in US dollars, latency in milliseconds (GET /generation)."""
    return _of_generation("/generation", arguments, openrouter)


def get_generation_content(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """Return what one generation was asked and answered, where that is stored (GET /generation/content)."""
    return _of_generation("/generation/content", arguments, openrouter)


def _of_generation(path: str, arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """What is known of a generation appears some seconds after its end, so "not found" is retried for a while."""
    try:
        return openrouter.get(path, arguments, retry_not_found=True)
    except ActionError as error:
        if error.type == "not_found" and not error.details.get("not_openrouter"):
            error.explanation = (
                "There is no generation with this id for this account. Take the id from a completion's answer "
                "(id, as in gen-...); of a generation that has only just ended, ask again in some seconds."
            )
        raise
