"""Describes in words what the API reports about a key: limit, budgets, spending, free requests left, expiry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text.sanitize import short_name

# The API lists a key's own limit as a budget too (KeyBudget in OpenRouter's specification).
_OWN_LIMIT = "key_limit"
_SCOPES = {
    "workspace": "the workspace",
    "workspace_default_member": "each member of the workspace",
    "workspace_default_key": "each key of the workspace",
    "member": "the member",
    "api_key": "the key",
}


def describe(facts: Mapping[str, Any]) -> str:
    """Describe limit, remaining amount, spending, budgets and expiry, as far as known, in US dollars. May be empty."""
    parts = []
    if facts.get("is_free_tier") is True:
        parts.append("free tier")
    if "limit" in facts:
        reset = facts.get("limit_reset")
        every = f" ({short_name(reset, 20)})" if isinstance(reset, str) and reset else ""
        limit = _usd(facts["limit"])
        parts.append("no limit of its own" if limit is None else f"limit {limit}{every}")
    for name, words in (("limit_remaining", "left"), ("usage", "spent")):
        amount = _usd(facts.get(name))
        if amount is not None:
            parts.append(f"{amount} {words}")
    parts += _budgets(facts)
    parts += _free_requests(facts.get("free_model_daily_requests"))
    expires = facts.get("expires_at")
    if isinstance(expires, str) and expires:
        parts.append(f"expires {short_name(expires, 40)}")
    elif "expires_at" in facts:
        parts.append("does not expire")
    return ", ".join(parts)


def _budgets(facts: Mapping[str, Any]) -> list[str]:
    """The budgets that apply to the key, without its own limit, which is already described."""
    listed, effective = facts.get("budgets"), facts.get("effective_budget")
    budgets = [budget for budget in (listed if isinstance(listed, list) else []) if isinstance(budget, Mapping)]
    if isinstance(effective, Mapping) and effective not in budgets:
        budgets.append(effective)
    return [words for budget in budgets if budget.get("scope") != _OWN_LIMIT and (words := _budget(budget, effective))]


def _budget(budget: Mapping[str, Any], effective: Any) -> str:
    limit = _usd(budget.get("limit_usd"))
    if limit is None:
        return ""
    scope, every, ends = (budget.get(name) for name in ("scope", "reset_interval", "resets_at"))
    whose = _SCOPES.get(scope, short_name(scope, 40).replace("_", " ")) if isinstance(scope, str) else "another"
    words = f"{'effective ' if budget == effective else ''}budget of {whose} {limit}"
    if isinstance(every, str) and every:
        words += f" ({short_name(every, 20)})"
    remaining = _usd(budget.get("remaining_usd"))
    if remaining is not None:
        words += " used up" if budget["remaining_usd"] <= 0 else f" with {remaining} left"
    if isinstance(ends, str) and ends:
        words += f" until {short_name(ends, 40)}"
    return words


def _free_requests(quota: Any) -> list[str]:
    """The number of requests to free models left today. All keys of an account share them."""
    if not isinstance(quota, Mapping):
        return []
    remaining, daily_limit = quota.get("remaining"), quota.get("limit")
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in (remaining, daily_limit)):
        return []
    return [f"{remaining} of {daily_limit} requests to free models left today"]


def _usd(amount: Any) -> str | None:
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return None
    sign, text = "-" if amount < 0 else "", f"{abs(amount):,.4f}".rstrip("0")
    return f"{sign}${text + '0' * max(0, 2 - len(text.partition('.')[2]))}"
