"""An answer's body, read within limits and judged: the text for the envelope, or why it is a failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from urllib3 import BaseHTTPResponse

from ..envelope import ActionError
from ..wording import quoted
from . import errors

# Up to this size an answer is parsed to see that it is JSON. A catalogue is twelve times as large, and parsing
# it would cost more than the whole call: of larger answers only both ends are looked at.
_PARSED_UP_TO = 64 * 1024
_WHITE = " \t\r\n\ufeff"


def read_text(response: BaseHTTPResponse, limit: int) -> str:
    """The whole body as text, without white space around it.

    Raises:
        ActionError: `invalid_response`, when the body is larger than `limit` bytes, compressed or not.
    """
    failure = too_large(limit)
    length = response.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        response.close()
        raise failure
    body = bytearray()
    while piece := response.read(min(limit + 1 - len(body), 1024 * 1024)):
        body += piece
        if len(body) > limit:
            response.close()
            raise failure
    return body.decode("utf-8", "replace").strip(_WHITE)


def judged(text: str, response: BaseHTTPResponse, *, xml: bool = False) -> str:
    """The text of an answer that is what it should be.

    Raises:
        ActionError: the error that the answer holds, whatever its status; `invalid_response` for no JSON.
    """
    status, headers = response.status, response.headers
    if not 200 <= status < 300:
        raise errors.from_answer(status, headers, text)
    if xml and text.startswith("<") and "html" not in text[:200].lower():
        return text
    if len(text) > _PARSED_UP_TO:
        if text[0] not in "{[" or text[-1] not in "}]":
            raise not_json(text, status)
        if text.startswith('{"data"'):
            return text
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise not_json(text, status) from None
    raise_if_error(body, status, headers)
    return text


def raise_if_error(body: Any, status: int | None, headers: Mapping[str, str]) -> None:
    """Raise the error that a JSON body holds, if it holds one."""
    found = errors.error_in(body)
    if found is not None:
        holder = body if isinstance(body, dict) else {}
        failure = errors.from_object(found, holder, status, headers)
        if holder.get("choices"):
            failure.partial = body
        raise failure


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


def too_large(limit: int) -> ActionError:
    """The error for an answer above the limit, in bytes."""
    return ActionError(
        "invalid_response",
        f"The answer is larger than {limit} bytes.",
        f"The answer is larger than the limit of {limit / 2**20:g} MiB and was not read to its end. Ask for less "
        "(a filter, a limit, a smaller max_tokens), or have the limit raised (max_answer_bytes).",
    )
