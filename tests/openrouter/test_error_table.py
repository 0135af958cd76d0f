"""Errors as OpenRouter, its providers and what stands in front of it really write them, as one table; and that
type, `retryable`, `retry_after` and the advice agree, for these and for any error at all.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openrouter_toolkit import ActionError
from openrouter_toolkit.http.statuses import BY_STATUS, PASSING
from openrouter_toolkit.openrouter.errors.api_errors import error_in, from_answer, from_event, from_object
from openrouter_toolkit.openrouter.errors.limits import limit_in, resets_in
from openrouter_toolkit.openrouter.errors.types import TYPES
from openrouter_toolkit.openrouter.suggestions import another_model_helps

from ..envelopes import failure
from ..scale import scaled
from ..timing import cpu_below
from .calls import CHAT, GENERATION, MODELS, READ, call
from .conftest import Connect, Serve
from .servers import chunk

SAYS_WAIT = re.compile(r"\bwait\b|call again now|call again then|try again|resets in|some seconds", re.IGNORECASE)
OF_AN_ACCOUNT = {"in_flight", "key", "budget", "credits", "prompt", "one_call"}


def advice(error: ActionError) -> str:
    """What stands after the quotations."""
    return error.explanation.rpartition('". ')[2]


def assert_agreement(error: ActionError) -> None:
    """Whatever the error: what a program and an agent read about it is the same."""
    told, limit = advice(error), error.details.get("limit")
    availability = error.details.get("availability") or {}
    decided = isinstance(availability.get("retryable"), bool)
    assert told, error.explanation
    if error.retryable:
        assert SAYS_WAIT.search(told), told
        assert error.type in PASSING or decided or limit in ("key", "budget"), error.type
        assert "Correct the" not in told
        assert "Check the id" not in told
    else:
        assert error.retry_after is None
        assert not SAYS_WAIT.search(told), told
        assert error.type not in PASSING or decided, error.type
    assert error.retry_after is None or 0 <= error.retry_after < float("inf")
    if error.retry_after is not None and error.retry_after > 120:
        assert "resets in" in told
    if limit in ("in_flight", "key", "budget", "free_models_per_day", "free_models_per_minute", "provider_credit"):
        assert "top up" not in told
    if limit in OF_AN_ACCOUNT:
        assert "other model" not in told or decided
        assert not another_model_helps(error) or availability.get("code")
    if error.details.get("not_openrouter") and not (error.retryable or availability or limit):
        assert "OPENROUTER_BASE_URL" in told
        assert "LIST_AVAILABLE_MODELS" not in told
        assert not another_model_helps(error)


def error_of(status: int, body: Any, headers: dict[str, str] | None = None) -> ActionError:
    """The error of an answer, or, with status 200, of what stands in one."""
    if status != 200:
        return from_answer(status, headers or {}, body if isinstance(body, str) else json.dumps(body))
    found = error_in(body)
    assert found is not None
    return from_object(found, body if isinstance(body, dict) else {}, 200, headers or {})


def said(raw: Any, code: Any = 400, **more: Any) -> dict[str, Any]:
    """OpenRouter's error around what a provider said."""
    metadata = {"provider_name": "Acme", "raw": raw, **more}
    return {"error": {"code": code, "message": "Provider returned error", "metadata": metadata}}


def google(code: int, status: str, message: str, *details: Any) -> str:
    return json.dumps([{"error": {"code": code, "message": message, "status": status, "details": list(details)}}])


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}
QUOTA = "You exceeded your current quota, please check your plan and billing details. Please retry in 17.2s."
AZURE = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
TPM = "Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 25000, Requested 6000."
TOO_LARGE = "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 42000."
IN_FLIGHT = "This request would exceed your available credits given your current in-flight requests. Retry after "
BEFORE = "This endpoint's maximum context length is"

# status, body, type, retryable, retry_after, what the advice says
LONG = "context_length_exceeded"
RATE = "rate_limit_exceeded"
UNSAFE = "content_policy_violation"
MONEY = "payment_required"
BUSY = "provider_overloaded"
DOWN = "provider_unavailable"
FORBIDDEN = "permission_denied"
WRONG = "invalid_request"
UNKNOWN = "not_found"

