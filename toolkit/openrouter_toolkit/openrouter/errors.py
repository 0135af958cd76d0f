"""What OpenRouter says went wrong, in all the shapes in which it says it, as one typed error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..envelope import ActionError
from ..wording import clean, shorten, shown
from .explanations import explain
from .hints import retry_after

# OpenRouter's own typed codes (ApiErrorType in its specification), and what each means.
TYPES = {
    "context_length_exceeded": "The input, or input and max_tokens together, is longer than the model's context.",
    "max_tokens_exceeded": "More max_tokens were asked for than the model gives.",
    "token_limit_exceeded": "A limit on tokens was exceeded.",
    "string_too_long": "A text in the call is longer than allowed.",
    "authentication": "The key is missing, wrong, revoked or expired.",
    "permission_denied": "The key lacks a right, or a guardrail, a budget, an allow-list or moderation forbids it.",
    "payment_required": "Too little credit, or the key's own limit is reached.",
    "rate_limit_exceeded": "Too many calls: a provider's limit or OpenRouter's own.",
    "provider_overloaded": "The provider has no capacity at the moment.",
    "provider_unavailable": "The provider could not be reached, or failed.",
    "invalid_request": "The call is wrong as it is.",
    "invalid_prompt": "The messages are wrong as they are.",
    "not_found": "There is no such model, generation or endpoint, or none that can do what the call needs.",
    "precondition_failed": "A condition that the call depends on does not hold.",
    "payload_too_large": "The call is too large as a whole.",
    "unprocessable": "The call is well-formed, but its values don't go together.",
    "content_policy_violation": "The content was flagged by moderation or breaks a provider's policy.",
    "refusal": "The model refused to answer.",
    "invalid_image": "An image can't be read.",
    "image_too_large": "An image is too large.",
    "image_too_small": "An image is too small.",
    "unsupported_image_format": "An image has a format that the model does not take.",
    "image_not_found": "There is nothing at an image's URL.",
    "image_download_failed": "An image's URL could not be fetched.",
    "server": "OpenRouter itself failed.",
    "timeout": "No answer in time: upstream, on the way, or within the deadline that the caller set.",
    "unmapped": "A failure that no other type describes.",
}
# Where no type is given, the status says it.
_BY_STATUS = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    410: "not_found",
    412: "precondition_failed",
    413: "payload_too_large",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    500: "server",
    502: "provider_unavailable",
    503: "provider_overloaded",
    504: "timeout",
    524: "timeout",
    529: "provider_overloaded",
}
# The words of Anthropic's format, for errors that come without a status of their own (in a stream).
_BY_ANTHROPIC_TYPE = {
    "invalid_request_error": (400, "invalid_request"),
    "authentication_error": (401, "authentication"),
    "billing_error": (402, "payment_required"),
    "permission_error": (403, "permission_denied"),
    "not_found_error": (404, "not_found"),
    "request_too_large": (413, "payload_too_large"),
    "rate_limit_error": (429, "rate_limit_exceeded"),
    "api_error": (500, "server"),
    "timeout_error": (504, "timeout"),
    "overloaded_error": (529, "provider_overloaded"),
}
RETRYABLE = frozenset({408, 429, 500, 502, 503, 504, 524, 529})
_TOO_LONG = (
    re.compile(r"maximum context length is (?P<limit>[\d,]+) tokens.*?(?P<requested>[\d,]+) tokens", re.DOTALL),
    re.compile(r"prompt is too long: (?P<requested>[\d,]+) tokens > (?P<limit>[\d,]+)"),
)
_AFFORDABLE = re.compile(r"requested up to (?P<requested>[\d,]+) tokens, but can only afford (?P<affordable>[\d,]+)")
_LONGEST_PROVIDER_MESSAGE = 2_000
# So much of a message is looked through for numbers and hints.
_READ = 2_000


def from_answer(status: int, headers: Mapping[str, str], text: str) -> ActionError:
    """The error of an answer whose status is not 2xx, JSON or not."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        found = error_in(body)
        if found is not None:
            return from_object(found, body, status, headers)
        message = body.get("message") or body.get("detail")
        if isinstance(message, str):
            return from_object({"message": message}, body, status, headers)
    if 300 <= status < 400:
        return _redirected(status)
    if text.strip():
        message = f"HTTP {status}, without JSON: {shorten(clean(_without_tags(text[:20_000])), 200)}"
    else:
        message = f"HTTP {status}, with nothing in it."
    return from_object({"message": message}, {}, status, headers)


def _redirected(status: int) -> ActionError:
    message = f"The base URL answers with a redirect (HTTP {status}), which is not followed: the key goes nowhere else."
    how = "Whoever runs this agent has to set OPENROUTER_BASE_URL to where the redirect leads, if that is right."
    return ActionError("invalid_response", message, f"{message} {how}", status=status)


