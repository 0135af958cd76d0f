"""OpenRouter's authorization page for PKCE logins, and the exchange of codes for keys."""

import base64
import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

from .accounts import API_KEY
from .connection import Connection
from .errors import ApiError, JsonObject

CODE_SECONDS = 600.0
_METHODS = ("S256", "plain")
_FORM_FIELDS = ("callback_url", "code_challenge", "code_challenge_method", "key_label")
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    "<title>OpenRouter (sandbox)</title></head><body><main>{content}</main></body></html>"
)
_FORM = (
    "<h1>{requester} asks for a key to your OpenRouter account</h1>"
    "<p>This is the sandbox: there is no account and nothing costs money.</p>"
    '<form method="post" action="/auth">{fields}'
    '<button name="decision" value="authorize">Authorize</button> '
    '<button name="decision" value="cancel">Cancel</button></form>'
)


class _Grant(NamedTuple):
    """What a code authorizes: its PKCE challenge and the time when it expires."""

    challenge: str | None
    method: str | None
    expires_at: float


class Authorizations:
    """The issued codes that were not used yet. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[str, _Grant] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all codes."""
        with self._lock:
            self._grants.clear()

    def page(self, connection: Connection, fields: Mapping[str, str], decision: str | None) -> None:
        """GET or POST /auth: the page that asks the person to authorize, or what follows the decision.

        A decision redirects to the callback; without one, a page shows the code.
        """
        problem = _problem(fields)
        code = self.issue(fields) if problem is None and decision == "authorize" else None
        if problem is not None:
            _send_page(connection, f"<h1>This link can't be used</h1><p>{escape(problem)}</p>", 400)
        elif decision is None:
            hidden = "".join(
                f'<input type="hidden" name="{name}" value="{escape(fields[name])}">'
                for name in _FORM_FIELDS
                if name in fields
            )
            _send_page(connection, _FORM.format(requester=escape(_requester(fields)), fields=hidden))
        elif fields.get("callback_url"):
            parts = urlsplit(fields["callback_url"])
            answer = urlencode({"code": code} if code else {"error": "access_denied"})
            query = "&".join(filter(None, (parts.query, answer)))
            connection.answer_headers["Location"] = urlunsplit(parts._replace(query=query))
            connection.send(303, b"")
        elif code:
            _send_page(connection, f'<h1>Your code</h1><p>Paste it: <code id="code">{escape(code)}</code></p>')
        else:
            _send_page(connection, "<h1>Cancelled</h1><p>You can close this page.</p>")

    def exchange(self, method: str, body: Any) -> JsonObject:
        """POST /auth/keys: a new key for a code.

        Raises:
            ApiError: 405 not POST; 400 no code, or another challenge method than on the page; 403 a wrong code or
                verifier. An attempt with a wrong verifier invalidates the code.
        """
        if method != "POST":
            raise ApiError(405, "Method Not Allowed")
        if not isinstance(body, dict) or not isinstance(body.get("code"), str):
            raise ApiError(400, "Invalid request parameters")
        chosen = body.get("code_challenge_method")
        with self._lock:
            grant = self._grants.get(body["code"])
            if chosen not in (*_METHODS, None) or (grant is not None and chosen != grant.method):
                raise ApiError(400, "Invalid code_challenge_method")
            self._grants.pop(body["code"], None)
        if grant is None or grant.expires_at < self._clock() or not _verify(grant, body.get("code_verifier")):
            raise ApiError(403, "Invalid code or code_verifier")
        return {"key": f"{API_KEY}-{secrets.token_hex(24)}", "user_id": "user_sandbox"}

    def issue(self, form: Mapping[str, str]) -> str:
        """A new code for a request that the person authorized."""
        code = f"auth_code_{secrets.token_hex(12)}"
        challenge = form.get("code_challenge") or None
        method = form.get("code_challenge_method", "plain") if challenge else None
        with self._lock:
            self._grants[code] = _Grant(challenge, method, self._clock() + CODE_SECONDS)
        return code


def _problem(query: Mapping[str, str]) -> str | None:
    """What is wrong with a login request, or None."""
    callback, challenge = query.get("callback_url"), query.get("code_challenge")
    if callback is not None and not _is_allowed_callback(callback):
        return "callback_url must be https, or http to localhost or 127.0.0.1."
    if callback is None and not challenge:
        return "Without a callback_url there must be a code_challenge."
    if query.get("code_challenge_method", "plain") not in _METHODS:
        return "code_challenge_method must be S256 or plain."
    return None


def _is_allowed_callback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if not parts.hostname or not url.isascii() or not url.isprintable() or " " in url:
            return False
        loopback = parts.hostname == "localhost" or (
            parts.scheme == "http" and ipaddress.ip_address(parts.hostname).is_loopback
        )
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback)


def _requester(query: Mapping[str, str]) -> str:
    """The host of the callback; without a callback, the key's label, which names the program."""
    if "callback_url" in query:
        return urlsplit(query["callback_url"]).netloc
    return query.get("key_label") or "A program without a name"


def _verify(grant: _Grant, verifier: Any) -> bool:
    if grant.challenge is None:
        return True
    if not isinstance(verifier, str):
        return False
    computed = verifier.encode("utf-8", "replace")
    if grant.method == "S256":
        computed = base64.urlsafe_b64encode(hashlib.sha256(computed).digest()).rstrip(b"=")
    return hmac.compare_digest(computed, grant.challenge.rstrip("=").encode("utf-8", "replace"))


def _send_page(connection: Connection, content: str, status: int = 200) -> None:
    connection.answer_headers["Cache-Control"] = "no-store"
    page = _PAGE.format(content=content)
    connection.send(status, page.encode("utf-8", "replace"), "text/html; charset=utf-8")
