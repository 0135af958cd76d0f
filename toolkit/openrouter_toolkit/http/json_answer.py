"""Answers that should be JSON: how far they are checked, and the error for one that is not."""

from __future__ import annotations

import json

from ..envelope import ActionError
from ..text.sanitize import quoted
from .api import Api

# Answers up to this size are parsed, to check that they are JSON. A catalogue is twelve times as large, and parsing
# it would cost more than the whole call: of larger answers only both ends are checked.
MAX_PARSED = 64 * 1024


def check_json(text: str, status: int, api: Api) -> None:
    """Raise `ActionError` (`invalid_response`) for an answer that is not JSON, or does not look like it if it is large.

    An empty answer passes: many APIs answer nothing where there is nothing to say.
    """
    if not text:
        return
    if len(text) > MAX_PARSED:
        if text[0] not in "{[" or text[-1] not in "}]":
            raise not_json(text, status, api)
        return
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise not_json(text, status, api) from None


def not_json(text: str, status: int, api: Api) -> ActionError:
    """The error for an answer that should be JSON and is not."""
    what = f"begins with {quoted(text[:400], 80)}" if text else "is empty"
    return ActionError(
        "invalid_response",
        f"The answer (HTTP {status}) is not valid JSON; it {what}.",
        f"{api.possessive} answer (HTTP {status}) is not valid JSON; it {what}. Something between here and {api.name} "
        "may have answered in its place. Call again; if it stays so, tell the operator of this agent to look at "
        f"{api.base_url_setting} and the proxy.",
        status=status,
        retryable=True,
    )
