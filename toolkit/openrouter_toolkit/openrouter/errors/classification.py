"""What an error object means: its type, its limit, whether the same call may succeed later, and how long to wait."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import provider_messages
from .limits import IN_FLIGHT, PROVIDERS_CREDIT, Limit, limit_in, resets_in
from .retry_after import retry_after
from .types import PASSING, TYPES, status_of_code, type_in_code, type_of_code, type_of_status

# Types that OpenRouter gives to much, so that what is said beside them may make them more precise.
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
# Types that a provider's code may name although the status says something broader.
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
_LONGEST_CODE = 80
# So much of a message is looked through for words, numbers and hints.
_READ = 2_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an error means. What does not pass by itself has no hint of when to call again."""

    type: str
    limit: Limit | None
    retryable: bool
    retry_after: float | None


class Report:
    """An error object with what stands around it, taken apart.

    Attributes:
        status: of the HTTP answer, or what an error inside a 200 says it would have been, or None.
        message, provider_message: what OpenRouter said, and what the provider said, as they came.
        words: the beginnings of both.
    """

    def __init__(self, error: Mapping[str, Any], body: Mapping[str, Any], status: int | None) -> None:
        """`body` is what the error stood in, `status` that of the HTTP answer."""
        self.error, self._body = error, body
        self.metadata = _dict(error.get("metadata")) or _dict(body.get("metadata"))
        self.availability = _dict(error.get("availability")) or _dict(self.metadata.get("availability"))
        self.status = _status(error, status)
        raw = self.metadata.get("raw")
        self.provider_message = raw if isinstance(raw, str) else None if raw is None else json.dumps(raw)
        message = error.get("message")
        if message and not isinstance(message, str):
            message = json.dumps(message, ensure_ascii=False)
        self.message = message or self.provider_message or _unsaid(error, status)
        self.words = f"{self.message[:_READ]}\n{(self.provider_message or '')[:_READ]}"
        provider = self.metadata.get("provider_name")
        self.provider = provider if isinstance(provider, str) else None
        self._inner = [*provider_messages.objects_in(raw), *provider_messages.objects_in(message)]
        self._named = _named_type(error, self.metadata, body)

    def classify(self, headers: Mapping[str, str]) -> Verdict:
        """Type, limit, whether it passes and when, such that they agree; `headers` are those of the answer."""
        limit = self._limit()
        kind = self._type(limit)
        hint = retry_after(
            self.availability,
            headers,
            places=(self.metadata, self.error, *self._inner, self._body),
            words=self.words,
            own_limit=kind == "rate_limit_exceeded",
        )
        if limit is None and self.status == 402 and hint:  # money that only a wait brings is held by other calls
            limit, kind = IN_FLIGHT, IN_FLIGHT.type
        if limit is not None and limit.resets and not hint:
            hint = resets_in(limit, self.metadata, self.message[:_READ], time.time())
        retryable = self._retryable(kind, limit, hint)
        return Verdict(kind, limit, retryable, hint if retryable else None)

    def _limit(self) -> Limit | None:
        """The limit that was hit, unless OpenRouter names a type that speaks against it."""
        limit = limit_in(self.metadata, self.message[:_READ], self.status)
        if limit is None:
            of_provider = self.provider is not None or self.provider_message is not None
            codes = " ".join(code for name in ("code", "type") if isinstance(code := self.error.get(name), str))
            said = f"{codes[:_READ]} {self.words}" if of_provider else codes
            limit = PROVIDERS_CREDIT if provider_messages.means_the_providers_credit(said, self.words) else None
        if limit is None or self._named is None or self._named in _BROAD or limit.type == self._named:
            return limit
        return None

    def _type(self, limit: Limit | None) -> str:
        """OpenRouter's own type, or, where it names none or a broad one, what all the rest says."""
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
        return next(iter((*own, *inner)), None) or self._of_unknown_code()

    def _of_unknown_code(self) -> str:
        """The type of an error without a status, whose code no list has: by what the code is made of."""
        codes = (found.get(name) for found in (self.error, *self._inner) for name in ("code", "type", "status"))
        words = " ".join(code[:_LONGEST_CODE] for code in codes if isinstance(code, str))
        return type_in_code(words) or ("provider_unavailable" if _PROVIDER_FAILED.search(self.message) else "unmapped")

    def _retryable(self, kind: str, limit: Limit | None, hint: float | None) -> bool:
        """Whether the same call may succeed later: OpenRouter's word counts, then the limit, then the type."""
        if isinstance(self.availability.get("retryable"), bool):
            return bool(self.availability["retryable"])
        if limit is not None and limit.type != "rate_limit_exceeded":
            return limit.resets and bool(hint)
        return kind in PASSING


def _named_type(error: Mapping[str, Any], metadata: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    """The typed code that OpenRouter itself gives, wherever it stands."""
    for place in (error, metadata, body, _dict(body.get("metadata"))):
        if isinstance(short_name := place.get("error_type"), str) and short_name in TYPES:
            return short_name
    return short_name if isinstance(short_name := error.get("type"), str) and short_name in TYPES else None


def _status(error: Mapping[str, Any], status: int | None) -> int | None:
    if status is not None and not 200 <= status < 300:
        return status
    if error.get("type") == "overloaded_error":  # Anthropic's has a status of its own
        return 529
    return next((found for name in ("code", "status") if (found := status_of_code(error.get(name)))), None)


def _codes(found: Mapping[str, Any]) -> list[str]:
    """The types that an object's codes mean, in words or as the status that stands for too many calls."""
    names = ("code", "status", "type", "__type", "name", "reason")
    codes = [code for name in names if (code := type_of_code(found.get(name))) is not None]
    return [*codes, "rate_limit_exceeded"] if status_of_code(found.get("code")) == 429 else codes


def _unsaid(error: Mapping[str, Any], status: int | None) -> str:
    """What stands for a message where none came."""
    code = error.get("code") or error.get("type") or error.get("status")
    return f"an error without a message (code {code})" if isinstance(code, str | int) else f"HTTP {status}"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
