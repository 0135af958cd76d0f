"""Explain a limit that was hit: what to do next, and who can do it."""

from __future__ import annotations

from ...envelope import ActionError

_CREDITS = "https://openrouter.ai/credits"
_KEYS = "https://openrouter.ai/settings/keys"
_RAISE_KEY = f"have the key's limit raised at {_KEYS}"
_TOP_UP = f"have somebody top up at {_CREDITS}"
_MONEY_LIMITS = frozenset({"key", "credits", "prompt", "one_call"})
_FREE = (
    "It counts all models whose id ends in :free together, so only a model that costs money (the id without :free) "
    "is not held up by it."
)
_STEPS = {
    "in_flight": "The calls that run now, or have only just ended, hold the credit: fewer at once, or a smaller "
    "max_tokens, fit better.",
    "free_models_per_day": _FREE,
    "free_models_per_minute": _FREE,
    "key": f"This key's own spending limit is used up: {_RAISE_KEY}, or have another key connected.",
    "budget": "A spending budget of the workspace is used up: ask its administrator to raise it.",
    "one_call": "This one call may cost more than the credit allows at once: call again with a smaller max_tokens or "
    f"a shorter prompt, or {_TOP_UP}.",
    "provider_credit": "The account at the provider that pays for this call has nothing left, whatever the credit at "
    "OpenRouter is: use another provider or model, or have that account filled.",
}


def limit_step(error: ActionError) -> str | None:
    """The next step for the limit that was hit, or None if no limit is known."""
    limit = error.details.get("limit")
    if limit is None:
        return None
    return (_by_numbers(error) if limit in _MONEY_LIMITS else None) or _STEPS.get(limit) or payment_step(error)


def payment_step(error: ActionError) -> str:
    """The next step for an error about money."""
    by_numbers = _by_numbers(error)
    if by_numbers:
        return by_numbers
    if error.details.get("limit") == "credits":
        return f"The credit is used up, or not enough for this call: somebody has to top up at {_CREDITS}."
    return (
        f"The credit, or this key's own limit, is used up: somebody has to top up at {_CREDITS} or raise the limit "
        f"at {_KEYS}."
    )


def _by_numbers(error: ActionError) -> str | None:
    """The next step from the token numbers that are still affordable, or None without such numbers."""
    more_credit = _RAISE_KEY if error.details.get("limit") == "key" or "settings/keys" in error.message else _TOP_UP
    prompt, answer = error.details.get("affordable_prompt_tokens"), error.details.get("affordable_tokens")
    if prompt is not None:
        return f"Shorten the prompt to at most {prompt} tokens, or {more_credit}."
    if answer is not None and answer > 0:
        return f"Call again with max_tokens of at most {answer}, or {more_credit}."
    if answer is not None:
        return f"What is left pays for no answer at all: {more_credit}."
    return None
