"""Check a key's facts from GET /key against the account field that the key is given for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_KEYS = "openrouter.ai/keys"
_MANAGEMENT_KEYS = "openrouter.ai/settings/management-keys"


def why_unfit(field: str, answer: Mapping[str, Any]) -> str | None:
    """Why a key can't be used in a field (`api_key` or `management_api_key`), with what to do; None if it can.

    `answer` is the body of GET /key. Both kinds of key may call it, so an answer proves a key valid, not suitable.
    """
    key = answer.get("data")
    if not isinstance(key, dict):
        return "OpenRouter's answer about this key can't be read. Try again later."
    is_management = key.get("is_management_key") is True or key.get("is_provisioning_key") is True
    page = _MANAGEMENT_KEYS if is_management else _KEYS
    if key.get("disabled") is True:
        return f"This key is disabled. Enable it at {page}, or make a new one there."
    expires_at = _parse_time(key.get("expires_at"))
    if expires_at is not None and expires_at <= datetime.now(UTC):
        return f"This key expired on {expires_at:%Y-%m-%d}. Make a new one at {page}."
    if field == "api_key" and is_management:
        return (
            "This is a management key: its completions would all fail. Make an ordinary key at "
            f"{_KEYS} and give that one as the API key; this one serves as the management key."
        )
    if field == "management_api_key" and not is_management:
        return (
            "This is an ordinary key, which may not read the account's credit. Make a management key at "
            f"{_MANAGEMENT_KEYS}, or leave the management key out."
        )
    return None


def _parse_time(value: Any) -> datetime | None:
    """A time in OpenRouter's format (ISO 8601, UTC), or None for anything else."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
