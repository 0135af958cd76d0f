"""The sandbox's response cache: which requests are identical, how long an answer is kept, and what its headers say."""

from __future__ import annotations

from email.message import Message
from typing import Any

import pytest
import requests

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.sandbox.completions import Completion, complete, new_generation_id
from openrouter_toolkit.sandbox.models import find_model
from openrouter_toolkit.sandbox.prompts import Prompt
from openrouter_toolkit.sandbox.response_cache import ResponseCache

BODY = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hello"}]}
ON = {"X-OpenRouter-Cache": "true"}


def post(
    sandbox: Sandbox,
    headers: dict[str, str],
    body: Any = None,
    path: str = "/chat/completions",
    key: str | None = None,
) -> requests.Response:
    signed = {"Authorization": f"Bearer {key or sandbox.api_key}", **headers}
    return requests.post(f"{sandbox.base_url}{path}", json=body or BODY, headers=signed, timeout=10)


def status(response: requests.Response) -> str | None:
    return response.headers.get("X-OpenRouter-Cache-Status")


def test_the_second_identical_request_is_a_hit_with_headers_of_its_own(openrouter_sandbox: Sandbox) -> None:
    first, second = (post(openrouter_sandbox, ON) for _ in range(2))
    assert (status(first), first.headers["X-OpenRouter-Cache-TTL"]) == ("MISS", "300")
    assert "X-OpenRouter-Cache-Age" not in first.headers
    assert (status(second), second.headers["X-OpenRouter-Cache-Age"]) == ("HIT", "0")
    assert 290 <= int(second.headers["X-OpenRouter-Cache-TTL"]) <= 300
    assert second.json()["id"] == second.headers["X-Generation-Id"] != first.headers["X-Generation-Id"]


@pytest.mark.parametrize("headers", [{}, {"X-OpenRouter-Cache": "false"}, {"X-OpenRouter-Cache-TTL": "60"}])
def test_without_its_switch_nothing_is_cached(openrouter_sandbox: Sandbox, headers: dict[str, str]) -> None:
    assert [status(post(openrouter_sandbox, headers)) for _ in range(2)] == [None, None]
    assert status(post(openrouter_sandbox, ON)) == "MISS"


@pytest.mark.parametrize(
    ("other", "how"),
    [
        ({"body": dict(reversed(BODY.items()))}, "the order of the body"),
        ({"body": {**BODY, "stream": True}}, "streaming"),
        ({"body": {**BODY, "max_tokens": 100}, "path": "/messages"}, "the endpoint"),
        ({"key": "sk-or-v1-sandbox-other"}, "the key"),
    ],
)
def test_what_differs_is_another_request(openrouter_sandbox: Sandbox, other: dict[str, Any], how: str) -> None:
    post(openrouter_sandbox, ON)
    assert status(post(openrouter_sandbox, ON, **other)) == "MISS", how
    assert status(post(openrouter_sandbox, ON, **other)) == "HIT", how


def test_attribution_is_no_part_of_the_request(openrouter_sandbox: Sandbox) -> None:
    post(openrouter_sandbox, {**ON, "X-Title": "One"})
    assert status(post(openrouter_sandbox, {**ON, "X-Title": "Two"})) == "HIT"


def test_text_completions_are_not_cached(openrouter_sandbox: Sandbox) -> None:
    body = {"model": "acme/atlas-small", "prompt": "Hello"}
    assert [status(post(openrouter_sandbox, ON, body, "/completions")) for _ in range(2)] == [None, None]


def test_failures_are_not_cached(openrouter_sandbox: Sandbox) -> None:
    for model in ("sandbox/no-credits", "sandbox/error-in-200", "nobody/nothing"):
        found = [status(post(openrouter_sandbox, ON, {**BODY, "model": model})) for _ in range(2)]
        assert found == ["MISS", "MISS"], model


def test_reset_forgets_the_cache(openrouter_sandbox: Sandbox) -> None:
    post(openrouter_sandbox, ON)
    openrouter_sandbox.reset()
    assert status(post(openrouter_sandbox, ON)) == "MISS"


def test_a_hit_costs_nothing(openrouter_sandbox: Sandbox) -> None:
    def spent() -> Any:
        headers = {"Authorization": f"Bearer {openrouter_sandbox.api_key}"}
        return requests.get(f"{openrouter_sandbox.base_url}/key", headers=headers, timeout=10).json()["data"]["usage"]

    post(openrouter_sandbox, ON)
    before = spent()
    post(openrouter_sandbox, ON)
    assert before > 0
    assert spent() == before


# The time to live, on a clock that is turned by hand.


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def kept(cache: ResponseCache, **headers: str) -> tuple[Completion | None, dict[str, str]]:
    """Ask for the same request, and keep an answer where there was none."""
    sent, told = Message(), {"X-Generation-Id": new_generation_id()}
    sent["X-OpenRouter-Cache"] = "true"
    for name, value in headers.items():
        sent[f"X-OpenRouter-Cache-{name}"] = value
    found, place = cache.look_up(sent, told, "/messages", BODY, "key")
    model = find_model("acme/atlas-small")
    assert model is not None
    if found is None:
        prompt = Prompt(models=(model.id,), question="Hello", characters=5, stream=False)
        cache.keep(place, sent, complete(prompt, model, told["X-Generation-Id"]))
    return found, told


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [
        ("60", 60),
        ("1.5", 1),
        ("60abc", 60),
        ("0", 1),
        ("90000", 86_400),
        ("9" * 99, 86_400),
        ("soon", 300),
        ("-5", 300),
    ],
)
def test_an_answer_is_kept_for_its_time_to_live(ttl: str, seconds: int) -> None:
    clock = Clock()
    cache = ResponseCache(clock)
    _, told = kept(cache, TTL=ttl)
    assert told["X-OpenRouter-Cache-TTL"] == str(seconds)
    clock.now += seconds - 0.5
    found, told = kept(cache)
    assert found is not None
    assert (told["X-OpenRouter-Cache-Age"], told["X-OpenRouter-Cache-TTL"]) == (str(seconds - 1), "1")
    clock.now += 0.5
    assert kept(cache)[0] is None
