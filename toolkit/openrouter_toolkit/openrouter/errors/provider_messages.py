"""What providers say in their own words, in a message or in metadata.raw: which type it means, and which numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# So much of a text is looked through.
READ = 4_000
_DEEPEST = 4
_MOST_OBJECTS = 20
# Statuses that say nothing about what kind of failure it was; with any other, the status is believed.
_VAGUE = frozenset({400, 422, 500, 502, 503})

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
_SILENT: frozenset[int] = frozenset()
# The type, with which statuses beside those of a silent error, the words. The first that fits counts.
_WORDS = tuple(
    (kind, statuses, re.compile(words, re.IGNORECASE | re.DOTALL))
    for kind, statuses, words in (
        ("token_limit_exceeded", _VAGUE | {413, 429}, _TOO_MUCH_AT_ONCE),
        ("rate_limit_exceeded", _VAGUE | {403}, _RATE),
        ("context_length_exceeded", _VAGUE | {413}, _TOO_LONG),
        ("content_policy_violation", _VAGUE | {403, 451}, _UNSAFE),
        ("max_tokens_exceeded", _VAGUE, _TOO_MANY_TO_ANSWER),
        ("not_found", frozenset({400, 422}), _NO_MODEL),
        ("provider_overloaded", _VAGUE - {503}, _OVERLOADED),
        ("timeout", _SILENT, r"timed? ?out|deadline"),
        ("server", _SILENT, r"internal (server )?error"),
        ("provider_unavailable", _SILENT, r"disconnect|connection|upstream|bad gateway|network|terminated|interrupted"),
    )
)
# A provider's own account, with a key of the user's or not: OpenRouter's credit has nothing to do with it.
_PROVIDERS_CREDIT = re.compile(
    r"insufficient_quota|exceededcurrentquota|exceeded_current_quota|billing_hard_limit"
    r"|insufficient (balance|credits|funds)|credit balance is too low"
    r"|exceeded your current quota, please check your plan",
    re.IGNORECASE,
)
_OF_GOOGLE = re.compile(r"resource_exhausted|googleapis|retrydelay|retry in \d", re.IGNORECASE)

_NUMBER = r"[\d,]{1,15}"
_NUMBERS = tuple(
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
    """The error objects in what a provider said: as JSON, as JSON in a text, in lists, one inside the other."""
    if depth > _DEEPEST:
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
    """The JSON that a text is or ends with, or None."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts or len(text) > 50_000:
        return None
    try:
        return json.JSONDecoder().raw_decode(text, min(starts))[0]
    except (ValueError, RecursionError):
        return None


def plain_words(said: str) -> str:
    """The sentence in what a provider said, without the JSON around it."""
    inner = [message for found in objects_in(said) if isinstance(message := found.get("message"), str)]
    return next((message for message in reversed(inner) if message.strip() and json_in(message) is None), said)


def type_in(words: str, status: int | None) -> str | None:
    """The type that the words mean, where the status leaves it open; `status` is None for an error without one."""
    words = words[:READ]
    for kind, statuses, pattern in _WORDS:
        if (status is None or status in statuses) and pattern.search(words):
            return kind
    return None


def means_the_providers_credit(said: str, words: str) -> bool:
    """Whether `said` means that a provider's own account is out of money; not where `words` are Google's of a rate."""
    return bool(_PROVIDERS_CREDIT.search(said[:READ])) and not _OF_GOOGLE.search(words[:READ])


def numbers_in(words: str) -> dict[str, int]:
    """The numbers of tokens that are in the words only."""
    numbers: dict[str, int] = {}
    for pattern in _NUMBERS:
        found = pattern.search(words[:READ])
        for name, text in found.groupdict().items() if found else ():
            digits = text.replace(",", "")
            if digits:
                numbers.setdefault(name, int(digits))
    if "and_more" in numbers:
        numbers["requested_tokens"] += numbers.pop("and_more")
    return numbers
