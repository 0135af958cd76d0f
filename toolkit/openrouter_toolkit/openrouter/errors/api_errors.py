"""What OpenRouter says went wrong, in all the shapes in which it says it, as one typed error.

Type, `retryable`, `retry_after` and the next step agree with each other: what does not pass by itself has no
`retry_after`, and its words never tell anybody to wait.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...envelope import ActionError
from ...text.sanitize import clean, preview, shorten
from .classification import Report
from .messages import explain
from .provider_messages import json_in, numbers_in
from .types import TYPES, status_of_type

__all__ = ["TYPES", "error_in", "from_answer", "from_event", "from_object", "mark_as_wrong_address"]

# OpenRouter answers these in JSON with an `error` object; anything else comes from something in its place, as
# `refused_by` says of a 401.
_ALWAYS_JSON = frozenset({403, 404, 405, 407})
_NO_SUCH_ADDRESS = re.compile(
    r"cannot (get|post) /|invalid url|no route|(unknown|unrecognized) request url|page (was )?not found"
    r"|method not allowed",
    re.IGNORECASE,
)
_LONGEST_PROVIDER_MESSAGE = 2_000


def from_answer(status: int, headers: Mapping[str, str], text: str) -> ActionError:
    """The error of an answer whose status is not 2xx, JSON or not."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None if text.startswith("<") else json_in(text)
    found = error_in(body)
    if found is not None:
        holder = body if isinstance(body, dict) else {"error": found}
        strange = status in (404, 405) and not isinstance(holder.get("error"), dict)
        return from_object(found, holder, status, headers, not_openrouter=strange)
    if isinstance(body, dict) and (body.get("message") or body.get("detail")):
        said = body.get("message") or body.get("detail")
        message = said if isinstance(said, str) else preview(said, 300)
        return from_object({**body, "message": message}, body, status, headers, not_openrouter=status in (404, 405))
    if 300 <= status < 400:
        return _redirected(status)
    said = shorten(clean(_without_tags(text[:20_000])), 200)
    message = f"HTTP {status}, without JSON: {said}" if said else f"HTTP {status}, with nothing in it."
    strange = status in _ALWAYS_JSON or (status == 400 and text.startswith("<"))
    return from_object({"message": message}, {}, status, headers, not_openrouter=strange)


def _redirected(status: int) -> ActionError:
    message = f"The base URL answers with a redirect (HTTP {status}), which is not followed: the key goes nowhere else."
    how = "Whoever runs this agent has to set OPENROUTER_BASE_URL to where the redirect leads, if that is right."
    return ActionError("invalid_response", message, f"{message} {how}", status=status)


def error_in(body: Any, depth: int = 0) -> dict[str, Any] | None:
    """The error object of a body that holds one, whatever its HTTP status, or None."""
    if isinstance(body, list):
        found = (error_in(item, depth + 1) for item in body[:5]) if depth < 3 else ()
        return next((error for error in found if error is not None), None)
    if not isinstance(body, dict):
        return None
    error = body.get("error") or (body.get("errors") if body.get("success") is False else None)
    if isinstance(error, list):
        error = next((item for item in error if item and isinstance(item, dict | str)), None)
    if isinstance(error, dict) and error:
        return error
    if isinstance(error, str) and error:
        return {"message": error, "code": body.get("code"), "type": body.get("type")}
    if error is True or body.get("object") == "error" or body.get("type") == "error" or "__type" in body:
        return body
    return _error_in_choices(body.get("choices"))


def _error_in_choices(choices: Any) -> dict[str, Any] | None:
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
        found = {**found, "message": f"The stream ended with an error event: {preview(event, 200)}"}
    return from_object(found, event, status, headers)


def from_object(
    error: Mapping[str, Any],
    body: Mapping[str, Any],
    status: int | None,
    headers: Mapping[str, str],
    *,
    not_openrouter: bool = False,
) -> ActionError:
    """The typed error of an error object; `body` is what it stood in, `status` that of the HTTP answer.

    `not_openrouter`: the answer has not OpenRouter's shape, so something else has probably answered.
    """
    report = Report(error, body, status)
    verdict = report.classify(headers)
    metadata, said = report.metadata, report.provider_message
    failure = ActionError(
        verdict.type,
        report.message,
        status=report.status or status_of_type(verdict.type) or status,
        retryable=verdict.retryable,
        retry_after=verdict.retry_after,
        code=error.get("code"),
        limit=verdict.limit and verdict.limit.name,
        provider=report.provider,
        provider_message=None if said is None else shorten(said, _LONGEST_PROVIDER_MESSAGE),
        provider_code=metadata.get("provider_code"),
        reasons=metadata.get("reasons"),
        flagged_input=metadata.get("flagged_input"),
        patterns=metadata.get("patterns"),
        availability=report.availability or None,
        metadata=metadata or None,
        request_id=body.get("request_id"),
    )
    if _holds_output(body):
        failure.partial = dict(body)  # so it may have been billed
    failure.details.update(numbers_in(report.words))
    if failure.status == 401:
        failure.details["refused_by"] = _refused_by(failure, body)
    if not_openrouter or (report.status in (404, 405) and _NO_SUCH_ADDRESS.search(report.message[:200])):
        failure.details["not_openrouter"] = True
    failure.explanation = explain(failure)
    return failure


def _holds_output(body: Mapping[str, Any]) -> bool:
    """Whether a model's output, or a count of its tokens, stands beside an error."""
    usage = body.get("usage")
    counted = (
        any(isinstance(count, int | float) and count for count in usage.values()) if isinstance(usage, dict) else False
    )
    return counted or bool(body.get("choices"))


def _refused_by(failure: ActionError, body: Mapping[str, Any]) -> str | None:
    """Who gave a 401, where it was not OpenRouter itself, and so says nothing about the account's key."""
    short_name = any(failure.details[name] is not None for name in ("provider", "provider_message", "provider_code"))
    if short_name or "provider returned error" in failure.message[:200].lower():
        return "provider"  # of the key that OpenRouter has for it
    return None if isinstance(body.get("error"), dict) or "choices" in body else "proxy"


def mark_as_wrong_address(error: ActionError) -> None:
    """Say of an address that is always there, and was not found, that the base URL leads to something else."""
    if not error.details.get("availability"):
        error.details["not_openrouter"] = True
        error.explanation = explain(error)


def _without_tags(page: str) -> str:
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.IGNORECASE | re.DOTALL)
    if title:
        return title[1]
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.IGNORECASE | re.DOTALL)
    return re.sub(r"<[^<>]*>", " ", page)