def error_in(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The error object of a body that holds one, whatever its HTTP status, or None."""
    error = body.get("error")
    if isinstance(error, dict) and error:
        return error
    if isinstance(error, str) and error:
        return {"message": error}
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        if isinstance(choice.get("error"), dict | str) and choice["error"]:
            return {"message": choice["error"]} if isinstance(choice["error"], str) else dict(choice["error"])
        if choice.get("finish_reason") == "error":
            return {
                "code": 502,
                "message": "The provider failed while it was generating (finish_reason: error).",
            }
    return None


def from_event(event: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> ActionError:
    """The error of an event that is one, whatever it holds."""
    found = error_in(event) or {"message": event.get("message")}
    if not isinstance(found.get("message"), str):
        found = {**found, "message": f"The stream ended with an error event: {shown(event, 200)}"}
    return from_object(found, event, status, headers)


def from_object(
    error: Mapping[str, Any], body: Mapping[str, Any], status: int | None, headers: Mapping[str, str]
) -> ActionError:
    """The typed error of an error object; `body` is what it stood in, `status` that of the HTTP answer."""
    metadata = _dict(error.get("metadata")) or _dict(body.get("metadata"))
    availability = _dict(error.get("availability")) or _dict(metadata.get("availability"))
    typed = _named_type(error, metadata, body)
    status = _status(error, status, typed)
    raw = metadata.get("raw")
    provider_message = raw if isinstance(raw, str) else None if raw is None else json.dumps(raw)
    message = error.get("message")
    message = message if isinstance(message, str) and message else provider_message or f"HTTP {status}"
    told = f"{message[:_READ]}\n{(provider_message or '')[:_READ]}"
    details: dict[str, Any] = {
        "code": error.get("code"),
        "provider": _text(metadata.get("provider_name")),
        "provider_message": None if provider_message is None else shorten(provider_message, _LONGEST_PROVIDER_MESSAGE),
        "provider_code": metadata.get("provider_code"),
        "reasons": metadata.get("reasons"),
        "flagged_input": metadata.get("flagged_input"),
        "availability": availability or None,
        "metadata": metadata or None,
        "request_id": body.get("request_id"),
        **_numbers(told),
    }
    if status == 401:
        details["refused_by"] = _refused_by(message, details, body)
    failure = ActionError(
        typed or _type(error, status, told),
        message,
        status=status,
        retryable=_retryable(availability, status, typed),
        retry_after=retry_after(availability, headers, own_limit=status == 429),
        **details,
    )
    failure.explanation = explain(failure)
    return failure


def _refused_by(message: str, details: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    """Who gave a 401, where it was not OpenRouter itself, and so says nothing about the account's key."""
    named = any(details[name] is not None for name in ("provider", "provider_message", "provider_code"))
    if named or "provider returned error" in message[:_READ].lower():
        return "provider"  # of the key that OpenRouter has for it
    return None if isinstance(body.get("error"), dict) or "choices" in body else "proxy"


def _named_type(error: Mapping[str, Any], metadata: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    """The typed code that OpenRouter itself gives, wherever it stands."""
    for place in (error, metadata, body, _dict(body.get("metadata"))):
        if _text(place.get("error_type")) in TYPES:
            return str(place["error_type"])
    return _text(error.get("type")) if _text(error.get("type")) in TYPES else None


def _type(error: Mapping[str, Any], status: int | None, told: str) -> str:
    if status in (None, 200, 400, 413, 422) and any(pattern.search(told) for pattern in _TOO_LONG):
        return "context_length_exceeded"
    kind = _BY_ANTHROPIC_TYPE.get(str(error.get("type")))
    if kind is not None:
        return kind[1]
    if status is None or 200 <= status < 300:
        return "unmapped"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return "invalid_response" if status < 400 else "invalid_request" if status < 500 else "server"


def _status(error: Mapping[str, Any], status: int | None, typed: str | None) -> int | None:
    """The HTTP status, or what an error inside a 200 says it would have been."""
    if status is not None and not 200 <= status < 300:
        return status
    code = error.get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3:
        code = int(code)
    if isinstance(code, int) and 400 <= code < 600:
        return code
    kind = _BY_ANTHROPIC_TYPE.get(str(error.get("type")))
    if kind is not None:
        return kind[0]
    return next((told for told, name in _BY_STATUS.items() if name == typed), status)


def _retryable(availability: Mapping[str, Any], status: int | None, typed: str | None) -> bool:
    if isinstance(availability.get("retryable"), bool):
        return bool(availability["retryable"])
    return status in RETRYABLE or any(_BY_STATUS[passing] == typed for passing in RETRYABLE)


def _numbers(told: str) -> dict[str, int]:
    """Token numbers that are in the words only."""
    numbers: dict[str, int] = {}
    for pattern, names in (
        (_AFFORDABLE, {"affordable": "affordable_tokens", "requested": "requested_tokens"}),
        *((p, {"limit": "token_limit", "requested": "requested_tokens"}) for p in _TOO_LONG),
    ):
        found = pattern.search(told)
        if found:
            for group, name in names.items():
                digits = found[group].replace(",", "")
                if digits and len(digits) < 16:
                    numbers.setdefault(name, int(digits))
    return numbers


def _without_tags(page: str) -> str:
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.IGNORECASE | re.DOTALL)
    if title:
        return title[1]
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.IGNORECASE | re.DOTALL)
    return re.sub(r"<[^<>]*>", " ", page)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
