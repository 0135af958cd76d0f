"""Classify an error object: its type, its limit, whether it is retryable, and how long to wait."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from ...http.retry_after import retry_after
from ...http.statuses import PASSING, type_of_status
from . import provider_messages
from .limits import IN_FLIGHT, PROVIDER_CREDIT, Limit, limit_in, resets_in
from .types import TYPES, status_of_code, type_in_code, type_of_code

# Types that OpenRouter uses for many failures; the rest of the error may give a more precise type.
_BROAD = frozenset(
    {
        "invalid_request",
        "payment_required",
        "permission_denied",
        "provider_unavailable",
        "server",
        "unmapped",
        "unprocessable",
    }
)
# Types that are taken from a provider's code even if the status means something broader.
_PRECISE = frozenset(
    {
        "content_policy_violation",
        "context_length_exceeded",
        "payment_required",
        "provider_overloaded",
        "rate_limit_exceeded",
        "string_too_long",
        *(name for name in TYPES if "image" in name),
    }
)
_BROAD_STATUSES = frozenset({400, 422, 500, 502, 503})
_TYPE_OF_AVAILABILITY = {
    "capacity_exhausted": "provider_overloaded",
    "temporarily_unavailable": "provider_overloaded",
    "model_unavailable_upstream": "provider_unavailable",
    "model_not_found": "not_found",
    "wrong_endpoint": "not_found",
    "no_endpoints": "not_found",
    "model_deprecated": "not_found",
    "free_variant_ended": "not_found",
    "region_restricted": "not_found",
    "privacy_restricted": "not_found",
    "constraint_filtered": "not_found",
}
_PROVIDER_FAILED = re.compile(r"\s*provider returned (an )?error\b", re.IGNORECASE)
_MAX_CODE_LENGTH = 80
# Only this many characters of a message are searched for words, numbers and retry hints.
_MAX_LENGTH = 2_000


def _as_text(value: Any, *, ensure_ascii: bool = True) -> str:
    """A part of an answer as JSON. Writing takes more of the stack than parsing, so it may be nested too deeply."""
    try:
        return json.dumps(value, ensure_ascii=ensure_ascii)
    except RecursionError:
        return "an answer that is nested too deeply"


class ParsedError:
    """An error object and its surrounding body, parsed.

    Attributes:
        status: the HTTP status, or the one that an error inside a 200 answer gives, or None.
        message, provider_message: the unchanged messages of OpenRouter and of the provider.
        words: the first characters of both.
    """

    def __init__(self, error: Mapping[str, Any], body: Mapping[str, Any], status: int | None) -> None:
        """`body` is the object that contains the error, `status` the HTTP status."""
        self.error, self._body = error, body
        self.metadata = _as_dict(error.get("metadata")) or _as_dict(body.get("metadata"))
        self.availability = _as_dict(error.get("availability")) or _as_dict(self.metadata.get("availability"))
        self.status = _status(error, status)
        raw = self.metadata.get("raw")
        self.provider_message = raw if isinstance(raw, str) else None if raw is None else _as_text(raw)
        message = error.get("message")
        if message and not isinstance(message, str):
            message = _as_text(message, ensure_ascii=False)
        self.message = message or self.provider_message or _placeholder_message(error, status)
        self.words = f"{self.message[:_MAX_LENGTH]}\n{(self.provider_message or '')[:_MAX_LENGTH]}"
        provider = self.metadata.get("provider_name")
        self.provider = provider if isinstance(provider, str) else None
        self._inner = [*provider_messages.objects_in(raw), *provider_messages.objects_in(message)]
        names = [place.get("error_type") for place in (error, self.metadata, body, _as_dict(body.get("metadata")))]
        named = (name for name in (*names, error.get("type")) if isinstance(name, str) and name in TYPES)
        self._named = next(named, None)  # the type that OpenRouter itself gives, in any of its places

    def classify(self, headers: Mapping[str, str]) -> tuple[str, Limit | None, bool, float | None]:
        """A consistent type, limit, `retryable` and `retry_after`; `headers` are those of the answer.

        `retry_after`, in seconds, is None unless the error is retryable.
        """
        limit = self._limit()
        error_type = self._type(limit)
        hint = retry_after(
            self.availability,
            headers,
            places=(self.metadata, self.error, *self._inner, self._body),
            words=self.words,
            own_limit=error_type == "rate_limit_exceeded",
        )
        if limit is None and self.status == 402 and hint:  # a 402 with a retry hint: running calls hold the credit
            limit, error_type = IN_FLIGHT, IN_FLIGHT.type
        if limit is not None and limit.resets and not hint:
            hint = resets_in(limit, self.metadata, self.message[:_MAX_LENGTH], time.time())
        retryable = self._retryable(error_type, limit, hint)
        return error_type, limit, retryable, hint if retryable else None

    def _limit(self) -> Limit | None:
        """The limit that was hit, unless OpenRouter names a type that contradicts it."""
        limit = limit_in(self.metadata, self.message[:_MAX_LENGTH], self.status)
        if limit is None:
            from_provider = self.provider is not None or self.provider_message is not None
            codes = " ".join(code for name in ("code", "type") if isinstance(code := self.error.get(name), str))
            searched = f"{codes[:_MAX_LENGTH]} {self.words}" if from_provider else codes
            limit = PROVIDER_CREDIT if provider_messages.is_provider_credit(searched, self.words) else None
        if limit is None or self._named is None or self._named in _BROAD or limit.type == self._named:
            return limit
        return None

    def _type(self, limit: Limit | None) -> str:
        """OpenRouter's own type; if it is missing or broad, the type that the rest of the error means."""
        if self._named is not None and self._named not in _BROAD:
            return self._named
        if limit is not None:
            return "payment_required" if self.status == 402 and limit.type == "permission_denied" else limit.type
        flagged = any(self.metadata.get(name) for name in ("reasons", "flagged_input", "patterns"))
        if flagged and self.status in (None, 400, 403):
            return "content_policy_violation"
        own, inner = _codes(self.error), [code for found in self._inner for code in _codes(found)]
        precise = None
        if self.status is None or self.status in _BROAD_STATUSES:
            precise = next((code for code in (*inner, *own) if code in _PRECISE), None)
        by_availability = _TYPE_OF_AVAILABILITY.get(str(self.availability.get("code")))
        found = provider_messages.type_in(self.words, self.status) or precise or self._named or by_availability
        if found is not None:
            return found
        if self.status is not None:
            return type_of_status(self.status)
        return next(iter((*own, *inner)), None) or self._type_of_unknown_code()

    def _type_of_unknown_code(self) -> str:
        """The type of an error without a status and with an unlisted code, by the words in the code."""
        codes = (found.get(name) for found in (self.error, *self._inner) for name in ("code", "type", "status"))
        words = " ".join(code[:_MAX_CODE_LENGTH] for code in codes if isinstance(code, str))
        return type_in_code(words) or ("provider_unavailable" if _PROVIDER_FAILED.search(self.message) else "unmapped")

    def _retryable(self, error_type: str, limit: Limit | None, hint: float | None) -> bool:
        """Whether the same call may succeed later, by OpenRouter's own flag, then the limit, then the type."""
        if isinstance(self.availability.get("retryable"), bool):
            return bool(self.availability["retryable"])
        if limit is not None and limit.type != "rate_limit_exceeded":
            return limit.resets and bool(hint)
        return error_type in PASSING


def _status(error: Mapping[str, Any], status: int | None) -> int | None:
    if status is not None and not 200 <= status < 300:
        return status
    if error.get("type") == "overloaded_error":  # Anthropic's error has its own status
        return 529
    return next((found for name in ("code", "status") if (found := status_of_code(error.get(name)))), None)


def _codes(found: Mapping[str, Any]) -> list[str]:
    """The types that an object's codes mean, as words or as the status 429."""
    names = ("code", "status", "type", "__type", "name", "reason")
    codes = [code for name in names if (code := type_of_code(found.get(name))) is not None]
    return [*codes, "rate_limit_exceeded"] if status_of_code(found.get("code")) == 429 else codes


def _placeholder_message(error: Mapping[str, Any], status: int | None) -> str:
    """The message for an error that has none."""
    code = error.get("code") or error.get("type") or error.get("status")
    return f"an error without a message (code {code})" if isinstance(code, str | int) else f"HTTP {status}"


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
