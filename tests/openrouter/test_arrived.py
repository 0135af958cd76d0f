"""A response that is read as far as it has arrived: the same bytes and the same errors as one that waits."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse, IncompleteRead
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit.http.arrived import ArrivedBytes, NothingArrived, can_park

from ..timing import PATIENCE

HEAD = b"HTTP/1.1 200 OK\r\n"
TEXT = b"data: 0123456789abcdef\n\n" * 3
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
FRAMED = {
    "chunked": CHUNKED + b"".join(b"%x;name=value\r\n%b\r\n" % (len(TEXT), TEXT) for _ in range(2)) + b"0\r\n\r\n",
    "trailers": CHUNKED + b"%x\r\n%b\r\n0\r\nX-Checksum: 1\r\nX-Other: 2\r\n\r\n" % (len(TEXT), TEXT),
    "length": HEAD + b"Content-Length: %d\r\n\r\n" % len(TEXT) + TEXT,
    "until it closes": HEAD + b"Connection: close\r\n\r\n" + TEXT,
}
BODIES = dict.fromkeys(FRAMED, TEXT) | {"chunked": TEXT * 2}


@contextmanager
def response_of(head: bytes) -> Iterator[tuple[socket.socket, HTTPResponse, ArrivedBytes]]:
    """A peer that has sent its head, and some more with it; and the response, parked."""
    ours, peer = socket.socketpair()
    with ours, peer:
        peer.sendall(head)
        with HTTPResponse(ours) as response:
            response.begin()
            file = ArrivedBytes(ours, response)
            ours.settimeout(0)
            yield peer, response, file


def read_all(peer: socket.socket, response: HTTPResponse, file: ArrivedBytes, pieces: Iterable[bytes]) -> bytes:
    """Send the pieces one by one, each after everything before it was read; then close. The whole body."""
    body = b""
    waiting = iter([*pieces, None])
    while True:
        try:
            piece = file.read_from(response, 65536, wait=False)
        except NothingArrived:
            more = next(waiting)
            peer.sendall(more) if more is not None else peer.shutdown(socket.SHUT_WR)
            file.resume()
            continue
        if not piece:
            return body
        body += piece


@pytest.mark.parametrize("framing", FRAMED)
def test_bytes_that_drip_are_read_as_those_that_come_at_once(framing: str) -> None:
    head, end, rest = FRAMED[framing].partition(b"\r\n\r\n")
    for pieces in ([rest], [rest[at : at + 1] for at in range(len(rest))]):
        with response_of(head + end) as (peer, response, file):
            assert read_all(peer, response, file, pieces) == BODIES[framing]


@given(st.sampled_from(sorted(FRAMED)), st.data())
def test_however_they_are_cut(framing: str, data: st.DataObject) -> None:
    sent = FRAMED[framing]
    start = sent.index(b"\r\n\r\n") + 4
    cuts = sorted({start, len(sent), *data.draw(st.lists(st.integers(start, len(sent)), max_size=6))})
    first = data.draw(st.sampled_from(cuts))
    cuts = [cut for cut in cuts if cut >= first]
    pieces = [sent[a:b] for a, b in pairwise(cuts)]
    with response_of(sent[:first]) as (peer, response, file):
        assert read_all(peer, response, file, pieces) == BODIES[framing]


@pytest.mark.parametrize("framing", ["chunked", "trailers"])
def test_a_body_that_is_cut_is_told_after_what_came(framing: str) -> None:
    head, end, rest = FRAMED[framing].partition(b"\r\n\r\n")
    with response_of(head + end) as (peer, response, file):
        peer.sendall(rest[:20])
        peer.shutdown(socket.SHUT_WR)
        assert TEXT.startswith(file.read_from(response, 65536, wait=False))
        file.resume()
        with pytest.raises(IncompleteRead):
            file.read_from(response, 65536, wait=False)


def test_nothing_is_waited_for_and_one_turn_reads_once() -> None:
    with response_of(CHUNKED) as (peer, response, file):
        with pytest.raises(NothingArrived):
            file.read_from(response, 65536, wait=False)
        file.resume()
        peer.sendall(b"fa00\r\n" + b"x" * 64000)
        assert 0 < len(file.read_from(response, 65536, wait=False)) < 64000
        with pytest.raises(NothingArrived):
            file.read_from(response, 65536, wait=False)
        file.resume()
        assert file.read_from(response, 65536, wait=False)


def test_many_chunks_that_came_together_are_read_together() -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(TEXT), TEXT) for _ in range(20))
    with response_of(CHUNKED + chunks) as (_, response, file):
        assert file.read_from(response, 65536, wait=False) == TEXT * 20


def test_a_bad_chunk_is_told_after_the_good_ones() -> None:
    with response_of(CHUNKED + b"3\r\nabc\r\nno size\r\n") as (_, response, file):
        assert file.read_from(response, 65536, wait=False) == b"abc"
        with pytest.raises(HTTPException):
            file.read_from(response, 65536, wait=False)


def test_trailers_without_an_end_are_refused() -> None:
    with response_of(CHUNKED + b"0\r\n") as (peer, response, file):
        trailer = b"X-Trailer: " + b"x" * 1000 + b"\r\n"
        with pytest.raises(HTTPException, match="too long"):
            read_all(peer, response, file, [trailer * 10] * 100)


def test_after_the_parking_it_waits_again() -> None:
    with response_of(FRAMED["length"][:-30]) as (peer, response, file):
        assert file.read_from(response, 65536, wait=False) == TEXT[:-30]
        peer.sendall(TEXT[-30:])
        assert response.read(1 << 20) == TEXT[-30:]


def test_where_it_waits_a_chunk_may_come_in_parts() -> None:
    with response_of(CHUNKED + b"3\r\nabc\r\n4") as (peer, response, file):
        response.fp._socket.settimeout(PATIENCE)  # type: ignore[attr-defined]
        assert file.read_from(response, 65536, wait=True) == b"abc"
        rest_of_it = iter(b"\r\nefgh\r\n0\r\n\r\n")
        sending = threading.Thread(target=lambda: [peer.send(bytes([byte])) for byte in rest_of_it])
        sending.start()
        rest = b"".join(iter(lambda: file.read_from(response, 65536, wait=True), b""))
        sending.join()
        assert rest == b"efgh"


def test_only_sockets_that_tell_what_they_hold_are_parked() -> None:
    ours, peer = socket.socketpair()
    with ours, peer:
        assert can_park(ours)
        assert not can_park(None)
        assert not can_park(object())
