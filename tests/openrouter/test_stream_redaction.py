"""No listener to a stream gets a key of the account, in however many pieces it comes; nothing else is changed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from time import thread_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.openrouter.streams.chat_stream import ChatStream
from openrouter_toolkit.openrouter.streams.events import StreamEvent
from openrouter_toolkit.openrouter.streams.message_stream import MessageStream
from openrouter_toolkit.openrouter.streams.stream_redaction import StreamRedactor
from openrouter_toolkit.text.redaction import redact

from ..timing import cpu_below
from .calls import CHAT, KEY, MESSAGE, call
from .servers import Exchange, Server, chunk, message_events

OTHER = "sk-or-v1-" + "5a" * 32
LONGER = KEY + "-and-more"
ODD = "abababcab"
SECRETS = (KEY, OTHER, LONGER, ODD)


def told(
    chunks: Iterable[dict[str, Any]], secrets: Sequence[str] = SECRETS, assembly: Callable[[], Any] = ChatStream
) -> list[StreamEvent]:
    """What a listener gets of a stream's events."""
    heard: list[StreamEvent] = []
    keeper = StreamRedactor(heard.append, secrets)
    stream = assembly()
    for one in chunks:
        stream.add(one)
        keeper.forward(list(stream.events(one, "")), json.dumps(one, ensure_ascii=False))
    keeper.end()
    return heard


def untouched(chunks: Iterable[dict[str, Any]], assembly: Callable[[], Any] = ChatStream) -> list[StreamEvent]:
    stream = assembly()
    events: list[StreamEvent] = []
    for one in chunks:
        stream.add(one)
        events += stream.events(one, "")
    return events


def texts(events: Iterable[StreamEvent]) -> dict[tuple[str, int], str]:
    joined: dict[tuple[str, int], str] = defaultdict(str)
    for event in events:
        joined[event.kind, event.index] += event.text
    return joined


def raw_texts(events: Iterable[StreamEvent]) -> str:
    """The contents in the objects of a stream's events, joined."""
    raws: list[dict[str, Any]] = []
    for event in events:
        if not raws or event.raw is not raws[-1]:
            raws.append(event.raw)
    return "".join(part["delta"].get("content", "") for raw in raws for part in raw.get("choices", ()))


def cut(text: str, places: Iterable[int]) -> list[str]:
    ends = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(ends)]


PARTS = st.one_of(
    st.sampled_from([KEY, OTHER, LONGER, ODD, KEY[:40], KEY[9:], OTHER[:-1], "sk-or-v1-", "s", "sk", "ab", "abab"]),
    st.text('sk-orv1ab05. \n"\\é', max_size=12),
)
WORDS = st.lists(PARTS, max_size=6).map("".join)
PLACES = st.lists(st.integers(0, 10_000), max_size=40)


@given(text=WORDS, places=PLACES)
def test_in_whatever_pieces_the_listener_gets_the_redacted_whole(text: str, places: list[int]) -> None:
    pieces = cut(text, places)
    events = told([chunk(piece) for piece in pieces])
    heard = "".join(event.text for event in events)
    assert heard == raw_texts(events) == redact(text, SECRETS)
    assert not any(secret in heard for secret in SECRETS)
    assert len(events) == len(pieces)


@given(text=WORDS, places=PLACES)
def test_each_single_character_is_a_piece_too(text: str, places: list[int]) -> None:
    heard = "".join(event.text for event in told([chunk(piece) for piece in text]))
    assert heard == redact(text, SECRETS)


@given(first=WORDS, second=WORDS, places=PLACES, more=PLACES)
def test_choices_that_come_in_turn_do_not_hide_a_key(
    first: str, second: str, places: list[int], more: list[int]
) -> None:
    ones = [chunk(piece, index=0) for piece in cut(first, places)]
    others = [chunk(piece, index=1) for piece in cut(second, more)]
    chunks = [one for pair in zip(ones, others, strict=False) for one in pair]
    chunks += ones[len(others) :] + others[len(ones) :]
    heard = texts(told(chunks))
    assert heard["text", 0] == redact(first, SECRETS)
    assert heard["text", 1] == redact(second, SECRETS)