PAGES_AND_BODIES: tuple[Any, ...] = (
    "", "404 page not found", "<html>Not Found</html>", {"detail": "Not Found"}, {"error": "Not Found"}, [],
    {"message": "Cannot POST /api/chat/completions", "error": "Not Found", "statusCode": 404},
    {"error": {"message": "Invalid URL (POST /v1/chat/completion)", "type": "invalid_request_error"}},
    {"message": "no Route matched with those values"},
)  # fmt: skip
WORDS: list[tuple[int, Any, str, bool, float | None, str]] = [
    # Google and Vertex
    (429, said(google(429, "RESOURCE_EXHAUSTED", "Resource exhausted.", RETRY_INFO), 429), RATE, True, 17,
     "Wait 17 s"),
    (400, said(google(429, "RESOURCE_EXHAUSTED", QUOTA)), RATE, True, 17.2, "Wait 18 s"),
    (400, [{"error": {"code": 429, "message": "No.", "status": "RESOURCE_EXHAUSTED"}}], RATE, True, None,
     "Wait"),
    (502, said({"error": {"status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": {"seconds": 9}}]}}, 502),
     RATE, True, 9, "Wait 9 s"),
    (400, said(google(400, "INVALID_ARGUMENT", "The input token count (1196265) exceeds the maximum number of tokens "
                      "allowed (1048575).")), LONG, False, None, "by about 147690 tokens"),
    (400, said('{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}'), UNSAFE, False, None,
     "rephrase"),
    (502, said("Response was blocked, finish_reason: SAFETY", 502), UNSAFE, False, None, "rephrase"),
    (400, said(google(400, "INVALID_ARGUMENT", "Unable to submit request because the property x is unknown.")),
     WRONG, False, None, "Correct the arguments"),
    # Amazon Bedrock
    (400, said("ThrottlingException: Too many tokens, please wait before trying again."), RATE, True, None,
     "Wait"),
    (400, said({"message": "Too many requests, please wait before trying again."}), RATE, True, None,
     "Wait"),
    (500, said({"__type": "com.amazon.coral#ThrottlingException:http://internal"}, 500), RATE, True, None,
     "Wait"),
    (400, said("ValidationException: Input is too long for requested model."), LONG, False, None,
     "Shorten"),
    (400, said("input length and `max_tokens` exceed context limit: 196395 + 64000 > 204698, decrease input length"),
     LONG, False, None, "by about 55697 tokens"),
    (400, said("400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 9279 "),
     LONG, False, None, "by about 1087 tokens"),
    (400, said("The maximum tokens you requested exceed the model limit of 4096."), "max_tokens_exceeded", False, None,
     "fewer max_tokens"),
    (503, said({"name": "ServiceUnavailableException"}, 503), BUSY, True, None, "Wait"),
    # Azure and OpenAI
    (400, said({"error": {"message": AZURE, "type": None, "code": "content_filter"}}), UNSAFE, False,
     None, "rephrase"),
    (400, said({"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}}), UNSAFE, False,
     None, "rephrase"),
    (429, said({"error": {"message": TPM + " Please try again in 1m2s.", "code": "rate_limit_exceeded"}}, 429),
     RATE, True, 62, "Wait 62 s"),
    (429, said({"error": {"message": TOO_LARGE}}, 429), "token_limit_exceeded", False, None, "by about 12000 tokens"),
    (429, said({"error": {"message": "You exceeded your current quota, please check your plan and billing details.",
                          "code": "insufficient_quota"}}, 429), MONEY, False, None, "whatever the credit"),
    (400, said({"error": {"message": "Your input exceeds the context window of this model."}}),
     LONG, False, None, "Shorten"),
    (400, said('{"error":{"message":"This model\'s maximum context length is 262144 tokens. However, your messages '
               'resulted in 262897 tokens.","code":400}}'), LONG, False, None, "by about 753"),
    (400, {"error": {"code": 400, "message": f"{BEFORE} 262000 tokens. However, you requested about 263390 tokens (658 "
                     "of text input)."}}, LONG, False, None, "by about 1390 tokens"),
    # Anthropic, Mistral, xAI, and others
    (400, said({"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: "
                                           "210000 tokens > 200000 maximum"}}), LONG, False, None, "10000"),
    (400, said({"error": {"message": "Output blocked by content filtering policy"}}), UNSAFE, False,
     None, "rephrase"),
    (500, said({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 500),
     BUSY, True, None, "Wait"),
    (400, said({"error": {"message": "Your credit balance is too low to access the Anthropic API."}}), MONEY,
     False, None, "whatever the credit"),
    (400, said({"object": "error", "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for "
                "model with 32768 maximum context length", "code": 3051}), LONG, False, None, "7232"),
    (502, said({"object": "error", "type": "service_tier_capacity_exceeded", "code": "3505"}, 502), BUSY,
     True, None, "Wait"),
    (400, said("This model's maximum prompt length is 131072 but the request contains 537812 tokens."),
     LONG, False, None, "406740"),
    (400, said("Your request exceeded model token limit: 262144 (requested: 273041)"), LONG, False,
     None, "10897"),
    (400, said("Please reduce the length of the messages or completion."), LONG, False, None,
     "Shorten"),
    (400, said("Content Exists Risk"), UNSAFE, False, None, "rephrase"),
    (402, said("Insufficient Balance", 402), MONEY, False, None, "whatever the credit"),
    (401, said("Incorrect API key provided", 401), "authentication", False, None, "another model or provider"),
    (403, said({"error": {"status": "PERMISSION_DENIED"}}, 403), FORBIDDEN, False, None, "another provider"),
    (429, said("m/x is temporarily rate-limited upstream. Please retry shortly.", 429,
               limit_source="upstream_provider_shared_pool"), RATE, True, None, "Another model"),
    # Broad types of OpenRouter's are made precise, precise ones stand
    (400, said("Input is too long for requested model.", error_type="invalid_request"), LONG, False,
     None, "Shorten"),
    (502, said("prompt is too long", 502, error_type="provider_unavailable"), LONG, False, None,
     "Shorten"),
    (400, said("prompt is too long", error_type="string_too_long"), "string_too_long", False, None, "Shorten the text"),
    (503, said("prompt is too long", 503, error_type="provider_overloaded"), BUSY, True, None, "Wait"),
    # Models
    (400, {"error": {"code": 400, "message": "foo is not a valid model ID"}}, UNKNOWN, False, None, "Check the id"),
    (400, {"error": {"code": 400, "message": "Model no/such does not exist"}}, UNKNOWN, False, None, "Check the id"),
    (503, {"error": {"message": "Gone", "availability": {"code": "model_deprecated", "retryable": False}}},
     UNKNOWN, False, None, "no longer offered"),
    (404, {"error": {"message": "No endpoints found for toolace/image-video."}}, UNKNOWN, False, None, "Check the id"),
    # Hints of the wait in other places
    (429, {"error": {"code": 429, "message": "x"}, "retry_after": 35}, RATE, True, 35, "35 s"),
    (429, {"error": {"code": 429, "message": "x", "metadata": {"headers": {"Retry-After": ["33"]}}}}, RATE, True, 33,
     "33 s"),
    # String codes, numbers as text, and other shapes
    (200, {"error": {"code": "server_error", "message": "x"}}, "server", True, None, "Wait"),
    (200, {"error": {"code": "rate_limit_exceeded", "message": "x"}}, RATE, True, None, "Wait"),
    (200, {"error": {"code": "429", "message": "x"}}, RATE, True, None, "Wait"),
    (200, {"error": {"code": 503.0, "message": "x"}}, BUSY, True, None, "Wait"),
    (200, {"error": {"code": " 502 Bad Gateway", "message": "x"}}, DOWN, True, None, "Wait"),
    (200, {"error": {"code": "context_length_exceeded", "message": "x"}}, LONG, False, None, "Shorten"),
    (200, {"error": {"code": "invalid_api_key", "message": "x"}}, "authentication", False, None, "new one"),
    (200, {"error": {"code": "insufficient_credits", "message": "x"}}, MONEY, False, None, "top up"),
    (200, {"error": {"code": "content_filter", "message": "x"}}, UNSAFE, False, None, "rephrase"),
    (200, {"error": {"status": "UNAVAILABLE", "message": "x"}}, BUSY, True, None, "Wait"),
    (200, {"error": {"type": "throttlingException", "message": "x"}}, RATE, True, None, "Wait"),
    (200, {"error": {"message": "Provider disconnected unexpectedly"}}, DOWN, True, None, "Wait"),
    (200, {"error": {"message": "Upstream idle timeout exceeded"}}, "timeout", True, None, "Wait"),
    (200, {"error": {"code": "brand_new", "message": "x"}}, "unmapped", False, None, "another model"),
    (200, {"error": {"code": "rate_limited_upstream", "message": "x"}}, RATE, True, None, "Wait"),
    (200, {"error": {"code": "429 Too Many Requests", "message": "x"}}, RATE, True, None, "Wait"),
    (200, {"error": {"code": "ECONNRESET", "message": "socket hang up"}}, DOWN, True, None, "Wait"),
    (200, {"error": {"code": "model_overloaded", "message": "x"}}, BUSY, True, None, "Wait"),
    (200, {"error": {"code": "gateway_timeout", "message": "x"}}, "timeout", True, None, "Wait"),
    (200, {"error": {"code": "connection_error", "message": "x"}}, DOWN, True, None, "Wait"),
    (200, {"error": {"message": "Provider returned error"}}, DOWN, True, None, "Wait"),
    (200, {"error": {"code": "insufficient_quota", "message": "x"}}, MONEY, False, None, "at the provider"),
    (429, {"error": {"code": "insufficient_quota", "message": "x"}}, MONEY, False, None, "at the provider"),
    (404, {"error": {"message": "No endpoints found that can handle the requested parameters."}}, UNKNOWN, False, None,
     "takes all of the call's parameters"),
    (400, {"error": {"message": "Provider returned error", "metadata": {"provider_name": "Google", "raw":
           "User location is not supported for the API use."}}}, WRONG, False, None, "use another provider"),
    (200, {"error": [{"code": 429, "message": "x"}]}, RATE, True, None, "Wait"),
    (200, {"error": "Internal Server Error"}, "server", True, None, "Wait"),
    (200, {"error": True, "message": "Internal error", "code": "server_error"}, "server", True, None, "Wait"),
    (200, {"object": "error", "message": "x", "code": 429}, RATE, True, None, "Wait"),
    (200, {"success": False, "errors": [{"code": 429, "message": "x"}]}, RATE, True, None, "Wait"),
    (200, [[{"error": {"code": 429, "message": "x"}}]], RATE, True, None, "Wait"),
    (400, 'data: {"error": {"code": 400, "message": "prompt is too long"}}\n\n', LONG, False, None,
     "Shorten"),
    (400, {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}, WRONG, False, None, "Correct"),
    # Limits
    (402, {"error": {"code": 402, "message": IN_FLIGHT}}, RATE, True, None, "hold the credit"),
    (402, {"error": {"message": "x", "metadata": {"reason": "in_flight_budget_exhausted", "limit_source":
           "openrouter_in_flight_budget", "headers": {"Retry-After": "120"}}}}, RATE, True, 120, "120 s"),
    (402, {"error": {"message": "x", "metadata": {"limit_source": "openrouter_in_flight_budget", "error_type":
           "payment_required"}}}, RATE, True, None, "Wait"),
    (402, {"error": {"message": "x", "metadata": {"reason": "weight_exceeds_budget", "limit_source":
           "openrouter_credits"}}}, MONEY, False, None, "smaller max_tokens or a shorter prompt"),
    (402, {"error": {"message": "x", "metadata": {"limit_source": "openrouter_credits"}}}, MONEY, False, None,
     "top up"),
    (402, {"error": {"message": "x", "metadata": {"limit_source": "openrouter_key_limit"}}}, MONEY, False, None,
     "raised at https://openrouter.ai/settings/keys"),
    (402, {"error": {"message": "Prompt tokens limit exceeded: 64128 > 6964. To increase, visit "
                     "https://openrouter.ai/settings/credits"}}, MONEY, False, None, "at most 6964 tokens"),
    (402, {"error": {"message": "Prompt tokens limit exceeded: 230,799 > 91,442. To increase, visit "
                     "https://openrouter.ai/settings/keys and create a key with a higher monthly limit"}},
     MONEY, False, None, "at most 91442 tokens, or have the key's limit raised"),
    (402, {"error": {"message": "You requested up to 32000 tokens, but can only afford 0. To increase, visit https://"
                     "openrouter.ai/settings/keys and create a key with a higher monthly limit"}}, MONEY,
     False, None, "have the key's limit raised"),
    (403, {"error": {"message": "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys"}},
     MONEY, False, None, "This key's own spending limit"),
    (403, {"error": {"message": "API key budget limit exceeded", "metadata": {"error_type": "permission_denied"}}},
     MONEY, False, None, "This key's own spending limit"),
    (403, {"error": {"message": "x", "metadata": {"limit_source": "openrouter_workspace_budget"}}}, FORBIDDEN,
     False, None, "administrator"),
    (403, {"error": {"message": "Budget limit exceeded. Contact your org admin."}}, FORBIDDEN, False, None,
     "administrator"),
    (403, {"error": {"message": "Request blocked: prompt injection patterns detected", "metadata": {"patterns":
           ["ignore all previous instructions"]}}}, UNSAFE, False, None, 'ignore all previous'),
    (403, {"type": "error", "error": {"type": "permission_error", "message": "Request blocked: prompt "
           "injection patterns detected"}}, UNSAFE, False, None, "take that part out"),
    (403, {"error": {"message": "x", "metadata": {"reasons": ["violence"]}}}, UNSAFE, False, None,
     "moderation"),
    *((403, {"error": {"message": message}}, MONEY, False, None, "This key's own spending limit") for message in (
        "This key has reached its spending limit", "API key spending limit exceeded", "Limit of this key exceeded")),
    *((403, {"error": {"message": message}}, FORBIDDEN, False, None, "administrator") for message in (
        "Workspace monthly budget exceeded", "User budget exceeded", "Credit limit exceeded", "The budget is spent")),
    (402, {"error": {"message": "Your account has a negative balance"}}, MONEY, False, None, "top up"),
    (404, {"error": {"message": "No allowed providers are available for the selected model."}}, UNKNOWN, False, None,
     "allow more"),
    (429, {"error": {"message": "Rate limit exceeded: free-models-per-min", "metadata": {"headers": {
           "X-RateLimit-Reset": "30"}}}}, RATE, True, 30, ":free"),
    (429, {"error": {"message": "x", "metadata": {"limit_source": "openrouter_free_tier_per_minute"}}},
     RATE, True, None, ":free"),
    # What stands in front of OpenRouter, and what is not OpenRouter
    *((status, f"error code: {status}", "server", True, None, "can't be reached")
      for status in (520, 521, 522, 523, 525, 526, 527, 530)),
    (499, "", "timeout", True, None, "Wait"),
    (524, "error code: 524", "timeout", True, None, "Wait"),
    (429, "<title>You are being rate limited</title>error code: 1015", RATE, True, None, "Wait"),
    (502, "<html>502 Bad Gateway</html>", DOWN, True, None, "Wait"),
    *((404, body, UNKNOWN, False, None, "OPENROUTER_BASE_URL") for body in PAGES_AND_BODIES),
    (405, "<html>405 Not Allowed</html>", WRONG, False, None, "OPENROUTER_BASE_URL"),
    (405, {"error": {"message": "Method Not Allowed"}}, WRONG, False, None, "OPENROUTER_BASE_URL"),
    (401, "<html>Please log in</html>", "authentication", False, None, "OPENROUTER_BASE_URL"),
    (403, "<title>Just a moment...</title>", FORBIDDEN, False, None, "OPENROUTER_BASE_URL"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable", "retry_after", "step"),
    WORDS,
    ids=[f"{number}: {row[0]} {row[2]}" for number, row in enumerate(WORDS)],
)
def test_what_is_said_is_understood(
    status: int, body: Any, kind: str, retryable: bool, retry_after: float | None, step: str
) -> None:
    error = error_of(status, body)
    assert (error.type, error.retryable, error.retry_after) == (kind, retryable, retry_after), error.explanation
    assert step in advice(error), error.explanation
    assert len(error.explanation) < 700
    assert_agreement(error)


@pytest.mark.parametrize("message", [None, "", ["slow", "down"], {"text": "slow down"}, 5], ids=json.dumps)
def test_a_message_that_is_no_text_is_never_told_as_http_200(message: Any) -> None:
    error = error_of(200, {"error": {"code": 429, "message": message}})
    assert error.type == RATE
    assert "HTTP 200" not in f"{error.message} {error.explanation}"
    assert error.message == (json.dumps(message) if message else "an error without a message (code 429)")


def test_a_key_that_is_not_found_is_no_limit() -> None:
    assert error_of(401, {"error": {"code": 401, "message": "API key not found"}}).details["limit"] is None


# Limits that start again


def body_of_limit(message: str = "Key limit exceeded", **metadata: Any) -> dict[str, Any]:
    return {"error": {"code": 403, "message": message, "metadata": metadata}}


def test_a_key_s_limit_with_its_reset_passes_then() -> None:
    later = datetime.now(UTC) + timedelta(hours=5)
    error = error_of(403, body_of_limit(limit_source="openrouter_key_limit", resets_at=later.isoformat()))
    assert (error.type, error.retryable) == ("payment_required", True)
    assert error.retry_after == pytest.approx(5 * 3600, abs=5)
    assert "The limit resets in 5.0 hours" in advice(error)
    assert "This key's own spending limit" in advice(error)
    assert_agreement(error)


@pytest.mark.parametrize(
    "message", ["Key limit exceeded (daily limit).", "Budget limit exceeded (daily limit).", "Daily limit reached"]
)
def test_a_daily_limit_without_a_reset_starts_again_at_midnight(message: str) -> None:
    error = error_of(403, body_of_limit(message))
    assert error.retryable
    assert error.retry_after is not None
    midnight = time.time() + error.retry_after
    assert abs(midnight - round(midnight / 86400) * 86400) < 5
    assert_agreement(error)


@pytest.mark.parametrize(
    ("interval", "until"),
    [("daily", "2026-11-28"), ("weekly", "2026-11-30"), ("monthly", "2026-12-01"), ("yearly", None), ("", None)],
)
def test_when_a_limit_starts_again(interval: str, until: str | None) -> None:
    limit = _limit_of(body_of_limit("Key limit exceeded"))
    now = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
    seconds = resets_in(limit, {"reset_interval": interval}, "", now.timestamp())
    expected = None if until is None else (datetime.fromisoformat(f"{until}T00:00+00:00") - now).total_seconds()
    assert seconds == expected


def test_a_month_ends_at_the_end_of_the_year_too() -> None:
    limit = _limit_of(body_of_limit("Key limit exceeded"))
    now = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    assert resets_in(limit, {}, "Key limit exceeded (monthly limit)", now.timestamp()) == 3600


def _limit_of(body: dict[str, Any]) -> Any:
    return limit_in(body["error"]["metadata"], body["error"]["message"], 403)


@pytest.mark.parametrize("resets_at", ["1999-01-01T00:00:00Z", "soon", "", 0, -1, None, [], "0000-13-99"])
def test_a_reset_that_is_none_leaves_the_limit_as_it_is(resets_at: Any) -> None:
    error = error_of(403, body_of_limit("Key limit exceeded (total limit)", resets_at=resets_at))
    assert (error.retryable, error.retry_after) == (False, None)
    assert_agreement(error)


def test_the_cap_of_all_free_models_without_a_reset_is_one_of_a_day() -> None:
    error = error_of(
        429, {"error": {"code": 429, "message": "Rate limit exceeded: free-models-per-day-high-balance. "}}
    )
    assert error.retryable
    assert error.retry_after is not None
    assert 0 < error.retry_after <= 86400
    assert ":free" in advice(error)
    assert not another_model_helps(error)
    assert_agreement(error)


def test_a_402_that_says_when_to_call_again_is_about_the_calls_in_flight() -> None:
    error = error_of(402, {"error": {"code": 402, "message": "Payment required"}}, {"retry-after": "3"})
    assert (error.retryable, error.retry_after, error.details["limit"]) == (True, 3, "in_flight")
    assert_agreement(error)


def test_a_request_that_is_wrong_has_no_wait_whatever_the_headers_say() -> None:
    error = error_of(400, {"error": {"code": 400, "message": "No."}}, {"retry-after": "3"})
    assert (error.retryable, error.retry_after) == (False, None)


# Through the registry


@pytest.mark.parametrize("slug", [CHAT, MODELS, READ, GENERATION, "OPENROUTER_LIST_MODEL_ENDPOINTS"])
@pytest.mark.parametrize(
    "body", ["<!DOCTYPE html><title>Not Found | OpenRouter</title>", "", '{"detail":"Not Found"}', "404 page not found"]
)
def test_a_wrong_base_url_is_named_wherever_it_shows(
    connect: Connect, serve: Serve, waits: list[float], slug: str, body: str
) -> None:
    server = serve(lambda exchange: exchange.answer(404, body))
    registry = connect(server.base_url)
    arguments = {"author": "acme", "slug": "atlas"} if slug.endswith("ENDPOINTS") else None
    envelope = registry.execute(slug, arguments) if arguments else call(registry, slug)
    assert "OPENROUTER_BASE_URL" in str(envelope.error)
    assert "Check the id" not in str(envelope.error)
    assert "generation with this id" not in str(envelope.error)
    assert failure(envelope)["not_openrouter"] is True
    assert "suggestions" not in failure(envelope)
    assert len(server.requests) == 1, "nothing is looked up or repeated at a wrong address"


@pytest.mark.parametrize("message", ["Not Found", "not found.", "404 Not Found"])
def test_a_completion_that_is_not_found_without_a_word_about_a_model(
    connect: Connect, serve: Serve, message: str
) -> None:
    server = serve(lambda exchange: exchange.json({"error": {"code": 404, "message": message}}, 404))
    assert "OPENROUTER_BASE_URL" in str(call(connect(server.base_url), CHAT).error)


def test_calls_in_flight_are_waited_for(connect: Connect, serve: Serve, waits: list[float]) -> None:
    body = {"error": {"code": 402, "message": IN_FLIGHT, "metadata": {"reason": "in_flight_budget_exhausted"}}}
    server = serve(lambda exchange: exchange.json(body, 402, Retry_After="2"))
    error = failure(call(connect(server.base_url), CHAT))
    assert waits == [2, 2]
    assert (error["limit"], error["retryable"], error["retry_after"]) == ("in_flight", True, 2)


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", "503", "UNAVAILABLE"])
def test_a_code_in_words_in_a_stream(connect: Connect, serve: Serve, code: str) -> None:
    def script(exchange: Any) -> None:
        exchange.stream()
        event = {**chunk(finish="error"), "error": {"code": code, "message": "x"}}
        exchange.event(chunk("Hel"), event)
        exchange.end()

    error = failure(call(connect(serve(script).base_url), CHAT, stream=True))
    assert error["type"] in PASSING
    assert (error["retryable"], error["http_status"]) == (True, 200)


# Whatever it is, it agrees

TEXTS = st.sampled_from(
    [row[1] if isinstance(row[1], str) else json.dumps(row[1]) for row in WORDS]
    + ["Key limit exceeded (daily limit)", "free-models-per-day", "in-flight", "overloaded", "Not Found", "", "x"]
)
ANY = TEXTS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
CODES = st.sampled_from(["server_error", "RESOURCE_EXHAUSTED", "content_filter", "429", "529", "unmapped"]) | ANY
HINTS = (
    st.sampled_from([0, -10, float("nan"), float("inf"), 1e40, "", "17s", "2026-12-01T00:00:00Z", "1", 7, 90000]) | ANY
)
SOURCES = st.sampled_from(
    [
        "openrouter_credits",
        "openrouter_free_tier_daily",
        "openrouter_free_tier_per_minute",
        "openrouter_in_flight_budget",
        "openrouter_key_limit",
        "openrouter_workspace_budget",
        "upstream_provider_shared_pool",
    ]
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "raw": TEXTS | st.dictionaries(st.sampled_from(["error", "code", "message", "status"]), CODES, max_size=3),
        "provider_name": ANY,
        "error_type": st.sampled_from(sorted(TYPES)),
        "limit_source": SOURCES,
        "reason": st.sampled_from(["in_flight_budget_exhausted", "weight_exceeds_budget"]) | ANY,
        "resets_at": HINTS,
        "retry_after_seconds": HINTS,
        "headers": st.dictionaries(st.sampled_from(["Retry-After", "X-RateLimit-Reset"]), HINTS) | ANY,
        "patterns": st.lists(TEXTS, max_size=2) | ANY,
        "reasons": st.lists(TEXTS, max_size=2) | ANY,
    },
)
AVAILABILITY = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from(["model_not_found", "capacity_exhausted", "model_deprecated", "no_endpoints"]) | ANY,
        "retryable": st.booleans() | ANY,
        "retry_after": HINTS,
        "fallback_models": st.lists(st.just("acme/atlas"), max_size=2),
    },
)
ERRORS = st.fixed_dictionaries(
    {},
    optional={
        "message": TEXTS | ANY,
        "code": CODES,
        "type": CODES | st.sampled_from(sorted(TYPES)),
        "metadata": METADATA | ANY,
        "availability": AVAILABILITY,
    },
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-reset", "retry-after-ms"]),
    st.sampled_from(["0", "-10", "nan", "7", ""]),
)


