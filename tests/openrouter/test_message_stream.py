"""Events of a message in Anthropic's format become what the call without streaming would have answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.openrouter.streams.message_stream import MessageStream

from ..envelopes import answer, failure
from .calls import ARGUMENTS, MESSAGE, call
from .conftest import Connect, Serve
from .servers import Exchange, message_events

START = {
    "type": "message_start",
    "message": {"id": "msg-1", "role": "assistant", "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}},
}


def assembled(*events: dict[str, Any]) -> dict[str, Any]:
    stream = MessageStream()
    for event in events:
        stream.add(json.loads(json.dumps(event)))
    return stream.result()


def block(first: dict[str, Any], *deltas: dict[str, Any], index: int = 0) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": first},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def content(*events: dict[str, Any]) -> list[dict[str, Any]]:
    told = assembled(START, *events)["content"]
    assert isinstance(told, list)
    return told


def test_a_message_of_text() -> None:
    assert assembled(*message_events("Hel", "lo")) == {
        "id": "msg-1",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }


def test_text_that_stood_in_the_first_block_already_is_kept() -> None:
    assert content(*block({"type": "text", "text": "Hel"}, {"type": "text_delta", "text": "lo"}))[0]["text"] == "Hello"


def test_thinking_and_its_signature() -> None:
    deltas = [
        {"type": "thinking_delta", "thinking": "Let "},
        {"type": "thinking_delta", "thinking": "me"},
        {"type": "signature_delta", "signature": "sig=="},
    ]
    first = {"type": "thinking", "thinking": "", "signature": ""}
    assert content(*block(first, *deltas)) == [{"type": "thinking", "thinking": "Let me", "signature": "sig=="}]


@pytest.mark.parametrize("kind", ["tool_use", "server_tool_use", "mcp_tool_use"])
def test_a_tool_call_gets_its_input(kind: str) -> None:
    first = {"type": kind, "id": "toolu-1", "name": "add", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"x":', "1,", '"y":"ü"}')]
    assert content(*block(first, *deltas)) == [{**first, "input": {"x": 1, "y": "ü"}}]


@pytest.mark.parametrize("pieces", [[], [""]])
def test_a_tool_call_without_input_keeps_the_empty_one(pieces: list[str]) -> None:
    first = {"type": "tool_use", "id": "toolu-1", "name": "now", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    assert content(*block(first, *deltas)) == [first]


def test_input_that_is_no_json_is_kept_as_text() -> None:
    first = {"type": "tool_use", "id": "toolu-1", "name": "add", "input": {}}
    told = content(*block(first, {"type": "input_json_delta", "partial_json": '{"x": 1, "y'}))[0]
    assert told["input"] == {}
    assert told["partial_json"] == '{"x": 1, "y'


def test_citations_are_appended() -> None:
    deltas = [{"type": "citations_delta", "citation": {"cited_text": text}} for text in ("a", "b")]
    for first in ({"type": "text", "text": ""}, {"type": "text", "text": "", "citations": None}):
        told = content(*block(first, *deltas))[0]
        assert told["citations"] == [{"cited_text": "a"}, {"cited_text": "b"}]


def test_blocks_come_in_order_even_when_interleaved() -> None:
    events = [
        *block({"type": "text", "text": ""}, index=1)[:1],
        *block({"type": "thinking", "thinking": ""}, index=0)[:1],
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "b"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "a"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "B"}},
    ]
    assert [(part["type"], part.get("text") or part.get("thinking")) for part in content(*events)] == [
        ("thinking", "a"),
        ("text", "bB"),
    ]


def test_kinds_that_nobody_knows_yet_are_kept() -> None:
    first = {"type": "hologram", "shape": {"depth": 3}, "colour": "re"}
    deltas: list[dict[str, Any]] = [
        {"type": "hologram_delta", "colour": "d", "points": [1]},
        {"type": "hologram_delta", "points": [2], "size": 7, "shape": {"depth": 4}},
    ]
    told = content(*block(first, *deltas), {"type": "brand_new_event", "what": 1})
    assert told == [{"type": "hologram", "shape": {"depth": 4}, "colour": "red", "points": [1, 2], "size": 7}]


def test_a_redacted_block_passes_as_it_came() -> None:
    first = {"type": "redacted_thinking", "data": "AAAA"}
    assert content(*block(first)) == [first]


def test_usage_of_the_end_is_merged_over_that_of_the_start() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    told = assembled(START, {**end, "usage": {"output_tokens": 20, "input_tokens": None, "cost": 0.5}})
    assert told["usage"] == {"input_tokens": 9, "output_tokens": 20, "cost": 0.5}
    assert assembled(START, end)["usage"] == START["message"]["usage"]  # type: ignore[index]


def test_the_end_brings_everything_that_it_has() -> None:
    told = assembled(
        START,
        {
            "type": "message_delta",
            "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END", "container": {"id": "c"}},
            "context_management": {"applied_edits": []},
        },
    )
    assert (told["stop_reason"], told["stop_sequence"], told["container"]) == ("stop_sequence", "END", {"id": "c"})
    assert told["context_management"] == {"applied_edits": []}


def test_a_ping_changes_nothing_and_only_the_stop_finishes() -> None:
    stream = MessageStream()
    stream.add({"type": "ping"})
    assert (stream.started, stream.finished) == (False, False)
    for event in message_events("Hi"):
        assert not stream.finished
        stream.add(event)
        assert stream.ends(event) == (event["type"] == "message_stop")
    assert stream.finished


def test_what_is_given_in_is_not_changed() -> None:
    events = list(message_events("Hel", "lo"))
    before = json.dumps(events)
    stream = MessageStream()
    for event in events:
        stream.add(event)
    stream.result()
    assert json.dumps(events) == before


def test_a_listener_hears_of_each_event() -> None:
    stream = MessageStream()
    told = []
    first = {"type": "tool_use", "id": "toolu-1", "name": "add", "input": {}}
    for event in [START, *block(first, {"type": "input_json_delta", "partial_json": "{}"}), *message_events("Hi")]:
        stream.add(event)
        told += list(stream.events(event, str(event["type"])))
    assert [event.kind for event in told] == [
        "start", "other", "tool_call", "other", "start", "other", "text", "other", "usage", "end",
    ]  # fmt: skip
    assert told[2].tool_call == {"index": 0, "id": "toolu-1", "name": "add"}
    assert told[6].text == "Hi"


@given(st.lists(st.tuples(st.integers(0, 3), st.text(max_size=5)), max_size=30))
def test_no_character_is_lost_or_moved(pieces: list[tuple[int, str]]) -> None:
    starts = [block({"type": "text", "text": ""}, index=index)[0] for index in range(4)]
    deltas = [
        {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
        for index, text in pieces
    ]
    for index, told in enumerate(content(*starts, *deltas)):
        assert told["text"] == "".join(text for where, text in pieces if where == index)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
        {"messages": [{"role": "user", "content": "Add 2 and 3"}],
         "tools": [{"name": "add", "input_schema": {"type": "object", "properties": {"a": {"type": "number"}}}}]},
    ],
    ids=["text", "thinking", "tools"],
)  # fmt: skip
def test_streamed_and_whole_are_the_same(registry: ToolRegistry, more: dict[str, Any]) -> None:
    whole = answer(call(registry, MESSAGE, **{**ARGUMENTS[MESSAGE], **more}))
    streamed = answer(call(registry, MESSAGE, stream=True, **{**ARGUMENTS[MESSAGE], **more}))
    for result in (whole, streamed):
        result.pop("id")
        for part in result["content"]:
            if part["type"] == "tool_use":
                part.pop("id")
    assert streamed == whole


@pytest.mark.parametrize(
    ("block", "kind", "text"),
    [
        ({"type": "text", "text": "Hello"}, "text", "Hello"),
        ({"type": "thinking", "thinking": "Hm"}, "reasoning", "Hm"),
        ({"type": "tool_use", "id": "t", "name": "look", "input": {"city": "Rome"}}, "tool_call", '{"city": "Rome"}'),
        ({"type": "tool_use", "id": "t", "name": "look", "input": {}}, "other", ""),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_listener_hears_what_a_block_holds_from_its_start(block: dict[str, Any], kind: str, text: str) -> None:
    stream = MessageStream()
    event = {"type": "content_block_start", "index": 3, "content_block": block}
    stream.add(event)
    (heard,) = stream.events(event, "")
    assert (heard.kind, heard.text, heard.index) == (kind, text, 3)
    if kind == "tool_call":
        assert heard.tool_call == {"index": 3, "id": "t", "name": "look"}
    assert stream.result()["content"] == [block]


@pytest.mark.parametrize("whole", [{}, {"content": []}, {"type": "message", "content": None, "stop_reason": None}])
def test_a_message_that_says_nothing_is_no_success_with_and_without_streaming(
    connect: Connect, serve: Serve, whole: dict[str, Any]
) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.request.json.get("stream"):
            exchange.stream()
            exchange.event({"type": "message_start", "message": whole}, {"type": "message_stop"})
            exchange.end()
        else:
            exchange.json(whole)

    registry = connect(serve(script).base_url)
    failures = [failure(call(registry, MESSAGE, stream=stream)) for stream in (False, True)]
    assert [found["type"] for found in failures] == ["invalid_response", "invalid_response"]
    assert failures[0]["message"] == failures[1]["message"]