@given(words=st.lists(st.text('sk-orv1ab05. \n"\\é', min_size=1, max_size=5), max_size=30))
def test_what_holds_no_key_comes_as_it_came(words: list[str]) -> None:
    chunks = [chunk(word, index=number % 3 // 2) for number, word in enumerate(words)]
    assert told(chunks, (KEY, OTHER)) == untouched(chunks)


FIELDS: list[tuple[str, Callable[[str], dict[str, Any]], str]] = [
    ("reasoning", lambda piece: {"reasoning": piece}, "reasoning"),
    ("refusal", lambda piece: {"refusal": piece}, "refusal"),
    ("tool_call", lambda piece: {"tool_calls": [{"index": 1, "function": {"arguments": piece}}]}, "tool_call"),
    (
        "details",
        lambda piece: {"reasoning": piece, "reasoning_details": [{"type": "reasoning.text", "text": piece}]},
        "reasoning",
    ),
    ("details alone", lambda piece: {"reasoning_details": [{"type": "reasoning.summary", "summary": piece}]}, "other"),
    ("function_call", lambda piece: {"function_call": {"arguments": piece}}, "other"),
    ("unknown", lambda piece: {"audio": {"transcript": piece}}, "other"),
]


@pytest.mark.parametrize(("delta", "kind"), [row[1:] for row in FIELDS], ids=[row[0] for row in FIELDS])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_no_field_shows_a_key(delta: Callable[[str], dict[str, Any]], kind: str, size: int) -> None:
    text = f"It is {KEY}, they say"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    events = told([chunk(**delta(piece)) for piece in pieces])
    assert {event.kind for event in events} == {kind}
    assert len(events) == len(pieces)
    shown = "".join(event.text for event in events)
    assert shown == ("" if kind == "other" else "It is [redacted], they say")
    raws = [json.dumps(event.raw) for event in events]
    assert sum(raw.count("[redacted]") for raw in raws) == (
        2 if "reasoning_details" in delta("") and kind != "other" else 1
    )
    for start in range(0, len(KEY) - size, size):
        alone = f'"{KEY[start : start + size]}"'
        assert size == 1 or not any(alone in raw for raw in raws)


def test_the_texts_of_tokens_go_with_the_key() -> None:
    def with_tokens(piece: str) -> dict[str, Any]:
        made = chunk(piece)
        made["choices"][0]["logprobs"] = {"content": [{"token": piece, "logprob": -0.1, "bytes": None}]}
        return made

    events = told([with_tokens(piece) for piece in ("Good ", KEY[:30], KEY[30:], " bye")], (KEY,))
    tokens = [event.raw["choices"][0]["logprobs"] for event in events]
    assert [one and one["content"][0]["token"] for one in tokens] == ["Good ", None, None, " bye"]


def test_a_key_with_escapes_in_its_json_is_a_key() -> None:
    heard: list[StreamEvent] = []
    keeper = StreamRedactor(heard.append, (KEY,))
    event = chunk(KEY)
    keeper.forward(list(ChatStream().events(event, "")), json.dumps(event).replace("sk-or", "\\u0073k-or"))
    assert [one.text for one in heard] == ["[redacted]"]
    assert KEY not in json.dumps(heard[0].raw)


@pytest.mark.parametrize("escaped", [False, True])
def test_a_key_in_one_piece_is_out_of_everything(escaped: bool) -> None:
    made = {**chunk(tool_calls=[{"index": 0, "id": KEY, "function": {"name": OTHER}}]), "id": KEY, KEY: {"é": [OTHER]}}
    data = json.dumps(made, ensure_ascii=escaped)
    heard: list[StreamEvent] = []
    StreamRedactor(heard.append, SECRETS).forward(list(ChatStream().events(made, "")), data)
    assert heard[0].tool_call == {"index": 0, "id": "[redacted]", "name": "[redacted]"}
    assert heard[0].raw["id"] == "[redacted]"
    assert not any(secret in repr((heard[0].raw, heard[0])) for secret in SECRETS)


def test_two_calls_of_one_index_in_one_event_lose_nothing() -> None:
    pieces = [{"index": 0, "function": {"arguments": part}} for part in (KEY[:20], KEY[20:40])]
    events = told([chunk(tool_calls=pieces), chunk(tool_calls=[{"index": 0, "function": {"arguments": KEY[40:]}}])])
    assert [event.text for event in events] == ["[redacted]", "", ""]
    assert not any(part in json.dumps([event.raw for event in events]) for part in (KEY[:20], KEY[20:40], KEY[40:]))


def test_what_may_begin_a_key_waits_and_no_longer_than_for_the_next_piece() -> None:
    heard: list[str] = []
    keeper = StreamRedactor(lambda event: heard.append(event.text), (KEY,))
    seen = []
    for piece in ("Let us", " see", " sk-or-v1-", "no"):
        event = chunk(piece)
        keeper.forward(list(ChatStream().events(event, "")), json.dumps(event))
        seen.append(list(heard))
    assert seen == [[], ["Let us", " see"], ["Let us", " see"], ["Let us", " see", " sk-or-v1-", "no"]]


def test_a_tool_call_behind_a_word_does_not_wait_for_it() -> None:
    heard: list[StreamEvent] = []
    keeper = StreamRedactor(heard.append, (KEY,))
    calls = [chunk(tool_calls=[{"index": 0, "function": {"arguments": part}}]) for part in ('{"a": ', "1}")]
    for number, event in enumerate([chunk("I list the models"), *calls]):
        keeper.forward(list(ChatStream().events(event, "")), json.dumps(event))
        assert len(heard) == (number + 1 if number else 0)
    rest = [chunk(part) for part in (KEY[1:30], KEY[30:])]
    for event in rest:
        keeper.forward(list(ChatStream().events(event, "")), json.dumps(event))
    keeper.end()
    assert texts(heard)["text", 0] == "I list the models[redacted]"  # the s was shown, for it tells nothing


def test_a_listener_that_raised_is_not_called_again() -> None:
    heard: list[StreamEvent] = []

    def raising(event: StreamEvent) -> None:
        heard.append(event)
        raise ZeroDivisionError

    keeper = StreamRedactor(raising, (KEY,))
    for piece in ("s", "k", "-"):
        event = chunk(piece)
        keeper.forward(list(ChatStream().events(event, "")), json.dumps(event))
    with pytest.raises(ZeroDivisionError):
        keeper.end()
    keeper.end(failed=True)
    assert [event.text for event in heard] == ["s"]


def test_the_beginning_of_a_key_where_the_stream_broke_off() -> None:
    for failed, shown in ((False, KEY[:40]), (True, "[redacted]")):
        heard: list[str] = []
        keeper = StreamRedactor(lambda event, heard=heard: heard.append(event.text), (KEY,))  # type: ignore[misc]
        event = chunk(KEY[:40])
        keeper.forward(list(ChatStream().events(event, "")), json.dumps(event))
        keeper.end(failed=failed)
        assert heard == [shown]


@pytest.mark.parametrize("depth", [5, 900])
def test_an_event_that_is_nested_deeply_is_no_matter(depth: int) -> None:
    event = {**chunk("s"), "deep": json.loads('{"text":' * depth + '"s"' + "}" * depth)}
    assert [one.text for one in told([event])] == ["s"]


@pytest.mark.parametrize("secrets", [(), ("",), ("abc",)])
def test_without_keys_nothing_waits(secrets: tuple[str, ...]) -> None:
    heard: list[str] = []
    event = chunk('s "\\')
    StreamRedactor(lambda event: heard.append(event.text), secrets).forward(
        list(ChatStream().events(event, "")), json.dumps(event)
    )
    assert heard == ['s "\\']


def test_ordinary_streams_are_not_slowed_down() -> None:
    chunks = [chunk(word) for word in ("The", " model", " answers", " in", " tokens", ",", " as", " always", ".")] * 500
    stream = ChatStream()
    events = [(list(stream.events(one, "")), json.dumps(one)) for one in chunks]

    def seconds(secrets: tuple[str, ...]) -> float:
        keeper = StreamRedactor(lambda _: None, secrets)
        started = thread_time()
        for one, data in events:
            keeper.forward(one, data)
        return thread_time() - started

    assert min(seconds((KEY, OTHER)) for _ in range(5)) / len(events) < 25e-6


def test_a_flood_of_beginnings_takes_linear_time() -> None:
    chunks = [chunk("s") for _ in range(20_000)]
    with cpu_below(5):
        assert "".join(event.text for event in told(chunks, (KEY,))) == "s" * 20_000


# Through a registry.


def registry(upstream: Server, **credentials: str) -> ToolRegistry:
    accounts = MemoryAccounts({"default": credentials})
    return ToolRegistry.from_manifest(
        accounts=accounts, client_options={"base_url": upstream.base_url, "max_attempts": 1}
    )


def streaming(chunks: Iterable[Any]) -> Callable[[Exchange], None]:
    sent = list(chunks)

    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(*sent)
        exchange.end()

    return script


@pytest.mark.parametrize("size", [1, 7, 40, 100])
@pytest.mark.parametrize("echoed", ["the key", "the account's other key"])
def test_an_echoed_key_reaches_no_listener(size: int, echoed: str) -> None:
    pieces = [KEY[start : start + size] for start in range(0, len(KEY), size)]
    events: list[StreamEvent] = []
    names = ("api_key", "management_api_key") if echoed == "the key" else ("management_api_key", "api_key")
    script = streaming([*map(chunk, pieces), chunk("", finish="stop"), "[DONE]"])
    with Server(script) as upstream, registry(upstream, **dict(zip(names, (KEY, OTHER), strict=True))) as made:
        envelope = call(made, CHAT, stream=True, on_event=events.append)
    assert envelope.successful
    assert "".join(event.text for event in events) == "[redacted]"
    assert raw_texts(events) == "[redacted]"
    assert KEY not in envelope.data
    assert events[-1].kind == "end"


def test_a_message_with_an_echoed_key() -> None:
    events: list[StreamEvent] = []
    script = streaming(message_events("Hi ", KEY[:3], KEY[3:50], KEY[50:], "."))
    with Server(script) as upstream, registry(upstream, api_key=KEY) as made:
        envelope = call(made, MESSAGE, stream=True, on_event=events.append)
    assert envelope.successful
    assert "".join(event.text for event in events) == "Hi [redacted]."
    raws = json.dumps([event.raw for event in events])
    assert KEY[3:50] not in raws
    assert KEY[50:] not in raws
    plain = untouched(message_events("Hi ", "", "", "", "."), MessageStream)
    assert [event.kind for event in events] == [event.kind for event in plain]


def test_a_stream_that_is_cut_in_a_key_shows_no_piece_of_it() -> None:
    events: list[StreamEvent] = []

    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(chunk("Hi "), chunk(KEY[:40]))
        exchange.cut()

    with Server(script) as upstream, registry(upstream, api_key=KEY) as made:
        envelope = call(made, CHAT, stream=True, on_event=events.append)
    assert not envelope.successful
    assert [event.text for event in events] == ["Hi ", "[redacted]"]
    assert KEY[9:40] not in envelope.data + json.dumps([event.raw for event in events])


# Keys in JSON inside of JSON, such as a tool call's arguments, which may write any character as an escape.


@pytest.mark.parametrize("every", [1, 2, 7, 60])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 10_000])
def test_a_key_with_escapes_in_a_text_is_out_of_it_however_it_is_cut(every: int, size: int) -> None:
    written = "".join(f"\\u{ord(one):04x}" if at % every == 0 else one for at, one in enumerate(KEY))
    arguments = f'{{"q":"{written}","path":"C:\\\\n\\u00e9"}}'
    pieces = [arguments[start : start + size] for start in range(0, len(arguments), size)]
    chunks = [chunk(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": piece}}]) for piece in pieces]
    events = told(chunks, (KEY,))
    heard = "".join(event.text for event in events)
    assert json.loads(heard) == {"q": "[redacted]", "path": "C:\\né"}
    calls = [call for event in events for part in event.raw["choices"] for call in part["delta"]["tool_calls"]]
    assert json.loads("".join(one["function"]["arguments"] for one in calls)) == json.loads(heard)


@given(text=st.text('\\u0073sk-/"', max_size=20), places=PLACES)
def test_a_text_with_escapes_and_no_key_is_not_changed(text: str, places: list[int]) -> None:
    heard = told([chunk(piece) for piece in cut(text, places)], (KEY,))
    assert "".join(event.text for event in heard) == text
