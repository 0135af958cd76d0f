"""What GET /key tells about a key, held against the field that the key is meant for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_KEYS = "openrouter.ai/keys"
_MANAGEMENT_KEYS = "openrouter.ai/settings/management-keys"


def why_unfit(field: str, answer: Mapping[str, Any]) -> str | None:
    """Why a key can't serve in a field (`api_key` or `management_api_key`), with what to do; None when it can.

    `answer` is the body of GET /key, which both kinds of key may ask: that it came proves a key good, not fit.
    """
    key = answer.get("data")
    if not isinstance(key, dict):
        return "OpenRouter's answer about this key can't be read. Try again later."
    manages = key.get("is_management_key") is True or key.get("is_provisioning_key") is True
    page = _MANAGEMENT_KEYS if manages else _KEYS
    if key.get("disabled") is True:
        return f"This key is disabled. Enable it at {page}, or make a new one there."
    ended = _moment(key.get("expires_at"))
    if ended is not None and ended <= datetime.now(UTC):
        return f"This key expired on {ended:%Y-%m-%d}. Make a new one at {page}."
    if field == "api_key" and manages:
        return (
            "This is a management key: its completions would all fail. Make an ordinary key at "
            f"{_KEYS} and give that one as the API key; this one serves as the management key."
        )
    if field == "management_api_key" and not manages:
        return (
            "This is an ordinary key, which may not read the account's credit. Make a management key at "
            f"{_MANAGEMENT_KEYS}, or leave the management key out."
        )
    return None


def _moment(value: Any) -> datetime | None:
    """A time as OpenRouter gives it (ISO 8601, UTC), or None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
