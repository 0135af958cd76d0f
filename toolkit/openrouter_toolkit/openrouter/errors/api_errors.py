"""Parse OpenRouter's error answers, in all their shapes, into one typed `ActionError`.

Type, `retryable`, `retry_after` and explanation are consistent: an error that is not retryable has no `retry_after`,
and its explanation never advises to wait.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...envelope import ActionError
from ...text.markup import without_tags
from ...text.sanitize import clean, preview, shorten
from .classification import ParsedError
from .error_object import error_in
from .messages import explain
from .provider_messages import json_in, numbers_in
from .types import TYPES, status_of_type

__all__ = ["TYPES", "error_in", "from_answer", "from_event", "from_object", "mark_as_wrong_base_url"]

# OpenRouter answers these in JSON with an `error` object; anything else comes from another server, such as a proxy
# (for 401, see `refused_by`).
_ALWAYS_JSON = frozenset({403, 404, 405, 407})
_WRONG_PATH = re.compile(
    r"cannot (get|post) /|invalid url|no route|(unknown|unrecognized) request url|page (was )?not found"
    r"|method not allowed",
    re.IGNORECASE,
)
_MAX_PROVIDER_MESSAGE = 2_000


def from_answer(status: int, headers: Mapping[str, str], text: str) -> ActionError:
    """The error of an answer, JSON or not, whose status is not 2xx."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None if text.startswith("<") else json_in(text)
    found = error_in(body)
    if found is not None:
        container = body if isinstance(body, dict) else {"error": found}
        unexpected = status in (404, 405) and not isinstance(container.get("error"), dict)
        return from_object(found, container, status, headers, not_openrouter=unexpected)
    if isinstance(body, dict) and (body.get("message") or body.get("detail")):
        error_text = body.get("message") or body.get("detail")
        message = error_text if isinstance(error_text, str) else preview(error_text, 300)
        return from_object({**body, "message": message}, body, status, headers, not_openrouter=status in (404, 405))
    if 300 <= status < 400:
        return ActionError(
            "invalid_response",
            f"The base URL answers with a redirect (HTTP {status}), which is not followed: the key goes nowhere else.",
            advice="The operator of this agent has to set OPENROUTER_BASE_URL to where the redirect leads, if that is "
            "right.",
            status=status,
        )
    error_text = shorten(clean(without_tags(text[:20_000])), 200)
    message = f"HTTP {status}, without JSON: {error_text}" if error_text else f"HTTP {status}, with nothing in it."
    unexpected = status in _ALWAYS_JSON or (status == 400 and text.startswith("<"))
    return from_object({"message": message}, {}, status, headers, not_openrouter=unexpected)


def from_event(event: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> ActionError:
    """The error of an error event in a stream, whatever its fields are."""
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
    """The typed error of an error object; `body` is the object that contains it, `status` the HTTP status.

    `not_openrouter`: the answer does not have OpenRouter's shape, so another server has probably sent it.
    """
    parsed = ParsedError(error, body, status)
    error_type, limit, retryable, wait = parsed.classify(headers)
    metadata, error_text = parsed.metadata, parsed.provider_message
    from_metadata: dict[str, Any] = {
        name: metadata.get(name) for name in ("provider_code", "reasons", "flagged_input", "patterns")
    }
    failure = ActionError(
        error_type,
        parsed.message,
        status=parsed.status or status_of_type(error_type) or status,
        retryable=retryable,
        retry_after=wait,
        code=error.get("code"),
        limit=limit and limit.name,
        provider=parsed.provider,
        provider_message=None if error_text is None else shorten(error_text, _MAX_PROVIDER_MESSAGE),
        **from_metadata,
        availability=parsed.availability or None,
        metadata=metadata or None,
        request_id=body.get("request_id"),
    )
    usage = body.get("usage")
    counts = usage.values() if isinstance(usage, dict) else ()
    if body.get("choices") or any(isinstance(count, int | float) and count for count in counts):
        failure.partial = dict(body)  # the call may have been billed
    failure.details.update(numbers_in(parsed.words))
    if failure.status == 401:
        failure.details["refused_by"] = _refused_by(failure, body)
    if not_openrouter or (parsed.status in (404, 405) and _WRONG_PATH.search(parsed.message[:200])):
        failure.details["not_openrouter"] = True
    failure.explanation = explain(failure)
    return failure


def _refused_by(failure: ActionError, body: Mapping[str, Any]) -> str | None:
    """Who sent a 401 if not OpenRouter (`provider` or `proxy`): then the account's key is not the reason."""
    by_provider = any(failure.details[name] is not None for name in ("provider", "provider_message", "provider_code"))
    if by_provider or "provider returned error" in failure.message[:200].lower():
        return "provider"  # it refused the key that OpenRouter has for it
    return None if isinstance(body.get("error"), dict) or "choices" in body else "proxy"


def mark_as_wrong_base_url(error: ActionError) -> None:
    """Mark a 404 of a path that always exists: the base URL leads to another server."""
    if not error.details.get("availability"):
        error.details["not_openrouter"] = True
        error.explanation = explain(error)
