"""OpenRouter's base URL: https, or plain http to this machine (loopback)."""

from __future__ import annotations

import os

from ..envelope import ActionError
from ..http.api import Api
from ..http.base_url import base_url_problem, without_password
from ..text.sanitize import quoted

DEFAULT = "https://openrouter.ai/api/v1"
VARIABLE = "OPENROUTER_BASE_URL"
API = Api("OpenRouter", VARIABLE)


def resolve(base_url: str | None) -> str:
    """The given base URL, else the environment's, else OpenRouter's own; without a trailing slash.

    Raises:
        ActionError: `connection_failed`, for a URL to which no key may be sent.
    """
    url = (base_url or os.environ.get(VARIABLE) or DEFAULT).strip().rstrip("/")
    problem = base_url_problem(url)
    if problem is not None:
        message = f"The base URL {quoted(without_password(url), 100)} can't be used: {problem}."
        raise ActionError(
            "connection_failed",
            message,
            advice=f"Nothing was sent. The operator of this agent has to set {VARIABLE}.",
            sent=False,
        )
    return url
