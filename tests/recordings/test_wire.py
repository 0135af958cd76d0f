"""However the bytes of a recorded stream arrive, the answer is the same; where they stop too early, nothing is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from urllib3 import BaseHTTPResponse

from openrouter_toolkit.call import Call
from openrouter_toolkit.envelope import ActionError
from openrouter_toolkit.http.transport import Exchange
from openrouter_toolkit.openrouter.streams import reader
from openrouter_toolkit.openrouter.streams.chat_stream import ChatStream
from openrouter_toolkit.openrouter.streams.message_stream import MessageStream
from openrouter_toolkit.steps import finish

from ..scale import scaled
from .traffic import CHAT, Recording, recordings

SMALL = [one for one in recordings() if one.good and one.streamed and len(one.body) < 24_000]
GARBAGE = [b"data: {not JSON\n\n", b"\xff\xfe\x00", b"<html>502</html>", b"event: x\ndata: []\n\n", b": nothing\n\n"]
COMMENTS = [b": OPENROUTER PROCESSING\n\n", b": OPENROUTER PROCESSING\n", b":\n\n", b"\n", b"retry: 3000\nid: 7\n\n"]

small_streams = pytest.mark.skipif(not SMALL, reason="no recorded streams; name the folder in OPENROUTER_RECORDINGS")
pytestmark = pytest.mark.load
quickly = settings(max_examples=scaled(60, full=300), deadline=None, suppress_health_check=list(HealthCheck))
one_of_them = st.integers(0, max(0, len(SMALL) - 1)).map(lambda at: SMALL[at])
cuts = st.lists(st.floats(0, 1), max_size=40)


class Pieces:
    """An answer that arrives in these pieces."""

    status = 200
    connection = None

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self._next = 0
        self.headers = {"content-type": "text/event-stream"}

    def read1(self, amount: int) -> bytes:
        self._next += 1
        piece = self._pieces[self._next - 1] if self._next <= len(self._pieces) else b""
        assert len(piece) <= amount
        return piece

    def close(self) -> None:
        self._pieces = []


def read(recording: Recording, pieces: Iterable[bytes]) -> str:
    assembly = ChatStream() if recording.kind == CHAT else MessageStream()
    return finish(reader.read(Exchange(Call()), cast(BaseHTTPResponse, Pieces(pieces)), assembly, 1 << 30))


def read_broken(recording: Recording, pieces: Iterable[bytes]) -> tuple[dict[str, Any], ActionError | None]:
    """What arrived of a stream, and why it did not arrive whole."""
    try:
        return json.loads(read(recording, pieces)), None
    except ActionError as error:
        return error.partial or {}, error


@cache
def whole(at: int) -> str:
    """What the stream is when it arrives as recorded."""
    return read(SMALL[at], in_pieces(SMALL[at].body.encode(), 60_000))


def expected(recording: Recording) -> str:
    return whole(next(at for at, one in enumerate(SMALL) if one is recording))


def in_pieces(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def cut_at(body: bytes, places: Iterable[float]) -> list[bytes]:
    ends = sorted({0, len(body), *(int(place * len(body)) for place in places)})
    return [body[start:end] for start, end in pairwise(ends)]


@small_streams
@quickly
@given(one_of_them, cuts)
def test_cut_anywhere(recording: Recording, places: list[float]) -> None:
    assert read(recording, cut_at(recording.body.encode(), places)) == expected(recording)


@small_streams
@quickly
@given(one_of_them, cuts, st.sampled_from([b"\r\n", b"\r"]))
def test_with_other_line_ends(recording: Recording, places: list[float], end: bytes) -> None:
    body = recording.body.encode().replace(b"\r\n", b"\n").replace(b"\n", end)
    assert read(recording, cut_at(body, places)) == expected(recording)


@small_streams
@quickly
@given(one_of_them, cuts, st.lists(st.sampled_from([b"", *COMMENTS]), min_size=1, max_size=9), st.booleans())
def test_with_comments_between_events(
    recording: Recording, places: list[float], comments: list[bytes], carriage_returns: bool
) -> None:
    events = _events(recording.body.encode())
    body = b"".join(comments[at % len(comments)] + event for at, event in enumerate(events))
    if carriage_returns:
        body = body.replace(b"\n", b"\r\n")
    assert read(recording, cut_at(body, places)) == expected(recording)


@small_streams
@quickly
@given(one_of_them, cuts, st.booleans(), st.sampled_from([b"", *GARBAGE]))
def test_with_and_without_done_and_with_garbage_behind_the_end(
    recording: Recording, places: list[float], done: bool, garbage: bytes
) -> None:
    events = [event for event in _events(recording.body.encode()) if b"[DONE]" not in event]
    body = b"".join([*events, b"data: [DONE]\n\n" if done else b"", garbage])
    assert read(recording, cut_at(body, places)) == expected(recording)


@small_streams
@quickly
@given(one_of_them, cuts)
def test_without_the_empty_line_at_the_end(recording: Recording, places: list[float]) -> None:
    body = b"".join(event for event in _events(recording.body.encode()) if b"[DONE]" not in event).rstrip(b"\n")
    assert read(recording, cut_at(body, places)) == expected(recording)


@small_streams
@quickly
@given(one_of_them, st.floats(0, 1), cuts)
def test_what_had_arrived_before_a_stream_broke_off_is_kept(
    recording: Recording, broken_at: float, places: list[float]
) -> None:
    body = recording.body.encode()
    arrived, failure = read_broken(recording, cut_at(body[: int(broken_at * len(body))], places))
    whole_text = _text(json.loads(expected(recording)))
    if failure is None:
        assert _text(arrived) == whole_text
    else:
        assert failure.retryable
        assert whole_text.startswith(_text(arrived))


@small_streams
def test_an_event_of_which_only_half_arrived_is_a_cut_connection() -> None:
    for recording in SMALL:
        body = recording.body.encode()
        half = body.index(b"{", body.index(b"\n\n")) + 20
        _, failure = read_broken(recording, [body[:half]])
        assert failure is not None
        assert failure.type == "connection_failed"


def test_one_byte_at_a_time(stream: Recording) -> None:
    body = stream.body.encode()
    size = 1 if len(body) < 60_000 else 11
    assert read(stream, in_pieces(body, size)) == read(stream, in_pieces(body, 60_000))


def test_in_one_piece_through_a_socket_it_is_the_same(stream: Recording, execute: Any) -> None:
    assert execute(stream).data == read(stream, in_pieces(stream.body.encode(), 60_000))


def _events(body: bytes) -> list[bytes]:
    """The stream's blocks, each with the empty line that ends it."""
    blocks = re.split(rb"\n\n+", body.replace(b"\r\n", b"\n"))
    return [block.strip(b"\n") + b"\n\n" for block in blocks if block.strip()]


def _text(answer: dict[str, Any]) -> str:
    """All text of an answer's first choice, or of a message."""
    if "content" in answer:
        return "".join(block.get("text") or block.get("thinking") or "" for block in answer["content"] or ())
    return "".join((choice.get("message") or {}).get("content") or "" for choice in (answer.get("choices") or ())[:1])
