"""Parse providers' own error messages (message, metadata.raw): the error type and the token numbers in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Only this many characters of a text are searched.
MAX_LENGTH = 4_000
_MAX_DEPTH = 4
# Statuses that don't identify the kind of failure; any other status decides the type itself.
_AMBIGUOUS = frozenset({400, 422, 500, 502, 503})

_TOO_MUCH_AT_ONCE = r"request too large for .{0,200}?per (min|minute|day)\b"
_RATE = (
    r"throttlingexception|too many (requests|tokens, please wait)|rate.?limit(s|ed)?( has been| was)? "
    r"?(exceeded|reached|hit|error)|(is|are|been|temporarily) rate.?limited|resource.?(has.been.)?exhausted"
    r"|(exceeded|reached) (your|the|its) (current |assigned )?(quota|rate)|quota exceeded for|quota exceeded\b"
    r"|(requests|tokens) per (minute|day)|would exceed .{0,60}rate limit"
)
_TOO_LONG = (
    r"maximum context length|prompt is too long|input is too long|exceeds? (the |this )?(model'?s? )?(maximum )?"
    r"(available )?context|exceeds? the maximum number of tokens|maximum prompt length|exceeded model token limit"
    r"|context (length|window|size|limit)( is| was)? ?exceed|context.?(length|window).?exceeded|exceed context limit"
    r"|too large for model with \d|max input tokens|longer than the (model'?s |maximum )?(context|model length)"
    r"|greater than the context length|prompt token count of \d+ exceeds|range of input length"
    r"|reduce the length of (the|your) (messages|prompt|input)|too many (input|total) tokens|prompt too large"
    r"|tokens in the prompt cannot exceed|must be <= ?\d+\. given"
)
_TOO_MANY_TO_ANSWER = (
    r"max_(completion_)?tokens\W.{0,20}too large|maximum allowed number of output tokens"
    r"|at most \d+ completion tokens|maximum tokens you requested exceed"
)
_UNSAFE = (
    r"content.?management policy|content.?filter|content.?polic(y|ies)|responsible.?ai|prohibited_content"
    r"|content exists risk|data.?inspection.?failed|inappropriate content|considered high risk|usage (guidelines|policy"
    r"|policies)|safety (system|filter|settings|check|polic|reasons)|(blocked|flagged|rejected|filtered)\b.{0,60}"
    r"\b(safety|moderation|harm|polic)|(block|finish)_?reason\W{1,4}(safety|recitation|blocklist|spii)"
    r"|prompt.?injection|jailbreak|sensitive (info|data|content)|guardrail (intervened|blocked)|blocked by guardrail"
)
_OVERLOADED = (
    r"overloaded|at (full )?capacity|capacity exceeded|no (available )?capacity|insufficient capacity|server is busy"
    r"|(temporarily|currently) unavailable|high demand"
)
_NO_MODEL = (
    r"not a valid model|unknown model|no such model|invalid model (id|name)|\bmodel\b.{0,100}(does not|doesn't) exist"
    r"|\bmodel\b.{0,100}not found"
)
_ABSENT: frozenset[int] = frozenset()  # only for an error without a status
# Type, statuses for which the pattern counts (it always counts without a status), pattern. The first match wins.
_TYPE_PATTERNS = tuple(
    (kind, statuses, re.compile(words, re.IGNORECASE | re.DOTALL))
    for kind, statuses, words in (
        ("token_limit_exceeded", _AMBIGUOUS | {413, 429}, _TOO_MUCH_AT_ONCE),
        ("rate_limit_exceeded", _AMBIGUOUS | {403}, _RATE),
        ("context_length_exceeded", _AMBIGUOUS | {413}, _TOO_LONG),
        ("content_policy_violation", _AMBIGUOUS | {403, 451}, _UNSAFE),
        ("max_tokens_exceeded", _AMBIGUOUS, _TOO_MANY_TO_ANSWER),
        ("not_found", frozenset({400, 422}), _NO_MODEL),
        ("provider_overloaded", _AMBIGUOUS - {503}, _OVERLOADED),
        ("timeout", _ABSENT, r"timed? ?out|deadline"),
        ("server", _ABSENT, r"internal (server )?error"),
        ("provider_unavailable", _ABSENT, r"disconnect|connection|upstream|bad gateway|network|terminated|interrupted"),
    )
)
# The account at the provider, with the user's key or not: independent of OpenRouter's credit.
_PROVIDER_CREDIT = re.compile(
    r"insufficient_quota|exceededcurrentquota|exceeded_current_quota|billing_hard_limit"
    r"|insufficient (balance|credits|funds)|credit balance is too low"
    r"|exceeded your current quota, please check your plan",
    re.IGNORECASE,
)
_GOOGLE_QUOTA = re.compile(r"resource_exhausted|googleapis|retrydelay|retry in \d", re.IGNORECASE)

_NUMBER = r"[\d,]{1,15}"
_NUMBER_PATTERNS = tuple(
    re.compile(pattern.replace("NUMBER", _NUMBER), re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"requested up to (?P<requested_tokens>NUMBER) tokens, but can only afford (?P<affordable_tokens>NUMBER)",
        r"prompt tokens limit exceeded: (?P<requested_tokens>NUMBER) > (?P<affordable_prompt_tokens>NUMBER)",
        r"maximum context length is (?P<token_limit>NUMBER) tokens.{0,300}?\b(?P<requested_tokens>NUMBER) tokens",
        r"prompt is too long: (?P<requested_tokens>NUMBER) tokens > (?P<token_limit>NUMBER)",
        r"input token count \(?(?P<requested_tokens>NUMBER)\)? exceeds the .{0,30}allowed \(?(?P<token_limit>NUMBER)",
        r"maximum prompt length is (?P<token_limit>NUMBER) but the request contains (?P<requested_tokens>NUMBER)",
        r"exceed context limit: (?P<requested_tokens>NUMBER) \+ (?P<and_more>NUMBER) > (?P<token_limit>NUMBER)",
        r"model token limit: (?P<token_limit>NUMBER) \(requested: (?P<requested_tokens>NUMBER)",
        r"contains (?P<requested_tokens>NUMBER) tokens .{0,60}too large for model with (?P<token_limit>NUMBER)",
        r"max input tokens: (?P<token_limit>NUMBER), request input token count: (?P<requested_tokens>NUMBER)",
        r"token count of (?P<requested_tokens>NUMBER) exceeds the limit of (?P<token_limit>NUMBER)",
        r"per min(?:ute)? \(TPM\): limit (?P<token_limit>NUMBER), requested (?P<requested_tokens>NUMBER)",
    )
)


def objects_in(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The error objects in a provider's message: as JSON, as JSON in a string, in lists, nested."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        value = json_in(value)
    if isinstance(value, list):
        for item in value[:5]:
            yield from objects_in(item, depth + 1)
    elif isinstance(value, dict):
        yield value
        for name in ("error", "errors", "message", "detail", "innererror"):
            if name in value:
                yield from objects_in(value[name], depth + 1)


def json_in(text: str) -> Any:
    """The JSON value that begins at the first bracket of a text, or None."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts or len(text) > 50_000:
        return None
    try:
        return json.JSONDecoder().raw_decode(text, min(starts))[0]
    except (ValueError, RecursionError):
        return None


