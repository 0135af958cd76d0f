"""An API's error answers, in the shapes that APIs commonly use, as one typed `ActionError`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...envelope import ActionError
from ...text.json_text import json_or
from ...text.markup import without_tags
from ...text.sanitize import clean, preview, quoted, shorten
from ..api import Api
from ..retry_after import retry_after
from ..statuses import PASSING, type_of_status

# Where an error's message stands: in OAuth's, RFC 9457's, JSON:API's, GraphQL's and most other APIs' error bodies.
_MESSAGE_KEYS = (
    *("message", "error_description", "error_message", "errorMessage", "detail", "description", "msg", "title"),
    *("reason", "error", "errors", "fault"),
)
_MAX_MESSAGE = 1_000
_MAX_BODY = 10_000
_STEPS = {
    "authentication": "The account's credentials are wrong, revoked or expired: new ones have to be connected.",
    "permission_denied": "The account may not do this. Repeating does not help.",
    "payment_required": "The account's plan or credit does not cover this. Repeating does not help.",
    "not_found": "There is nothing under the given ids: check them before you call again.",
    "payload_too_large": "Send less.",
    "invalid_request": "Correct the arguments before you call again: as they are, they will be refused again.",
    "unprocessable": "Correct the arguments before you call again: as they are, they will be refused again.",
}


def from_answer(api: Api, status: int, headers: Mapping[str, str], text: str) -> ActionError:
    """The error of an answer whose status is not 2xx."""
    body = json_or(text)
    message = message_in(body) or _plain_text(text, body) or f"HTTP {status}"
    error_type = type_of_status(status)
    if status == 403 and (headers.get("retry-after") or headers.get("x-ratelimit-remaining") == "0"):
        error_type = "rate_limit_exceeded"  # as GitHub answers
    retryable = error_type in PASSING
    objects = [found for found in (body, _get(body, "error")) if isinstance(found, dict)]
    wait = retry_after({}, headers, places=objects, words=message, own_limit=status in (403, 429))
    error = ActionError(
        error_type,
        shorten(message, _MAX_MESSAGE),
        status=status,
        retryable=retryable,
        retry_after=wait if retryable else None,
        code=next((code for found in objects if isinstance(code := found.get("code"), str | int)), None),
        request_id=headers.get("x-request-id"),
        metadata=body if isinstance(body, dict | list) and len(text) <= _MAX_BODY else None,
    )
    step = _wait(error.retry_after) if retryable else _STEPS.get(error_type, "Change the call before you repeat it.")
    said = quoted(message.rstrip("."))
    more = f" Its answer: {preview(body, 300)}." if error_type in ("invalid_request", "unprocessable") and body else ""
    error.explanation = f"{api.at_start} refused or failed (HTTP {status}): {said}.{more} {step}"
    return error


def redirect(api: Api, status: int, host: str) -> ActionError:
    """The error for a redirect that is not followed."""
    where = f" to {quoted(host, 80)}" if host else ""
    return ActionError(
        "invalid_response",
        f"{api.at_start} answers with a redirect{where} (HTTP {status}), which is not followed: the account's "
        "credentials go nowhere else.",
        advice=f"The operator of this agent has to look at {api.base_url_setting}.",
        status=status,
    )


def message_in(body: Any, depth: int = 0) -> str | None:
    """The message in an error body, or None."""
    if isinstance(body, str):
        return body.strip() or None
    if depth > 4:
        return None
    parts = body[:5] if isinstance(body, list) else [_get(body, key) for key in _MESSAGE_KEYS]
    return next((found for part in parts if (found := message_in(part, depth + 1))), None)


def _plain_text(text: str, body: Any) -> str | None:
    """The message of an answer that is no JSON, such as a page, or whose JSON has none."""
    if body is not None:
        return preview(body, 200)
    return shorten(clean(without_tags(text[:20_000])), 200) or None


def _wait(seconds: float | None) -> str:
    if seconds is None:
        return "Wait some seconds and call again."
    return f"Wait {math.ceil(seconds)} s and call again." if seconds > 0 else "Call again now."


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None
