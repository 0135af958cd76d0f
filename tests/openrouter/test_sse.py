"""Server-sent events out of bytes, however the network cuts them."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit.http.sse import EventParser, events_in, objects_in

from ..timing import cpu_below

Events = list[tuple[str, str]]


def parsed(*pieces: bytes) -> Events:
    parser = EventParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.close()


def data(*pieces: bytes) -> list[str]:
    return [text for _, text in parsed(*pieces)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_line_ends_in_three_ways(end: bytes) -> None:
    stream = end.join([b"data: one", b"", b"event: named", b"data: two", b"data: three", b"", b": nothing", b"", b""])
    assert parsed(stream) == [("", "one"), ("named", "two\nthree")]


@pytest.mark.parametrize(
    "stream", [b"data: a\n\rdata: b\n\n", b"data: a\r\n\ndata: b\n\n", b"data: a\n\r\ndata: b\r\r"]
)
def test_the_three_may_be_mixed(stream: bytes) -> None:
    assert data(stream) == ["a", "b"]


def test_a_comment_is_no_event_and_does_not_break_one() -> None:
    assert data(b": OPENROUTER PROCESSING\n\n:\n\ndata: a\n: in between\ndata: b\n\n") == ["a\nb"]


def test_one_blank_behind_the_colon_is_not_data() -> None:
    assert data(b"data:a\n\ndata: b\n\ndata:  c\n\ndata:\td\n\n") == ["a", "b", " c", "\td"]


def test_a_field_without_a_colon_is_an_empty_one() -> None:
    assert data(b"data\n\ndata:\n\ndata\ndata\n\n") == ["", "", "\n"]


def test_fields_that_nobody_asked_for_are_dropped() -> None:
    assert parsed(b"id: 7\nretry: 100\nfoo: bar\nDATA: no\n data: no\ndata: a\n\n") == [("", "a")]


def test_an_event_without_data_is_none_and_its_name_is_forgotten() -> None:
    assert parsed(b"event: ping\n\ndata: a\n\n") == [("", "a")]


def test_the_last_event_needs_no_blank_line() -> None:
    assert data(b"data: a\n\ndata: b") == ["a", "b"]
    assert data(b"data: a\n\ndata: b\n") == ["a", "b"]
    assert data(b"data: a\n\ndata: b\r\n\r") == ["a", "b"]


def test_nothing_gives_nothing() -> None:
    assert parsed() == []
    assert parsed(b"", b"\n\n\n", b"\r\n", b"") == []


def test_a_byte_order_mark_in_front_is_dropped() -> None:
    assert data(b"\xef\xbb\xbfdata: a\n\n") == ["a"]


def test_a_character_cut_in_the_middle_stays_whole() -> None:
    stream = "data: größer 日本 🚀\n\n".encode()
    assert data(*(bytes([byte]) for byte in stream)) == ["größer 日本 🚀"]


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    assert data(b"data: a\xff\xfeb\n\n") == ["a\ufffd\ufffdb"]


def test_unusual_line_separators_are_text() -> None:
    assert data("data: a\u2028b\u0085c\x0bd\x0ce\x1cf\n\n".encode()) == ["a\u2028b\u0085c\x0bd\x0ce\x1cf"]


@pytest.mark.parametrize(("end", "last"), [(b"\n", b"\n"), (b"\r\n", b"\r")])
def test_an_event_is_given_with_its_last_byte(end: bytes, last: bytes) -> None:
    """Of the second CR LF the CR ends the line already; the LF belongs to it and begins nothing."""
    parser = EventParser()
    assert parser.feed(b"data: a" + end) == []
    assert parser.feed(last) == [("", "a")]
    assert parser.feed(end.removeprefix(last) + b"data: b\n\n") == [("", "b")]


def test_an_event_ended_by_carriage_returns_alone_is_given_with_its_last_byte() -> None:
    parser = EventParser()
    assert parser.feed(b"data: a\r\r") == [("", "a")]
    assert parser.feed(b"\ndata: b\r\r") == [("", "b")]


LINES = st.lists(
    st.one_of(
        st.just(""),
        st.sampled_from(["data: a", "data:", "data: ü🚀", "event: e", ": comment", "data", "id: 1"]),
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8).map("data: ".__add__),
    ),
    max_size=12,
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A stream, and the same in pieces."""
    ends = draw(st.sampled_from([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"]]))
    whole = "".join(line + draw(st.sampled_from(ends)) for line in draw(LINES)).encode()
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    borders = [0, *cuts, len(whole)]
    return whole, [whole[start:end] for start, end in pairwise(borders)]


@given(streams())
def test_any_cut_gives_the_same_events(stream: tuple[bytes, list[bytes]]) -> None:
    whole, pieces = stream
    assert parsed(*pieces) == parsed(whole)
    assert parsed(*(bytes([byte]) for byte in whole)) == parsed(whole)


@given(streams())
def test_the_events_are_those_of_a_reading_line_by_line(stream: tuple[bytes, list[bytes]]) -> None:
    assert parsed(*stream[1]) == by_the_book(stream[0])


def by_the_book(stream: bytes) -> Events:
    """The algorithm of the HTML standard, section "Interpreting an event stream", for a whole stream."""
    events: Events = []
    name = ""
    lines: list[str] = []
    for line in [*stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        field, _, value = line.partition(":")
        if not line:
            if lines:
                events.append((name, "\n".join(lines)))
            name, lines = "", []
        elif field == "data":
            lines.append(value.removeprefix(" "))
        elif field == "event":
            name = value.removeprefix(" ")
    return events


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    assert parsed(*pieces) == parsed(b"".join(pieces))


@pytest.mark.parametrize("size", [1, 64, 65536])
def test_time_grows_with_the_length_and_not_with_its_square(size: int) -> None:
    def seconds(length: int) -> float:
        parser = EventParser()
        stream = b"data: " + b"x" * length + b"\n\n"
        started = time.thread_time()
        events = [event for at in range(0, len(stream), size) for event in parser.feed(stream[at : at + size])]
        assert len(events[0][1]) == length
        return time.thread_time() - started

    length = 100_000 if size < 1000 else 4_000_000
    small = min(seconds(length) for _ in range(3))
    assert min(seconds(length * 4) for _ in range(3)) < max(small, 0.005) * 12


def test_many_small_events_in_one_piece_take_linear_time() -> None:
    with cpu_below(3):
        assert len(EventParser().feed(b"data: a\n\n" * 200_000)) == 200_000


USUAL = ['data: {"a": 1}', 'data: {"b": "x\\n\\ndata: "}', "data: {}"]
ODD = [
    "data: [1]",
    "data: {}, {}",
    "data: {",
    "}",
    "",
    ": note",
    'data: {"e": [{}',
    "data: {}]}",
    "data: [DONE]",
    "data: 1, {}",
]
OTHER = ['event: x\ndata: {"c": 2}', 'data:{"d": 3}']


@given(st.lists(st.sampled_from([*USUAL, *ODD, *OTHER])))
def test_events_that_are_parsed_at_once_are_those_that_are_parsed_one_by_one(lines: list[str]) -> None:
    text = "\n\n".join(lines)
    at_once = objects_in(text)
    if at_once is not None:
        assert [("", value) for value in at_once] == [(name, json.loads(data)) for name, data in events_in(text)]
    else:
        assert not lines or not set(lines) <= set(USUAL)
