"""The limits that an error can mean (credit, key, budget, per call, minute or day), and what to do about each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ...envelope import ActionError

_CREDITS = "https://openrouter.ai/credits"
_KEYS = "https://openrouter.ai/settings/keys"
_RAISE_KEY = f"have the key's limit raised at {_KEYS}"
_TOP_UP = f"have somebody top up at {_CREDITS}"
_STATUSES = frozenset({402, 403})
_NEVER = "(?!)"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its name, the patterns that identify it, and what it means."""

    name: str
    source: str = _NEVER  # pattern for metadata.limit_source and metadata.reason
    words: str = _NEVER  # pattern for the message
    statuses: frozenset[int] = _STATUSES
    type: str = "payment_required"  # of the error that it causes
    step: str = ""  # what to do next; without it, as for any error about money
    resets: bool = False  # whether it resets by itself after a day, a week or a month
    counts_tokens: bool = False  # whether numbers of tokens in the error may say how to stay below it


_FREE = (
    "It counts all models whose id ends in :free together, so only a model that costs money (the id without :free) "
    "is not held up by it."
)
# The first match wins. https://openrouter.ai/docs/api-reference/limits names the sources.
_LIMITS = (
    Limit(
        "in_flight",
        "in_?flight",
        r"in.?flight",
        type="rate_limit_exceeded",
        step="The calls that run now, or have only just ended, hold the credit: fewer at once, or a smaller "
        "max_tokens, fit better.",
    ),
    Limit(
        "free_models_per_day",
        "free.*(daily|day)",
        r"free-models-per-day",
        frozenset({429}),
        "rate_limit_exceeded",
        _FREE,
        resets=True,
    ),
    Limit(
        "free_models_per_minute", "free.*min", r"free-models-per-min", frozenset({429}), "rate_limit_exceeded", _FREE
    ),
    Limit(
        "one_call",
        "weight_exceeds_budget",
        step="This one call may cost more than the credit allows at once: call again with a smaller max_tokens or "
        f"a shorter prompt, or {_TOP_UP}.",
        counts_tokens=True,
    ),
    Limit("prompt", words=r"prompt tokens limit exceeded", counts_tokens=True),
    Limit(
        "key",
        "key_limit",
        r"\bkey\b.{0,40}\blimit|limit of (this|the|your) (api )?key|key with a higher|settings/keys",
        step=f"This key's own spending limit is used up: {_RAISE_KEY}, or have another key connected.",
        resets=True,
        counts_tokens=True,
    ),
    Limit(
        "budget",
        "budget",
        r"budget limit|\bbudgets?\b.{0,60}\b(exceeded|exhausted|used up|reached|spent)"
        r"|(exceed|exhaust|reach|spen)\w* .{0,60}\bbudget|(spend(ing)?|credit|daily|weekly|monthly) limit",
        type="permission_denied",
        step="A spending budget of the workspace is used up: ask its administrator to raise it.",
        resets=True,
    ),
    Limit(
        "credits",
        "credits",
        r"insufficient (credits|balance|funds)|(buy|purchase|add) (more )?credits",
        step=f"The credit is used up, or not enough for this call: somebody has to top up at {_CREDITS}.",
        counts_tokens=True,
    ),
)
IN_FLIGHT = _LIMITS[0]
PROVIDER_CREDIT = Limit(
    "provider_credit",
    step="The account at the provider that pays for this call has nothing left, whatever the credit at OpenRouter is: "
    "use another provider or model, or have that account filled.",
)
_BY_NAME = {limit.name: limit for limit in (*_LIMITS, PROVIDER_CREDIT)}
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


def limit_step(error: ActionError) -> str | None:
    """The next step for the limit that was hit, or None if no limit is known."""
    limit = _BY_NAME.get(str(error.details.get("limit")))
    if limit is None:
        return None
    return (_step_by_tokens(error) if limit.counts_tokens else None) or limit.step or payment_step(error)


def payment_step(error: ActionError) -> str:
    """The next step for an error about money."""
    return _step_by_tokens(error) or (
        f"The credit, or this key's own limit, is used up: somebody has to top up at {_CREDITS} or raise the limit "
        f"at {_KEYS}."
    )


def _step_by_tokens(error: ActionError) -> str | None:
    """The next step from the token numbers that are still affordable, or None without such numbers."""
    more_credit = _RAISE_KEY if error.details.get("limit") == "key" or "settings/keys" in error.message else _TOP_UP
    prompt, answer = error.details.get("affordable_prompt_tokens"), error.details.get("affordable_tokens")
    if prompt is not None:
        return f"Shorten the prompt to at most {prompt} tokens, or {more_credit}."
    if answer is not None and answer > 0:
        return f"Call again with max_tokens of at most {answer}, or {more_credit}."
    return None if answer is None else f"What is left pays for no answer at all: {more_credit}."
