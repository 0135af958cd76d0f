"""Find the limit that an error means: the credit, the key's limit, a budget, a limit per call, minute or day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its name, the patterns that identify it, and the type of the error that it causes."""

    name: str
    source: str  # pattern for metadata.limit_source and metadata.reason
    words: str  # pattern for the message
    statuses: frozenset[int]
    type: str
    resets: bool = False  # whether it resets by itself after a day, a week or a month


_KEY = r"\bkey\b.{0,40}\blimit|limit of (this|the|your) (api )?key|key with a higher|settings/keys"
_BUDGET = (
    r"budget limit|\bbudgets?\b.{0,60}\b(exceeded|exhausted|used up|reached|spent)"
    r"|(exceed|exhaust|reach|spen)\w* .{0,60}\bbudget|(spend(ing)?|credit|daily|weekly|monthly) limit"
)
_CREDITS = r"(insufficient|negative|not enough|no) (credits?|balance|funds)|(buy|purchase|add) (more )?credits"
_STATUSES = frozenset({402, 403})
# The first match wins. https://openrouter.ai/docs/api-reference/limits names the sources.
_LIMITS = tuple(
    Limit(name, source, words, statuses, kind, resets=name in ("key", "budget", "free_models_per_day"))
    for name, source, words, statuses, kind in (
        ("in_flight", "in_?flight", r"in.?flight", _STATUSES, "rate_limit_exceeded"),
        ("free_models_per_day", "free.*(daily|day)", r"free-models-per-day", frozenset({429}), "rate_limit_exceeded"),
        ("free_models_per_minute", "free.*min", r"free-models-per-min", frozenset({429}), "rate_limit_exceeded"),
        ("one_call", "weight_exceeds_budget", r"(?!)", _STATUSES, "payment_required"),
        ("prompt", r"(?!)", r"prompt tokens limit exceeded", _STATUSES, "payment_required"),
        ("key", "key_limit", _KEY, _STATUSES, "payment_required"),
        ("budget", "budget", _BUDGET, _STATUSES, "permission_denied"),
        (
            "credits",
            "credits",
            r"insufficient (credits|balance|funds)|(buy|purchase|add) (more )?credits",
            _STATUSES,
            "payment_required",
        ),
    )
)
IN_FLIGHT = _LIMITS[0]
PROVIDER_CREDIT = Limit("provider_credit", "", "", _STATUSES, "payment_required")
_INTERVAL = re.compile(
    r"\((daily|weekly|monthly)\b|^(daily|weekly|monthly)$"
    r"|\b(daily|weekly|monthly) [\w ]{0,30}limit (?:was |is |has been )?(?:exceeded|reached)",
    re.IGNORECASE,
)


def limit_in(metadata: Mapping[str, Any], message: str, status: int | None) -> Limit | None:
    """The limit that an error of OpenRouter itself means, or None."""
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
    """Seconds until the limit resets: at midnight UTC, weeks on Monday (KeyBudget in the API); None if unknown."""
    interval = _interval(limit, metadata, message)
    if interval is None:
        return None
    at = datetime.fromtimestamp(now, UTC)
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    next_reset = {
        "daily": today + timedelta(days=1),
        "weekly": today + timedelta(days=7 - today.weekday()),
        "monthly": next_month,
    }[interval]
    return round((next_reset - at).total_seconds(), 3)


def _interval(limit: Limit, metadata: Mapping[str, Any], message: str) -> str | None:
    if limit.name == "free_models_per_day":
        return "daily"
    given = metadata.get("reset_interval") or metadata.get("limit_reset")
    found = _INTERVAL.search(given[:20] if isinstance(given, str) else message)
    return next(word for word in found.groups() if word).lower() if found else None
