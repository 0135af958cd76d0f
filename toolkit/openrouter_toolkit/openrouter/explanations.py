"""What happened and what to do next, in words for the agent: one function for all of OpenRouter's errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..envelope import ActionError
from ..wording import quoted

_CREDITS = "https://openrouter.ai/credits"
_KEYS = "https://openrouter.ai/settings/keys"
_PRIVACY = "https://openrouter.ai/settings/privacy"
_PROVIDER_KEYS = "https://openrouter.ai/settings/integrations"
_ID = re.compile(r"~?[\w.-]{1,60}/[\w.:-]{1,80}")
_LIST = "OPENROUTER_LIST_AVAILABLE_MODELS"
_NO_ADDRESS = (
    "This address depends on no argument, so the base URL must be wrong: whoever runs this agent has to set "
    "OPENROUTER_BASE_URL, which must end in /api/v1, as https://openrouter.ai/api/v1 does."
)


def explain(error: ActionError) -> str:
    """At most a few sentences: OpenRouter's own words, quoted and cleaned, then the next step."""
    return f"{_what_happened(error)} {_next_step(error)}".strip()


def no_such_address(error: ActionError) -> str:
    """The same, where an address that is always there was not found: the base URL leads to something else."""
    return f"{_what_happened(error)} {_lacking(error) or _by_availability(error) or _NO_ADDRESS}"


def _what_happened(error: ActionError) -> str:
    status = f" (HTTP {error.status})" if error.status else ""
    said = error.details.get("provider_message")
    provider = error.details.get("provider")
    who = f" Provider {quoted(provider, 40)} said: {quoted(said)}." if provider and said else ""
    if said and not provider:
        who = f" The provider said: {quoted(said)}."
    return f"OpenRouter refused or failed{status}: {quoted(error.message.strip().rstrip('.'))}.{who}"


def _next_step(error: ActionError) -> str:
    by_availability = _lacking(error) or _by_availability(error)
    if by_availability:
        return by_availability
    step = _STEPS.get(error.type)
    if step is None:
        return "Call again later." if error.retryable else "Change the call before you repeat it."
    return step(error) if callable(step) else step


def _by_availability(error: ActionError) -> str | None:
    """The model can't be had as asked: which other way out there is."""
    availability: dict[str, Any] = error.details.get("availability") or {}
    code = availability.get("code")
    names = _ids(availability.get("fallback_models"))
    others = f" OpenRouter suggests {', '.join(names[:5])}." if names else ""
    step = {
        "model_not_found": f"There is no such model: take an id exactly as {_LIST} gives it.",
        "wrong_endpoint": "This model is not for this action: choose another model, or the action that fits it.",
        "no_endpoints": f"No provider offers this model for what the call needs: choose another with {_LIST}.",
        "model_deprecated": f"The model is no longer offered: choose another with {_LIST}.",
        "model_unavailable_upstream": "The model's provider does not offer it now: use another model.",
        "free_variant_ended": "The free variant has ended: use the id without :free, which costs money, or another.",
        "region_restricted": "The model is not offered in this region: use another model.",
        "privacy_restricted": f"The account's data policy excludes all of the model's providers: use another model, "
        f"or have the policy changed at {_PRIVACY}.",
        "constraint_filtered": "The call's own conditions (provider, parameters, price) exclude every provider: "
        "loosen them, or use another model.",
    }.get(str(code))
    if step:
        return step + others
    if code in ("capacity_exhausted", "temporarily_unavailable"):
        return f"{_wait(error)} Or use another model now.{others}"
    return others.strip() or None


def _ids(value: Any) -> list[str]:
    """Model ids in a list; what does not look like one is somebody's text and no id."""
    return [item for item in value if isinstance(item, str) and _ID.fullmatch(item)] if isinstance(value, list) else []


def _wait(error: ActionError) -> str:
    if error.retry_after is None:
        return "Wait some seconds and call again."
    return f"Wait {error.retry_after:.0f} s and call again." if error.retry_after >= 1 else "Call again now."


def _payment(error: ActionError) -> str:
    affordable = error.details.get("affordable_tokens")
    if affordable is None:
        return (
            f"The credit, or this key's own limit, is used up: somebody has to top up at {_CREDITS} or raise the limit "
            f"at {_KEYS}. Models whose id ends in :free cost nothing."
        )
    if affordable < 1:
        return f"The credit pays for no answer at all: somebody has to top up at {_CREDITS}."
    return f"Call again with max_tokens of at most {affordable}, or have somebody top up at {_CREDITS}."


def _rate_limit(error: ActionError) -> str:
    if error.retry_after is not None and error.retry_after > 120:
        return f"The limit resets in {_duration(error.retry_after)}: use another model until then."
    return f"{_wait(error)} Another model, or another provider, may have no such limit."