def plain_message(message_text: str) -> str:
    """The sentence in a provider's message, without the JSON around it."""
    inner = [message for found in objects_in(message_text) if isinstance(message := found.get("message"), str)]
    return next((message for message in reversed(inner) if message.strip() and json_in(message) is None), message_text)


def type_in(words: str, status: int | None) -> str | None:
    """The error type that the words mean, if the status does not decide it; `status` is None if there is none."""
    words = words[:MAX_LENGTH]
    for kind, statuses, pattern in _TYPE_PATTERNS:
        if (status is None or status in statuses) and pattern.search(words):
            return kind
    return None


def is_provider_credit(searched: str, words: str) -> bool:
    """Whether `searched` says that the provider's account is out of money, and `words` are not Google's rate limit."""
    return bool(_PROVIDER_CREDIT.search(searched[:MAX_LENGTH])) and not _GOOGLE_QUOTA.search(words[:MAX_LENGTH])


def numbers_in(words: str) -> dict[str, int]:
    """The token numbers in the words, by their name in an error's details."""
    numbers: dict[str, int] = {}
    for pattern in _NUMBER_PATTERNS:
        found = pattern.search(words[:MAX_LENGTH])
        for name, text in found.groupdict().items() if found else ():
            digits = text.replace(",", "")
            if digits:
                numbers.setdefault(name, int(digits))
    if "and_more" in numbers:
        numbers["requested_tokens"] += numbers.pop("and_more")
    return numbers
