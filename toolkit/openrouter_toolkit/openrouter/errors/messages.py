"""Explain OpenRouter's errors to the agent: what happened and what to do next.

Only `wait` advises to repeat the same call, and only retryable errors get its text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from ...envelope import ActionError
from ...http.statuses import CLOUDFLARE, PASSING
from ...text.sanitize import quoted
from .limits import limit_step, payment_step
from .provider_messages import plain_message

_KEYS = "https://openrouter.ai/settings/keys"
_PRIVACY = "https://openrouter.ai/settings/privacy"
_PROVIDER_KEYS = "https://openrouter.ai/settings/integrations"
_ID = re.compile(r"~?[\w.-]{1,60}/[\w.:-]{1,80}")
_LIST = "OPENROUTER_LIST_AVAILABLE_MODELS"
_NOT_OPENROUTER = (
    "OpenRouter's API does not answer like this: the base URL is wrong, or a proxy has answered; the arguments are not "
    "at fault. The operator of this agent has to set OPENROUTER_BASE_URL, which must end in /api/v1, as "
    "https://openrouter.ai/api/v1 does."
)


def explain(error: ActionError) -> str:
    """A few sentences: OpenRouter's own message, quoted and sanitized, then the next step."""
    step = f"{wait(error)} {_alternatives(error)}" if error.retryable else _step_without_retry(error)
    return f"{what_happened(error)} {step}".strip()


def what_happened(error: ActionError) -> str:
    """OpenRouter's message, and its provider's, quoted and sanitized."""
    status = f" (HTTP {error.status})" if error.status and error.status >= 400 else ""
    provider_message = error.details.get("provider_message")
    provider = error.details.get("provider")
    words = quoted(plain_message(provider_message)) if provider_message else ""
    provider_sentence = f" Provider {quoted(provider, 40)} said: {words}." if provider and provider_message else ""
    if provider_message and not provider:
        provider_sentence = f" The provider said: {words}."
    message = plain_message(error.message).strip().rstrip(".")
    return f"OpenRouter refused or failed{status}: {quoted(message)}.{provider_sentence}"


def wait(error: ActionError) -> str:
    """When to repeat the same call."""
    seconds = error.retry_after
    if seconds is None:
        return "Wait some seconds and call again."
    if seconds > 120:
        return f"The limit resets in {_duration(seconds)}: call again then."
    return f"Wait {math.ceil(seconds)} s and call again." if seconds > 0 else "Call again now."


def _duration(seconds: float) -> str:
    if seconds > 365 * 24 * 3600:
        return "more than a year"
    if seconds > 48 * 3600:
        return f"{seconds / 86400:.1f} days"
    return f"{seconds / 3600:.1f} hours" if seconds >= 7200 else f"{seconds / 60:.0f} minutes"


def _alternatives(error: ActionError) -> str:
    """What helps besides waiting."""
    fallback_models = _fallback_models(error)
    limited = limit_step(error)
    if limited is not None:
        return limited
    if error.status in CLOUDFLARE:
        return "OpenRouter can't be reached at the moment, whichever model is asked."
    if error.type not in PASSING or error.details.get("availability"):
        return f"Or use another model now.{fallback_models}"
    return _ALTERNATIVES[error.type] + fallback_models


def _step_without_retry(error: ActionError) -> str:
    """The next step if the same call can't succeed."""
    step = limit_step(error) or _missing_capability(error) or _by_availability(error)
    if step is None and error.details.get("not_openrouter"):
        step = _NOT_OPENROUTER
    if step is None and error.type in PASSING:
        step = f"Repeating does not help: use another model or provider.{_fallback_models(error)}"
    if step is None:
        found = _STEPS.get(error.type, "Change the call before you repeat it.")
        step = found(error) if callable(found) else found
    return step


def _by_availability(error: ActionError) -> str | None:
    """The next step if the model is not available as requested, or None."""
    step = _AVAILABILITY.get(str((error.details.get("availability") or {}).get("code")), "")
    return f"{step}{_fallback_models(error)}".strip() or None


def _fallback_models(error: ActionError) -> str:
    """The models that OpenRouter suggests; a text that does not look like an id is left out, as untrusted."""
    models = (error.details.get("availability") or {}).get("fallback_models")
    models = models if isinstance(models, list) else []
    names = [item for item in models if isinstance(item, str) and _ID.fullmatch(item)]
    return f" OpenRouter suggests {', '.join(names[:5])}." if names else ""