def _duration(seconds: float) -> str:
    if seconds > 365 * 24 * 3600:
        return "more than a year"
    return f"{seconds / 3600:.1f} hours" if seconds >= 7200 else f"{seconds / 60:.0f} minutes"


def _authentication(error: ActionError) -> str:
    refused_by = error.details.get("refused_by")
    if refused_by == "provider":
        return (
            "The provider refused the key that OpenRouter has for it; the account's own key is not the reason. Use "
            f"another model or provider, or have the provider's key corrected at {_PROVIDER_KEYS}."
        )
    if refused_by == "proxy":
        return (
            "This is not OpenRouter's own answer: a proxy or gateway on the way asks for another login, and the "
            "account's key is not the reason. Whoever runs this agent has to look at OPENROUTER_BASE_URL and the proxy."
        )
    return f"The API key is missing, wrong, revoked or expired: a new one has to be connected ({_KEYS})."


def _permission(error: ActionError) -> str:
    reasons = error.details.get("reasons")
    if reasons:
        named = ", ".join(quoted(str(reason), 40) for reason in list(reasons)[:5]) if isinstance(reasons, list) else ""
        return f"The input was flagged by moderation ({named}): rephrase it, or use a model without moderation."
    told = f"{error.message} {error.details.get('provider_message') or ''}".lower()
    if re.search(r"management|provisioning", told):
        return "This call wants the other kind of key (management keys read credits, ordinary keys run completions)."
    if re.search(r"guardrail|budget|workspace|allow.?list|not allowed|blocked", told):
        return (
            "A guardrail, a budget or an allow-list of the workspace forbids it: use a model that it allows "
            "(OPENROUTER_LIST_USER_MODELS), or ask the workspace's administrator."
        )
    return "The key lacks the right for this, or a policy forbids it. Repeating does not help."


def _lacking(error: ActionError) -> str | None:
    """What the model can't do that the call needs, where the message says it."""
    told = error.message.lower()
    if error.status != 404 or "no endpoints" not in told:
        return None
    if "tool" in told:
        return (
            f"This model can't call tools: leave them out, or take one that can ({_LIST}, supported_parameters tools)."
        )
    if re.search(r"\b(image|audio|video|file|modalit)", told):
        return f"This model does not take that kind of input: take one that does ({_LIST} with input_modalities)."
    if re.search(r"data policy|privacy|zdr|retention", told):
        return f"The account's data policy excludes it: use another model, or have the policy changed at {_PRIVACY}."
    return None


def _too_long(error: ActionError) -> str:
    limit, requested = error.details.get("token_limit"), error.details.get("requested_tokens")
    by = f" by about {requested - limit} tokens" if limit and requested and requested > limit else ""
    return f"Shorten the input{by}, ask for fewer max_tokens, or take a model with a longer context (context_length)."


_STEPS: dict[str, str | Callable[[ActionError], str]] = {
    "authentication": _authentication,
    "payment_required": _payment,
    "permission_denied": _permission,
    "not_found": f"Check the id: model ids must be exactly as {_LIST} gives them.",
    "rate_limit_exceeded": _rate_limit,
    "provider_overloaded": lambda error: f"{_wait(error)} Or use another model.",
    "provider_unavailable": lambda error: f"{_wait(error)} If it stays so, use another model or provider.",
    "server": lambda error: f"{_wait(error)} If it stays so, use another model.",
    "timeout": lambda error: f"{_wait(error)} A smaller max_tokens or a faster model helps.",
    "context_length_exceeded": _too_long,
    "token_limit_exceeded": _too_long,
    "string_too_long": "Shorten the text that is too long.",
    "max_tokens_exceeded": "Ask for fewer max_tokens: the model gives at most its max_completion_tokens.",
    "payload_too_large": "Send less: shorten the messages, or shrink the images and files.",
    "content_policy_violation": "The content breaks the provider's policy: rephrase it, or use another model.",
    "refusal": "The model refused: rephrase the request, or use another model.",
    "invalid_request": "Correct the arguments before you call again: as they are, they will be refused again.",
    "invalid_prompt": "Correct the messages before you call again.",
    "unprocessable": "Correct the arguments before you call again.",
    "precondition_failed": "Correct the arguments before you call again.",
    "invalid_image": "Send an image that can be read: PNG, JPEG, WebP or GIF, as a URL or data URL.",
    "unsupported_image_format": "Send the image as PNG, JPEG, WebP or GIF.",
    "image_too_large": "Send a smaller image.",
    "image_too_small": "Send a larger image.",
    "image_not_found": "Check the image's URL: nothing was found there.",
    "image_download_failed": "The image's URL could not be fetched: check it, or send the image as a data URL.",
}
