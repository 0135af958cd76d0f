"""An answer's text, judged: what goes into the envelope, or why it is a failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from urllib3 import BaseHTTPResponse

from ..envelope import ActionError
from ..text.sanitize import quoted
from .errors import api_errors

# Up to this size an answer is parsed to see that it is JSON. A catalogue is twelve times as large, and parsing
# it would cost more than the whole call: of larger answers only both ends are looked at.
_PARSED_UP_TO = 64 * 1024


def parse_response(
    text: str, response: BaseHTTPResponse, *, xml: bool = False, check: Callable[[Any], None] | None = None
) -> str:
    """The text of an answer that is what it should be; `check` raises for one whose content is no success.

    Raises:
        ActionError: the error that the answer holds, whatever its status; `invalid_response` for no JSON.
    """
    status, headers = response.status, response.headers
    if not 200 <= status < 300:
        raise api_errors.from_answer(status, headers, text)
    if xml and text.startswith("<") and "html" not in text[:200].lower():
        return text
    if len(text) > _PARSED_UP_TO:
        if text[0] not in "{[" or text[-1] not in "}]":
            raise not_json(text, status)
        if text.startswith('{"data"') and check is None:
            return text
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise not_json(text, status) from None
    raise_if_error(body, status, headers)
    if check is not None:
        check(body)
    return text


def raise_if_error(body: Any, status: int | None, headers: Mapping[str, str]) -> None:
    """Raise the error that a JSON body holds, if it holds one."""
    found = api_errors.error_in(body)
    if found is not None:
        holder = body if isinstance(body, dict) else {}
        failure = api_errors.from_object(found, holder, status, headers)
        if holder.get("choices"):
            failure.partial = body
            _name_native_reason(failure, holder["choices"])
        raise failure


def _name_native_reason(failure: ActionError, choices: Any) -> None:
    """Add the provider's own reason for the end, which says more than `error`."""
    for choice in choices if isinstance(choices, list) else ():
        native = choice.get("native_finish_reason") if isinstance(choice, dict) else None
        if isinstance(native, str) and native not in ("", "error"):
            failure.details["native_finish_reason"] = native
            failure.explanation += f" The provider's own reason (native_finish_reason): {quoted(native, 80)}."
            return


def not_json(text: str, status: int) -> ActionError:
    """The error for an answer that is no JSON where JSON is due."""
    what = f"begins with {quoted(text[:400], 80)}" if text else "is empty"
    return ActionError(
        "invalid_response",
        f"The answer (HTTP {status}) is no JSON; it {what}.",
        f"OpenRouter's answer (HTTP {status}) is no JSON; it {what}. Something between here and OpenRouter may have "
        "answered in its place. Call again; if it stays so, tell whoever runs this agent to look at "
        "OPENROUTER_BASE_URL and the proxy.",
        status=status,
        retryable=True,
    )
