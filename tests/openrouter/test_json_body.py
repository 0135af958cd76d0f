"""Request bodies: long texts are encoded piece by piece, and what is sent is the same JSON."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit.http import json_body

from .calls import CHAT, call
from .conftest import Connect, Serve
from .servers import completion

IMAGE = "data:image/png;base64," + "iVBORw0KGgo/" * 100_000


def messages(*texts: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": text}} for text in texts]
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}]}


@given(
    st.lists(st.text(st.characters(), max_size=20)),
    st.lists(st.sampled_from(["é", '"\\', "\ud83d", "\U0001f680", "a"]), max_size=3),
)
def test_pieces_are_the_same_json(short: list[str], long: list[str]) -> None:
    arguments = {"model": "m/x", "stop": short, **messages(*(text * 300_000 for text in long), *short)}
    body = json_body.encode(arguments)
    whole = json.dumps(arguments, separators=(",", ":")).encode()
    assert isinstance(body, bytes) == (not long)
    assert (body if isinstance(body, bytes) else b"".join(body)) == whole
    assert isinstance(body, bytes) or body.length == len(whole)


@pytest.mark.parametrize(
    "arguments",
    [
        {"prompt": IMAGE},
        {"input": ["short", IMAGE]},
        {"messages": [{"content": IMAGE}]},
        {"messages": [{"content": [{"data": IMAGE}]}]},
    ],
    ids=["text", "list", "message", "part"],
)
def test_a_long_text_is_found_where_it_may_be(arguments: dict[str, Any]) -> None:
    assert isinstance(json_body.encode(arguments), json_body.JsonBody)


def test_a_large_image_takes_little_memory_and_is_sent_again(
    connect: Connect, serve: Serve, waits: list[float]
) -> None:
    image = IMAGE * 16

    answers = iter([({"error": {"code": 429, "message": "Wait."}}, 429), (completion("A cat"), 200)])
    server = serve(lambda exchange: exchange.json(*next(answers)))
    registry = connect(server.base_url)
    call(registry, CHAT, n=0)  # what is imported at the first call does not count
    arguments = messages(image)
    tracemalloc.start()
    try:
        assert call(registry, CHAT, **arguments).successful
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    first, second = (request.body for request in server.requests)
    assert first == second
    assert json.loads(second)["messages"] == arguments["messages"]
    assert peak - len(first) - len(second) < 0.2 * len(image)  # the server, which holds both, is in this process
