"""Reads what an API says about a key: when it expires, and what is left of its limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ..store.account_health import Health

_SOON = timedelta(days=7)
_LOW = Decimal("0.1")
# The API lists a key's own limit as a budget too.
_OWN_LIMIT = "key_limit"


def conditions(facts: Mapping[str, Any], at: datetime) -> dict[Health, str]:
    """Return in which conditions a key is, each with a sentence. Facts that are absent or no numbers tell nothing."""
    found: dict[Health, str] = {}
    expires = expires_at(facts)
    if expires is not None and expires - at < _SOON:
        day = f"{expires:%d %B %Y}".lstrip("0")
        found[Health.EXPIRING] = f"The key {'expires' if expires > at else 'expired'} on {day}."
    budget = facts.get("effective_budget")
    for limit, left, what in (
        (dollars(facts.get("limit")), dollars(facts.get("limit_remaining")), "the key's limit"),
        *_effective(budget if isinstance(budget, Mapping) else {}),
    ):
        if limit is not None and left is not None and left < limit * _LOW:
            found[Health.LOW] = (
                f"{what[0].upper()}{what[1:]} of {_shown(limit)} is used up."
                if left <= 0
                else f"{_shown(left)} of {what} of {_shown(limit)} are left."
            )
            break
    return found


def expires_at(facts: Mapping[str, Any]) -> datetime | None:
    """Return when a key expires, None if it does not, or does not say so in ISO 8601."""
    text = facts.get("expires_at")
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def dollars(amount: Any) -> Decimal | None:
    """Return an amount exactly as JSON wrote it, None if it is no number."""
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not math.isfinite(amount):
        return None
    return Decimal(repr(amount)) if abs(amount) < 10**9 else None


def _effective(budget: Mapping[str, Any]) -> list[tuple[Decimal | None, Decimal | None, str]]:
    if budget.get("scope") == _OWN_LIMIT:
        return []
    return [(dollars(budget.get("limit_usd")), dollars(budget.get("remaining_usd")), "the budget that applies to it")]


def _shown(amount: Decimal) -> str:
    return f"${amount:,.2f}"