@pytest.mark.load
@settings(deadline=None, max_examples=scaled(300, full=1500))
@given(
    status=st.sampled_from(sorted({*BY_STATUS, 200, 405, 409, 418, 451, 499, 507, 599})),
    error=ERRORS,
    headers=HEADERS,
)
@example(status=403, error={"message": "Key limit exceeded", "metadata": {"resets_at": 1e40}}, headers={})
@example(status=402, error={"message": "x", "availability": {"retryable": True}}, headers={})
@example(status=501, error={}, headers={"retry-after": "7"})
def test_any_error_agrees_with_itself(status: int, error: dict[str, Any], headers: dict[str, str]) -> None:
    assert_agreement(from_object(error, {"error": error}, status, headers))
    if status != 200:
        assert_agreement(from_answer(status, headers, json.dumps({"error": error})))
    assert_agreement(from_event({"type": "error", "error": error}, 200, headers))


@pytest.mark.load
@settings(deadline=None, max_examples=scaled(100, full=500))
@given(status=st.integers(300, 699), text=TEXTS | st.text(max_size=60), headers=HEADERS)
def test_any_answer_agrees_with_itself(status: int, text: str, headers: dict[str, str]) -> None:
    error = from_answer(status, headers, text)
    if error.type != "invalid_response":
        assert_agreement(error)


@pytest.mark.parametrize(
    "message",
    ["a" * 100_000, "budget " * 20_000, "too many " * 10_000, "[" * 100_000, '{"error":' * 20_000, "model " * 20_000,
     "request too large for " * 5_000, "1" * 100_000, "retry 1m" * 10_000, "1,1," * 25_000, "key limit " * 10_000],
)  # fmt: skip
def test_no_words_keep_the_toolkit_busy(message: str) -> None:
    with cpu_below(1.5):
        for status in (400, 402, 403, 429, 500, 200):
            from_object({"message": message, "metadata": {"raw": message}}, {}, status, {})
