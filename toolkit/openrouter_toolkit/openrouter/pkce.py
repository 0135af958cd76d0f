"""OpenRouter's browser login (OAuth with PKCE), which returns a new API key for this program."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..call import Call
from ..envelope import ActionError
from ..text.json_text import json_or
from ..text.redaction import redact_thoroughly
from ..text.sanitize import short_name
from . import base_url as base_urls
from .client import OpenRouter

_TIMEOUT = 30.0
_API_PATH = "/api/v1"
_MAX_LABEL = 100
_MAX_CODE = 1_000
_AGAIN = "Begin the login again."


class BrowserLogin:
    """The login flow: gives the URL of OpenRouter's page, then exchanges the returned code for a key."""

    def __init__(self, **client_options: Any) -> None:
        """Create the flow; nothing is sent yet. Options and errors are those of `OpenRouter`."""
        self._openrouter = OpenRouter(**client_options)
        self._page = _authorization_page(base_urls.resolve(client_options.get("base_url")))

    def begin(self, callback_url: str | None, key_label: str, verifier: str) -> str:
        """The URL to open in the browser.

        Args:
            callback_url: where OpenRouter redirects the browser with `?code=...`: https, or loopback on any port. With
                None, the page shows the code, for a person to paste.
            key_label: the key's name in the account's list of keys; at most 100 characters are sent.
            verifier: 43 to 128 random characters, for `finish`. The URL contains only their SHA-256.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        query = {"code_challenge": challenge.decode(), "code_challenge_method": "S256"}
        query["key_label"] = key_label[:_MAX_LABEL]
        if callback_url is not None:
            query["callback_url"] = callback_url
        return f"{self._page}?{urlencode(query)}"

    def finish(self, code: str, verifier: str) -> str:
        """Exchange a code for its key (POST /auth/keys). A code works once, so nothing is retried.

        Raises:
            ActionError: with an explanation for the person who logs in. `permission_denied`: the code is wrong, was
                used or is older than ten minutes; `invalid_request`: the method is wrong; or a network failure.
        """
        code = code.strip()
        if not code or len(code) > _MAX_CODE or not code.isascii() or not code.isprintable():
            what = "That is no code: copy it from OpenRouter's page as it stands there."
            raise ActionError("invalid_arguments", what)
        body = {"code": code, "code_verifier": verifier, "code_challenge_method": "S256"}
        try:
            text = self._openrouter.connected(None, Call(timeout=_TIMEOUT)).request(
                "POST", "/auth/keys", body, once=True
            )
        except ActionError as error:
            raise _login_error(error, redact_thoroughly(error.message, (code, verifier)).rstrip(".")) from None
        return _parse_key(text)

    def close(self) -> None:
        """Close the pooled connections."""
        self._openrouter.close()


def _authorization_page(base_url: str) -> str:
    """The login page of an API's base URL: https://openrouter.ai/auth for https://openrouter.ai/api/v1."""
    parts = urlsplit(base_url)
    before = parts.path.removesuffix(_API_PATH) if parts.path.endswith(_API_PATH) else ""
    return f"{parts.scheme}://{parts.netloc}{before}/auth"


def _login_error(error: ActionError, message: str) -> ActionError:
    """The error of a failed exchange for the person who logs in; without the code and the verifier."""
    said = short_name(message, 300)
    if error.status == 403:
        explanation = (
            f"OpenRouter refused the code: it is wrong, was used already, or is older than ten minutes. {_AGAIN}"
        )
    elif error.status == 400:
        explanation = f"OpenRouter refused the exchange: {said}. {_AGAIN}"
    elif error.details.get("sent") is False:
        explanation = f"{said}. The code was not used. {_AGAIN}"
    else:
        explanation = (
            f"The code was not exchanged for a key: {said}. {_AGAIN} Should a key that nobody uses have appeared at "
            "openrouter.ai/keys, delete it there."
        )
    return ActionError(error.type, message, explanation, status=error.status, retryable=error.retryable)


def _parse_key(text: str) -> str:
    answer = json_or(text)
    key = answer.get("key") if isinstance(answer, dict) else None
    if not isinstance(key, str) or not key:
        message = "OpenRouter's answer holds no key."
        raise ActionError("invalid_response", message, advice=_AGAIN)
    return key
