"""The models that fail on purpose, each as docs/sandbox.md tells."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from openrouter_toolkit.sandbox import FAILING_MODELS, Sandbox

from ..timing import quickest, wait_until

Ask = Callable[..., requests.Response]
Fits = Callable[[object, str], None]

DOCUMENT = Path(__file__).parents[2] / "docs/sandbox.md"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
FORMATS = pytest.mark.parametrize("path", ["/chat/completions", "/messages", "/completions"])


def test_the_document_lists_exactly_the_models_that_there_are() -> None:
    listed = re.findall(r"^\| `(sandbox/[\w-]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(FAILING_MODELS)


@pytest.mark.parametrize(
    ("model", "status", "error_type", "schema"),
    [
        ("rate-limited", 429, "rate_limit_exceeded", "TooManyRequestsResponse"),
        ("rate-limited-daily", 429, "rate_limit_exceeded", "TooManyRequestsResponse"),
        ("no-credits", 402, "payment_required", "PaymentRequiredResponse"),
        ("few-credits", 402, "payment_required", "PaymentRequiredResponse"),
        ("provider-down", 502, "provider_unavailable", "BadGatewayResponse"),
        ("overloaded", 529, "provider_overloaded", "ProviderOverloadedResponse"),
        ("unavailable", 503, "provider_overloaded", "ServiceUnavailableResponse"),
        ("deprecated", 404, "not_found", "NotFoundResponse"),
        ("moderated", 403, "content_policy_violation", "ForbiddenResponse"),
        ("guardrail", 403, "permission_denied", "ForbiddenResponse"),
        ("data-policy", 404, "not_found", "NotFoundResponse"),
        ("hostile", 400, "invalid_request", "BadRequestResponse"),
    ],
)
def test_errors_have_the_real_shape_in_both_formats(
    post: Ask, assert_fits: Fits, model: str, status: int, error_type: str, schema: str
) -> None:
    chat = post("/chat/completions", model=f"sandbox/{model}")
    assert chat.status_code == status
    assert chat.json()["error"]["code"] == status
    assert chat.json()["error"]["metadata"]["error_type"] == error_type
    assert chat.headers["X-Generation-Id"].startswith("gen-")
    assert_fits(chat.json(), schema)
    spoken = post("/messages", model=f"sandbox/{model}", stream=True)
    assert spoken.status_code == status
    assert spoken.json()["error"]["error_type"] == error_type
    assert_fits(spoken.json(), "AnthropicMessagesErrorResponse")


def error_of(post: Ask, model: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = post("/chat/completions", model=f"sandbox/{model}", **more).json()["error"]
    return found


def test_a_rate_limit_says_when_to_come_back(post: Ask) -> None:
    assert post("/chat/completions", model="sandbox/rate-limited").headers["Retry-After"] == "1"
    assert error_of(post, "rate-limited")["metadata"].keys() >= {"provider_name", "raw"}
    daily = post("/chat/completions", model="sandbox/rate-limited-daily").headers
    assert daily["X-RateLimit-Remaining"] == "0"
    assert int(daily["X-RateLimit-Reset"]) / 1000 > time.time() + 3600


@FORMATS
def test_a_key_is_rate_limited_once(post: Ask, path: str) -> None:
    for key in ("sk-or-v1-sandbox-a", "sk-or-v1-sandbox-b"):
        statuses = [post(path, key=key, model="sandbox/rate-limited-once").status_code for _ in range(3)]
        assert statuses == [429, 200, 200]


def test_few_credits_pay_for_a_short_answer(post: Ask) -> None:
    message = error_of(post, "few-credits")["message"]
    assert "You requested up to 65536 tokens, but can only afford 1204" in message
    assert "up to 1205 tokens" in error_of(post, "few-credits", max_tokens=1205)["message"]
    assert post("/chat/completions", model="sandbox/few-credits", max_tokens=1204).status_code == 200


def test_no_tools_answers_without_tools(post: Ask) -> None:
    assert error_of(post, "no-tools", tools=[TOOL])["message"] == "No endpoints found that support tool use"
    assert post("/chat/completions", model="sandbox/no-tools").status_code == 200


def test_availability_tells_whether_to_try_again(post: Ask) -> None:
    unavailable = error_of(post, "unavailable")["availability"]
    assert (unavailable["retryable"], unavailable["retry_after"]) == (True, 1)
    deprecated = error_of(post, "deprecated")["availability"]
    assert (deprecated["code"], deprecated["retryable"]) == ("model_deprecated", False)
    assert deprecated["fallback_models"]
    assert error_of(post, "data-policy")["availability"]["code"] == "privacy_restricted"


def test_moderation_tells_what_it_flagged(post: Ask) -> None:
    metadata = error_of(post, "moderated", question="A bad word")["metadata"]
    assert metadata["reasons"]
    assert metadata["flagged_input"] == "A bad word"
    assert metadata["model_slug"] == "sandbox/moderated"
    assert metadata["provider_name"]


def test_echo_key_repeats_the_key(post: Ask, sandbox: Sandbox) -> None:
    answer = post("/chat/completions", model="sandbox/echo-key")
    assert answer.status_code == 401
    assert sandbox.api_key in answer.text


def test_hostile_words_hold_what_must_not_reach_a_terminal_or_a_model(post: Ask) -> None:
    raw = error_of(post, "hostile")["metadata"]["raw"]
    for sign in ("\x1b[", "\u200b", "\u202e", "\U000e0041", "\n"):
        assert sign in raw
    assert "ignore previous instructions" in raw.lower()
    text = post("/chat/completions", model="sandbox/hostile-text").json()["choices"][0]["message"]["content"]
    assert "\x1b[31m" in text
    assert "\\u001b" in post("/messages", model="sandbox/hostile-text", stream=True).text


@FORMATS
def test_an_error_comes_with_status_200(post: Ask, path: str) -> None:
    for stream in (False, True):
        answer = post(path, model="sandbox/error-in-200", stream=stream)
        assert (answer.status_code, next(iter(answer.json())) in {"error", "type"}) == (200, True)
        assert answer.json()["error"]["message"]


def test_a_choice_holds_the_error(post: Ask, assert_fits: Fits) -> None:
    choice = post("/chat/completions", model="sandbox/choice-error").json()["choices"][0]
    assert (choice["finish_reason"], choice["error"]["code"]) == ("error", 502)
    assert '"finish_reason": "error"' in post("/chat/completions", model="sandbox/choice-error", stream=True).text
    assert_fits(post("/messages", model="sandbox/choice-error").json(), "AnthropicMessagesErrorResponse")
    assert "event: error" in post("/messages", model="sandbox/choice-error", stream=True).text


def test_a_chat_stream_breaks_off_with_an_error(post: Ask, assert_fits: Fits) -> None:
    text = post("/chat/completions", model="sandbox/error-mid-stream", stream=True).text
    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    for chunk in chunks:
        assert_fits(chunk, "ChatStreamChunk")
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "Hello! How"
    assert chunks[-1]["error"]["code"] == 502
    assert chunks[-1]["choices"][0]["finish_reason"] == "error"
    assert post("/chat/completions", model="sandbox/error-mid-stream").status_code == 502


def test_a_messages_stream_breaks_off_with_an_error_event(post: Ask, assert_fits: Fits) -> None:
    text = post("/messages", model="sandbox/error-mid-stream", stream=True).text
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    for event in events:
        assert_fits(event, "MessagesStreamEvents")
    assert events[-1]["type"] == "error"
    assert post("/messages", model="sandbox/error-mid-stream").status_code == 502


@FORMATS
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_cut(post: Ask, path: str, stream: bool) -> None:
    answer = post(path, model="sandbox/cut", stream=stream)
    assert answer.status_code == 200
    parts = answer.iter_content(None)
    assert next(parts)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(parts)


@FORMATS
def test_the_connection_closes_before_an_answer(post: Ask, path: str) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        post(path, model="sandbox/cut-before-answer")


@FORMATS
def test_a_silent_stream_notices_that_the_client_left(post: Ask, sandbox: Sandbox, path: str) -> None:
    answer = post(path, model="sandbox/silent", stream=True)
    received = b""
    for part in answer.iter_content(None):
        received += part
        if b"How" in received:
            break
    answer.close()
    request = sandbox.requests[-1]
    wait_until(lambda: request.closed_by_client)  # the silence lasts a minute
    assert request.closed_at is not None


def test_silence_without_a_stream_has_no_headers(sandbox: Sandbox, session: requests.Session) -> None:
    body = {"model": "sandbox/silent", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        session.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers, timeout=0.3)


def test_a_slow_answer_is_kept_alive(post: Ask) -> None:
    started = time.monotonic()
    took, answer = quickest(lambda: post("/chat/completions", model="sandbox/slow"), below=1)
    assert took < 1
    assert answer.text.startswith("\n  ")
    assert time.monotonic() - started > 1.9
    assert answer.json()["choices"]


def test_a_slow_stream_is_kept_alive(post: Ask) -> None:
    answer = post("/messages", model="sandbox/slow", stream=True).text
    assert answer.count(": OPENROUTER PROCESSING") >= 10
    assert "message_stop" in answer


@FORMATS
def test_pages_and_nothing_come_instead_of_json(post: Ask, path: str) -> None:
    for model, status in (("html", 502), ("html-200", 200)):
        answer = post(path, model=f"sandbox/{model}")
        assert (answer.status_code, answer.text[:15]) == (status, "<!DOCTYPE html>")
        assert answer.headers["Content-Type"].startswith("text/html")
    answer = post(path, model="sandbox/empty")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_huge_answer_is_good_json(post: Ask) -> None:
    size, start, end = 0, b"", b""
    for part in post("/chat/completions", model="sandbox/huge").iter_content(1 << 20):
        size += len(part)
        start, end = start or part[:2000], end[-2000:] + part[-2000:]
    assert size > 80 * 1024 * 1024
    head, tail = start.partition(b"word word")[0], end.rpartition(b"word ")[2]
    assert json.loads(head + tail)["choices"][0]["finish_reason"] == "stop"
