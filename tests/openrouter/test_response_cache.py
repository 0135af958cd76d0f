"""OpenRouter's response cache: its headers, as arguments and as client options, and what a cached answer says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.call import Call
from openrouter_toolkit.openrouter import OpenRouter
from openrouter_toolkit.openrouter.response_cache import add_cache_status
from openrouter_toolkit.openrouter.streams.chat_stream import ChatStream
from openrouter_toolkit.sandbox import Sandbox

CHAT, MESSAGE, TEXT = (f"OPENROUTER_CREATE_{name}" for name in ("CHAT_COMPLETION", "MESSAGE", "COMPLETION"))
ASKED = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}], "max_tokens": 60}
CACHED = {**ASKED, "X-OpenRouter-Cache": True}
NAMES = ("X-OpenRouter-Cache", "X-OpenRouter-Cache-TTL", "X-OpenRouter-Cache-Clear")


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(client_options={"max_attempts": 1}) as registry:
        yield registry


def answer(envelope: Envelope) -> dict[str, Any]:
    assert envelope.successful, envelope.error
    found: dict[str, Any] = json.loads(envelope.data)
    return found


def sent(sandbox: Sandbox, at: int = -1) -> dict[str, str | None]:
    return {name: sandbox.requests[at].headers.get(name) for name in NAMES}


# The headers.


@pytest.mark.parametrize(("value", "header"), [(True, "true"), (False, "false"), ("true", "true"), ("false", "false")])
def test_the_switches_travel_as_headers_and_not_in_the_body(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, value: bool | str, header: str
) -> None:
    arguments = {"X-OpenRouter-Cache": value, "X-OpenRouter-Cache-TTL": 600.0, "X-OpenRouter-Cache-Clear": value}
    answer(registry.execute(CHAT, {**ASKED, **arguments}))
    assert sent(openrouter_sandbox) == dict(zip(NAMES, (header, "600", header), strict=True))
    assert openrouter_sandbox.requests[-1].body == ASKED


def test_nothing_is_sent_where_nothing_is_said(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    assert "response_cache" not in answer(registry.execute(CHAT, ASKED))
    assert sent(openrouter_sandbox) == dict.fromkeys(NAMES)


@pytest.mark.parametrize("slug", [CHAT, MESSAGE, TEXT])
def test_client_options_hold_for_every_completion_and_for_nothing_else(openrouter_sandbox: Sandbox, slug: str) -> None:
    options = {"response_cache": True, "response_cache_ttl": 60, "response_cache_clear": False}
    with ToolRegistry.from_manifest(client_options=options) as registry:
        arguments = {"model": "acme/atlas-small", "prompt": "Once"} if slug == TEXT else ASKED
        answer(registry.execute(slug, arguments))
        assert sent(openrouter_sandbox) == dict(zip(NAMES, ("true", "60", "false"), strict=True))
        answer(registry.execute("OPENROUTER_GET_CURRENT_KEY"))
        assert sent(openrouter_sandbox) == dict.fromkeys(NAMES)


def test_a_call_s_own_word_comes_before_the_client_s(openrouter_sandbox: Sandbox) -> None:
    options = {"response_cache": True, "response_cache_ttl": 60}
    with ToolRegistry.from_manifest(client_options=options) as registry:
        answer(registry.execute(CHAT, {**ASKED, "X-OpenRouter-Cache": False}))
    assert sent(openrouter_sandbox) == dict(zip(NAMES, ("false", "60", None), strict=True))


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"response_cache": "true"}, TypeError),
        ({"response_cache": 1}, TypeError),
        ({"response_cache_clear": "yes"}, TypeError),
        ({"response_cache_ttl": "60"}, TypeError),
        ({"response_cache_ttl": True}, TypeError),
        ({"response_cache_ttl": 1.5}, TypeError),
        ({"response_cache_ttl": 0}, ValueError),
        ({"response_cache_ttl": 86_401}, ValueError),
    ],
)
def test_an_option_that_can_t_be_is_told_at_once_by_its_name(options: dict[str, Any], wrong: type[Exception]) -> None:
    with pytest.raises(wrong, match=next(iter(options))):
        OpenRouter(**options)


# The answers.


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("slug", [CHAT, MESSAGE])
def test_an_answer_from_the_cache_says_so_and_costs_nothing(registry: ToolRegistry, slug: str, stream: bool) -> None:
    arguments = {**CACHED, "X-OpenRouter-Cache-TTL": 100, "stream": stream}
    first, second = (answer(registry.execute(slug, arguments)) for _ in range(2))
    assert "response_cache" not in first
    mark = second.pop("response_cache")
    assert mark["status"] == "HIT"
    assert 0 <= mark["age"] <= 20
    assert 80 <= mark["ttl"] <= 100
    part = "choices" if slug == CHAT else "content"
    assert second[part] == first[part]
    assert second["id"] != first["id"]
    tokens = [name for name in second["usage"] if name.endswith("_tokens")]
    assert tokens
    assert first["usage"]["cost"] > 0
    assert {second["usage"][name] for name in (*tokens, "cost")} == {0}
    assert second.keys() == first.keys()


def test_an_answer_with_and_one_without_streaming_are_kept_apart(registry: ToolRegistry) -> None:
    answer(registry.execute(CHAT, CACHED))
    assert "response_cache" not in answer(registry.execute(CHAT, {**CACHED, "stream": True}))
    assert "response_cache" not in answer(registry.execute(CHAT, {**CACHED, "temperature": 0}))
    assert "response_cache" in answer(registry.execute(CHAT, CACHED))


def test_clearing_gets_a_new_answer_that_is_kept_in_its_turn(registry: ToolRegistry) -> None:
    answer(registry.execute(CHAT, CACHED))
    assert "response_cache" not in answer(registry.execute(CHAT, {**CACHED, "X-OpenRouter-Cache-Clear": True}))
    assert "response_cache" in answer(registry.execute(CHAT, CACHED))


def test_the_model_reads_that_an_answer_was_cached(registry: ToolRegistry) -> None:
    for _ in range(2):
        result = registry.call_tool(CHAT, CACHED)
    assert json.loads(result.text)["response_cache"]["status"] == "HIT"


def test_a_listener_gets_the_same_events_from_the_cache(registry: ToolRegistry) -> None:
    told: list[list[tuple[str, str]]] = []
    for _ in range(2):
        with registry.stream(CHAT, CACHED) as events:
            told.append([(event.kind, event.text) for event in events])
        assert events.envelope.successful
    assert told[0] == told[1]
    assert "response_cache" in answer(events.envelope)


def test_the_statistics_of_a_cached_answer_name_the_generation_that_was_kept(
    openrouter_sandbox: Sandbox,
) -> None:
    with ToolRegistry.from_manifest() as registry:
        first, second = (answer(registry.execute(CHAT, CACHED)) for _ in range(2))
        found = answer(registry.execute("OPENROUTER_GET_GENERATION", {"id": second["id"]}))["data"]
    assert (found["response_cache_source_id"], found["total_cost"]) == (first["id"], 0)


def test_a_call_notes_whether_the_cache_had_the_answer(openrouter_sandbox: Sandbox) -> None:
    client = OpenRouter(response_cache=True)
    for arguments, expected in ((ASKED, False), (ASKED, True), ({**ASKED, "X-OpenRouter-Cache": False}, None)):
        call = Call()
        client.connected(openrouter_sandbox.api_key, call).complete("/chat/completions", arguments, ChatStream)
        assert call.progress.cached is expected
    client.close()


# The mark itself.


@pytest.mark.parametrize(
    ("headers", "mark"),
    [
        ({"status": "HIT", "age": "12", "ttl": "288"}, {"status": "HIT", "age": 12, "ttl": 288}),
        ({"status": "hit "}, {"status": "HIT", "age": None, "ttl": None}),
        ({"status": "HIT", "age": "soon", "ttl": "-1"}, {"status": "HIT", "age": None, "ttl": None}),
        ({"status": "HIT", "age": "9" * 5000, "ttl": "²"}, {"status": "HIT", "age": None, "ttl": None}),
    ],
)
@pytest.mark.parametrize("text", ["{}", "{ }", '{"a": 1.50, "b":"}"}', '{"a":{"b":[]}\n}'])
def test_a_mark_leaves_the_text_as_it_came(headers: dict[str, str], mark: dict[str, Any], text: str) -> None:
    call = Call()
    found = add_cache_status(text, {f"x-openrouter-cache-{name}": value for name, value in headers.items()}, call)
    assert json.loads(found) == {**json.loads(text), "response_cache": mark}
    assert found.startswith(text[:-1].rstrip())
    assert call.progress.cached is True


@pytest.mark.parametrize(("headers", "cached"), [({}, None), ({"x-openrouter-cache-status": "MISS"}, False)])
def test_without_a_hit_nothing_is_marked(headers: dict[str, str], cached: bool | None) -> None:
    call = Call()
    assert add_cache_status('{"a": 1}', headers, call) == '{"a": 1}'
    assert call.progress.cached is cached


def test_an_answer_that_is_no_object_is_left_as_it_is() -> None:
    assert add_cache_status("[1]", {"x-openrouter-cache-status": "HIT"}, Call()) == "[1]"
