"""Which limit a refusal means: the credit, the key's own, a budget, or what one call or one day may take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: how OpenRouter names it, the words that mean it, and the type of an error that it causes."""

    name: str
    source: str  # in metadata.limit_source and metadata.reason
    words: str  # in the message
    statuses: frozenset[int]
    type: str
    resets: bool = False  # whether it is one of a day, a week or a month, which starts again by itself


_KEY = r"\bkey\b.{0,40}\blimit|limit of (this|the|your) (api )?key|key with a higher|settings/keys"
_BUDGET = (
    r"budget limit|\bbudgets?\b.{0,60}\b(exceeded|exhausted|used up|reached|spent)"
    r"|(exceed|exhaust|reach|spen)\w* .{0,60}\bbudget|(spend(ing)?|credit|daily|weekly|monthly) limit"
)
_CREDITS = r"(insufficient|negative|not enough|no) (credits?|balance|funds)|(buy|purchase|add) (more )?credits"
_PAID = frozenset({402, 403})
# The first that fits counts. https://openrouter.ai/docs/api-reference/limits names the sources.
_LIMITS = tuple(
    Limit(name, source, words, statuses, kind, resets=name in ("key", "budget", "free_models_per_day"))
    for name, source, words, statuses, kind in (
        ("in_flight", "in_?flight", r"in.?flight", _PAID, "rate_limit_exceeded"),
        ("free_models_per_day", "free.*(daily|day)", r"free-models-per-day", frozenset({429}), "rate_limit_exceeded"),
        ("free_models_per_minute", "free.*min", r"free-models-per-min", frozenset({429}), "rate_limit_exceeded"),
        ("one_call", "weight_exceeds_budget", r"(?!)", _PAID, "payment_required"),
        ("prompt", r"(?!)", r"prompt tokens limit exceeded", _PAID, "payment_required"),
        ("key", "key_limit", _KEY, _PAID, "payment_required"),
        ("budget", "budget", _BUDGET, _PAID, "permission_denied"),
        (
            "credits",
            "credits",
            r"insufficient (credits|balance|funds)|(buy|purchase|add) (more )?credits",
            _PAID,
            "payment_required",
        ),
    )
)
IN_FLIGHT = _LIMITS[0]
PROVIDERS_CREDIT = Limit("provider_credit", "", "", _PAID, "payment_required")
_INTERVAL = re.compile(
    r"\((daily|weekly|monthly)\b|^(daily|weekly|monthly)$"
    r"|\b(daily|weekly|monthly) [\w ]{0,30}limit (?:was |is |has been )?(?:exceeded|reached)",
    re.IGNORECASE,
)


def limit_in(metadata: Mapping[str, Any], message: str, status: int | None) -> Limit | None:
    """The limit that an error of OpenRouter's own means, or None."""
    sources = [source for name in ("reason", "limit_source") if isinstance(source := metadata.get(name), str)]
    for source in sources:
        for limit in _LIMITS:
            if re.search(limit.source, source[:80]):
                return limit
    for limit in _LIMITS:
        if (status is None or status in limit.statuses) and re.search(limit.words, message, re.IGNORECASE):
            return limit
    return None


def resets_in(limit: Limit, metadata: Mapping[str, Any], message: str, now: float) -> float | None:
    """Seconds until the limit starts again: at midnight UTC, for weeks on Monday (KeyBudget in the API), or None."""
    interval = _interval(limit, metadata, message)
    if interval is None:
        return None
    at = datetime.fromtimestamp(now, UTC)
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    following = {
        "daily": today + timedelta(days=1),
        "weekly": today + timedelta(days=7 - today.weekday()),
        "monthly": next_month,
    }[interval]
    return round((following - at).total_seconds(), 3)


def _interval(limit: Limit, metadata: Mapping[str, Any], message: str) -> str | None:
    if limit.name == "free_models_per_day":
        return "daily"
    given = metadata.get("reset_interval") or metadata.get("limit_reset")
    found = _INTERVAL.search(given[:20] if isinstance(given, str) else message)
    return next(word for word in found.groups() if word).lower() if found else None
