"""Parse an answer: return the text for the envelope, or raise the error that it contains."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from urllib3 import BaseHTTPResponse

from ..envelope import ActionError
from ..http.json_answer import MAX_PARSED, not_json
from ..text.sanitize import quoted
from .base_url import API
from .errors.error_object import error_in


def parse_response(
    text: str, response: BaseHTTPResponse, *, xml: bool = False, check: Callable[[Any], None] | None = None
) -> str:
    """The text of a successful answer; `check` raises `ActionError` for content that is not a success.

    Raises:
        ActionError: the error that the answer contains, whatever its status; `invalid_response` if it is not JSON.
    """
    status, headers = response.status, response.headers
    if not 200 <= status < 300:
        from .errors import api_errors

        raise api_errors.from_answer(status, headers, text)
    if xml and text.startswith("<") and "html" not in text[:200].lower():
        return text
    if len(text) > MAX_PARSED:
        if text[0] not in "{[" or text[-1] not in "}]":
            raise not_json(text, status, API)
        if text.startswith('{"data"') and check is None:
            return text
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise not_json(text, status, API) from None
    raise_if_error(body, status, headers)
    if check is not None:
        check(body)
    return text


def raise_if_error(body: Any, status: int | None, headers: Mapping[str, str]) -> None:
    """Raise the error that a JSON body contains, if any."""
    found = error_in(body)
    if found is not None:
        from .errors import api_errors

        container = body if isinstance(body, dict) else {}
        failure = api_errors.from_object(found, container, status, headers)
        if container.get("choices"):
            failure.partial = body
            _add_native_reason(failure, container["choices"])
        raise failure


def _add_native_reason(failure: ActionError, choices: Any) -> None:
    """Add the provider's own finish reason, which is more specific than `error`."""
    for choice in choices if isinstance(choices, list) else ():
        native = choice.get("native_finish_reason") if isinstance(choice, dict) else None
        if isinstance(native, str) and native not in ("", "error"):
            failure.details["native_finish_reason"] = native
            failure.explanation += f" The provider's own reason (native_finish_reason): {quoted(native, 80)}."
            return