def _missing_capability(error: ActionError) -> str | None:
    """The next step if the message says what the model can't do for the call, or None."""
    words = _ID.sub(" ", error.message[:2_000].lower())  # a model's name may contain such a word
    if error.status != 404 or not ("no endpoints" in words or "allowed providers" in words):
        return None
    return next((step for pattern, step in _MISSING_CAPABILITIES if re.search(pattern, words)), None)


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
            "account's key is not the reason. The operator of this agent has to look at OPENROUTER_BASE_URL and the "
            "proxy."
        )
    return f"The API key is missing, wrong, revoked or expired: a new one has to be connected ({_KEYS})."


def _permission(error: ActionError) -> str:
    words = f"{error.message} {error.details.get('provider_message') or ''}".lower()
    if re.search(r"management|provisioning", words):
        return "This call wants the other kind of key (management keys read credits, ordinary keys run completions)."
    if re.search(r"guardrail|workspace|allow.?list|not allowed|blocked", words):
        return (
            "A guardrail or an allow-list of the workspace forbids it: use a model that it allows "
            "(OPENROUTER_LIST_USER_MODELS), or ask the workspace's administrator."
        )
    if error.details.get("provider") or error.details.get("provider_message"):
        return "The provider refuses it: use another provider or model. Repeating does not help."
    return "The key lacks the right for this, or a policy forbids it. Repeating does not help."


def _invalid(error: ActionError) -> str:
    correct = "Correct the arguments before you call again: as they are, they will be refused again."
    if error.details.get("provider") or error.details.get("provider_message"):
        return f"{correct} If nothing is wrong with them, use another provider or model: this one may not take them."
    return correct


def _unmapped(error: ActionError) -> str:
    if error.status is None or error.status < 400:  # the call was accepted and the model had started
        return "What went wrong is not said; the arguments were accepted. Use another model or provider."
    return "Change the call before you repeat it."


def _content(error: ActionError) -> str:
    patterns, reasons = error.details.get("patterns"), error.details.get("reasons")
    if patterns or re.search(r"prompt.?injection", error.message[:2_000], re.IGNORECASE):
        return (
            f"A filter of the workspace takes a part of the messages for a prompt injection{_listed(patterns)}: take "
            "that part out or reword it. With any other model it is refused as well."
        )
    if reasons:
        return f"The input was flagged by moderation{_listed(reasons)}: rephrase it, or use a model without moderation."
    return "The content breaks the provider's policy: rephrase it, or use another model."


def _listed(items: Any) -> str:
    return f" ({', '.join(quoted(str(item), 40) for item in items[:5])})" if isinstance(items, list) and items else ""


def _too_long(error: ActionError) -> str:
    limit, requested = error.details.get("token_limit"), error.details.get("requested_tokens")
    by = f" by about {requested - limit} tokens" if limit and requested and requested > limit else ""
    return f"Shorten the input{by}, ask for fewer max_tokens, or take a model with a longer context (context_length)."


_AVAILABILITY = {
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
    "capacity_exhausted": "Nobody has room for this model: use another model.",
    "temporarily_unavailable": "Nobody offers this model at present: use another model.",
}
_MISSING_CAPABILITIES = (
    (
        "allowed providers",
        "No provider that the call or the account allows offers this model: allow more, or use another model.",
    ),
    (
        r"requested parameters|require_parameters",
        (
            "No provider of this model takes all of the call's parameters: leave some out, or take a model that lists "
            f"them in supported_parameters ({_LIST})."
        ),
    ),
    (
        "tool",
        f"This model can't call tools: leave them out, or take one that can ({_LIST}, supported_parameters tools).",
    ),
    (
        r"\b(image|audio|video|file|modalit)",
        f"This model does not take that kind of input: take one that does ({_LIST} with input_modalities).",
    ),
    (
        r"data policy|privacy|zdr|retention",
        f"The account's data policy excludes it: use another model, or have the policy changed at {_PRIVACY}.",
    ),
)
_ALTERNATIVES = {
    "rate_limit_exceeded": "Another model, or another provider, may have no such limit.",
    "provider_overloaded": "Or use another model.",
    "provider_unavailable": "If it stays so, use another model or provider.",
    "server": "If it stays so, use another model.",
    "timeout": "A smaller max_tokens or a faster model helps.",
}
_STEPS: dict[str, str | Callable[[ActionError], str]] = {
    "authentication": _authentication,
    "payment_required": payment_step,
    "permission_denied": _permission,
    "not_found": f"Check the id: model ids must be exactly as {_LIST} gives them.",
    "context_length_exceeded": _too_long,
    "token_limit_exceeded": _too_long,
    "string_too_long": "Shorten the text that is too long.",
    "max_tokens_exceeded": "Ask for fewer max_tokens: the model gives at most its max_completion_tokens.",
    "payload_too_large": "Send less: shorten the messages, or shrink the images and files.",
    "content_policy_violation": _content,
    "refusal": "The model refused: rephrase the request, or use another model.",
    "invalid_request": _invalid,
    "unmapped": _unmapped,
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
