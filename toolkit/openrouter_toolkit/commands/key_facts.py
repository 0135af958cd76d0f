"""What the API tells about a key, in words: limit, spending, expiry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wording import named


def described(facts: Mapping[str, Any]) -> str:
    """Limit, what remains, spending and expiry, as far as the facts have them; in US dollars. May be empty."""
    parts = []
    if facts.get("is_free_tier") is True:
        parts.append("free tier")
    if "limit" in facts:
        reset = facts.get("limit_reset")
        every = f" ({named(reset, 20)})" if isinstance(reset, str) and reset else ""
        limit = _usd(facts["limit"])
        parts.append("no limit of its own" if limit is None else f"limit {limit}{every}")
    for name, words in (("limit_remaining", "left"), ("usage", "spent")):
        amount = _usd(facts.get(name))
        if amount is not None:
            parts.append(f"{amount} {words}")
    expires = facts.get("expires_at")
    if isinstance(expires, str) and expires:
        parts.append(f"expires {named(expires, 40)}")
    elif "expires_at" in facts:
        parts.append("does not expire")
    return ", ".join(parts)


def _usd(amount: Any) -> str | None:
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return None
    text = f"{amount:,.4f}".rstrip("0")
    return f"${text + '0' * max(0, 2 - len(text.partition('.')[2]))}"
