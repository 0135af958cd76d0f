"""Values of unexpected types anywhere in a stream: events keep their types, and what had arrived is not lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import BaseHTTPResponse

from openrouter_toolkit.call import Call
from openrouter_toolkit.envelope import ActionError, Envelope
from openrouter_toolkit.http.transport import Exchange
from openrouter_toolkit.openrouter.streams import reader
from openrouter_toolkit.openrouter.streams.chat_stream import ChatStream
from openrouter_toolkit.openrouter.streams.events import StreamEvent
from openrouter_toolkit.openrouter.streams.message_stream import MessageStream
from openrouter_toolkit.steps import finish

from .calls import KEY
from .servers import chunk, message_events, sse

ODD: list[Any] = [
    None, True, False, 0, -1, 7, 10**300, 0.5, "", "text", "7", [], ["x"], [None], [[]], [{}], [{"a": 1}], {}, {"a": 1},
    {"type": "text", "text": "x"}, {"text": ["x"]}, [{"type": "text", "text": {"a": []}}],
]  # fmt: skip
GOOD: dict[type, list[Any]] = {
    ChatStream: [
        {
            **chunk(
                "Hello ",
                role="assistant",
                reasoning="Hm",
                refusal=None,
                tool_calls=[
                    {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x"'}},
                    {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                ],
                reasoning_details=[{"type": "reasoning.text", "index": 0, "id": "r", "text": "Hm", "signature": "s"}],
                annotations=[{"type": "url_citation"}],
                audio={"id": "audio", "data": "AA", "transcript": "Hel"},
                function_call={"name": "old", "arguments": "{"},
            ),
            "usage": {"total_tokens": 1},
            "provider": "Acme",
        },
        {
            "choices": [
                {"index": 0, "text": "x", "logprobs": {"content": [{"token": "x"}]}, "native_finish_reason": "n"}
            ]
        },
        chunk("there"),
        {**chunk(finish="stop"), "usage": {"total_tokens": 5}},
    ],
    MessageStream: [
        *message_events("Hello ", "there"),
    ],
}
GOOD[MessageStream][4:4] = [
    {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {"a": 1}}},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"x":1}'}},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "signature_delta", "signature": "s"}},
]


class Pieces:
    """A response that has arrived already."""

    status = 200
    connection = None

    def __init__(self, body: bytes) -> None:
        self._pieces = [body[start : start + 60_000] for start in range(0, len(body), 60_000)]
        self.headers = {"content-type": "text/event-stream"}

    def read1(self, amount: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def close(self) -> None:
        self._pieces = []


def read(format: type, events: list[Any], *, listen: bool) -> tuple[Envelope, list[StreamEvent]]:
    """What the stream becomes; anything but an answer or an `ActionError` is a mistake of the toolkit."""
    heard: list[StreamEvent] = []
    body = b"".join(map(sse, events)) + (b"data: [DONE]\n\n" if format is ChatStream else b"")
    exchange = Exchange(Call(on_event=heard.append if listen else None))
    exchange.call.secrets = (KEY,)
    try:
        text = finish(reader.read(exchange, cast(BaseHTTPResponse, Pieces(body)), format(), 1 << 30, KEY))
        return Envelope.success(text), heard
    except ActionError as error:
        return Envelope.failure(error), heard


def assert_survives(format: type, events: list[Any]) -> Envelope:
    """No failure but `invalid_response` with what had arrived, the same with and without a listener."""
    envelope, heard = read(format, events, listen=True)
    assert read(format, events, listen=False)[0] == envelope
    for event in heard:
        assert isinstance(event.kind, str)
        assert isinstance(event.text, str)
        assert type(event.index) is int
        assert isinstance(event.raw, dict)
        if event.kind == "tool_call":
            assert event.tool_call is not None
            assert type(event.tool_call["index"]) is int
        else:
            assert event.tool_call is None
    data = json.loads(envelope.data)
    if not envelope.successful:
        assert data["error"]["type"] in ("invalid_response", "connection_failed", "unmapped", "provider_unavailable")
    return envelope


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each place in a JSON value."""
    if path:
        yield path
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(part, (*path, name))


def put(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """A copy with another value at a place."""
    copy = json.loads(json.dumps(value))
    at = copy
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = odd
    return copy


@pytest.mark.parametrize("format", [ChatStream, MessageStream], ids=["chat", "messages"])
def test_the_good_streams_are_good(format: type) -> None:
    assert assert_survives(format, GOOD[format]).successful


def added(events: list[Any], *, short: bool) -> str:
    """What chunks become, as far as they can be added: those that repeat the last one in the short way, or not."""
    stream = ChatStream()
    try:
        for event in json.loads(json.dumps(events)):
            if not (short and stream.repeats(event)):
                stream.add(event)
    except reader._WRONG_TYPES:
        return f"{json.dumps(stream.result())} and no more"
    return json.dumps(stream.result())


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: json.dumps(odd)[:20])
def test_the_short_way_leads_to_the_same_with_an_odd_value_anywhere(odd: Any) -> None:
    for number, event in enumerate(GOOD[ChatStream]):
        for path in places(event):
            other = put(event, path, odd)
            events = [event, event, other, other, event, *GOOD[ChatStream][number:], event, other]
            assert added(events, short=True) == added(events, short=False), path


@pytest.mark.parametrize("format", [ChatStream, MessageStream], ids=["chat", "messages"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: json.dumps(odd)[:20])
def test_an_odd_value_anywhere_loses_nothing_that_came_before_it(format: type, odd: Any) -> None:
    for number, event in enumerate(GOOD[format]):
        for path in places(event):
            events = [*GOOD[format][:number], put(event, path, odd), *GOOD[format][number + 1 :]]
            envelope = assert_survives(format, events)
            if number > (0 if format is ChatStream else 2):
                assert "Hello " in envelope.data, (path, envelope)


@pytest.mark.parametrize("format", [ChatStream, MessageStream], ids=["chat", "messages"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: json.dumps(odd)[:20])
def test_an_odd_value_in_an_event_of_its_own_loses_nothing(format: type, odd: Any) -> None:
    middle = 3 if format is ChatStream else 4
    for event in GOOD[format]:
        for path in places(event):
            if "message_start" in str(event):
                continue
            events = [*GOOD[format][:middle], put(event, path, odd), *GOOD[format][middle:]]
            assert "Hello " in assert_survives(format, events).data, (path, event)


LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=4) | st.sampled_from(ODD)
NAMES = [
    "index",
    "id",
    "type",
    "function",
    "name",
    "arguments",
    "content",
    "text",
    "reasoning",
    "refusal",
    "tool_calls",
    "reasoning_details",
    "role",
    "audio",
    "delta",
    "message",
    "choices",
    "usage",
    "finish_reason",
    "object",
    "error",
    "logprobs",
    "thinking",
    "partial_json",
    "content_block",
    "function_call",
    "images",
]
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
DELTAS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)


@given(st.lists(st.fixed_dictionaries({}, optional={"index": VALUES, "delta": DELTAS, "text": VALUES}), max_size=3))
def test_no_choice_of_any_shape_breaks_the_toolkit(choices: list[Any]) -> None:
    events = [chunk("Hello "), {"choices": choices}, chunk("there"), chunk(finish="stop")]
    assert "Hello " in assert_survives(ChatStream, events).data


@given(st.lists(st.lists(DELTAS, max_size=2) | DELTAS, max_size=4))
def test_no_tool_calls_of_any_shape_break_the_toolkit(deltas: list[Any]) -> None:
    events = [chunk("Hello "), *(chunk(tool_calls=delta) for delta in deltas), chunk("there"), chunk(finish="stop")]
    assert "Hello " in assert_survives(ChatStream, events).data


@given(st.lists(DELTAS, max_size=4))
def test_no_deltas_of_any_shape_break_the_toolkit(deltas: list[Any]) -> None:
    choices = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    events = [chunk("Hello "), *choices, chunk("there"), chunk(finish="stop")]
    assert "Hello" in assert_survives(ChatStream, events).data


KINDS = st.sampled_from(["content_block_delta", "content_block_start", "content_block_stop", "message_delta", "new"])
DELTA_KINDS = st.sampled_from(["text_delta", "input_json_delta", "thinking_delta", "signature_delta", "new"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": KINDS},
            optional={
                "index": st.integers(0, 3) | VALUES,
                "delta": st.fixed_dictionaries(
                    {"type": DELTA_KINDS}, optional={"text": VALUES, "partial_json": VALUES, "thinking": VALUES}
                )
                | VALUES,
                "content_block": DELTAS | VALUES,
                "usage": VALUES,
            },
        ),
        max_size=5,
    )
)
def test_no_event_of_a_message_breaks_the_toolkit(events: list[Any]) -> None:
    good = list(message_events("Hello ", "there"))
    assert_survives(MessageStream, [*good[:4], *events, *good[4:]])


def test_an_odd_object_keeps_its_paid_answer() -> None:
    envelope = assert_survives(ChatStream, [{**chunk("Hello"), "object": []}, chunk(finish="stop")])
    assert json.loads(envelope.data)["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("odd", [{"index": []}, {"index": {}}, {"index": "x"}, {"text": {}}, {"delta": {"content": 5}}])
def test_what_cannot_be_understood_is_an_invalid_response_with_what_came_before(odd: dict[str, Any]) -> None:
    envelope = assert_survives(ChatStream, [chunk("Hello"), {"choices": [odd]}, chunk(finish="stop")])
    data = json.loads(envelope.data)
    assert data["error"]["type"] == "invalid_response"
    assert data["partial"]["choices"][0]["message"]["content"] == "Hello"


def test_blocks_of_one_index_are_not_one() -> None:
    start, text, more = list(message_events("a", "b"))[:4], [], []
    for letter in "xy":
        block = {"type": "tool_use", "id": letter, "name": "f", "input": {}}
        text.append({"type": "content_block_start", "index": 0, "content_block": block})
        arguments = {"type": "input_json_delta", "partial_json": json.dumps({"letter": letter})}
        text.append({"type": "content_block_delta", "index": 0, "delta": arguments})
    more = list(message_events())[-2:]
    envelope, heard = read(MessageStream, [*start, *text, *more], listen=True)
    content = json.loads(envelope.data)["content"]
    assert [block.get("text", block.get("input")) for block in content] == ["ab", {"letter": "x"}, {"letter": "y"}]
    calls = [event.tool_call for event in heard if event.tool_call is not None]
    assert [(call["index"], call["id"]) for call in calls] == [(1, "x"), (2, "y")]
