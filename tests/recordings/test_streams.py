"""Every recorded stream becomes the object that the same call without streaming would have returned.

It is held against three readers: a simple one of the test's own, field by field, and the ones in the openai and
anthropic packages. What those drop (OpenRouter's own fields) is held against the events themselves.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import Execute
from .oracles import by_anthropic, by_openai, differences
from .traffic import CHAT, Recording, read_choice, read_message, recordings

Compared = Callable[[Recording, str], None]


def test_a_completion_has_the_texts_calls_finish_reasons_and_usage_of_its_chunks(
    chat_stream: Recording, execute: Execute, compared: Compared
) -> None:
    completion = json.loads(execute(chat_stream).data)
    assert completion["object"] == "chat.completion"
    assert [choice["index"] for choice in completion["choices"]] == list(range(len(completion["choices"])))
    for choice in completion["choices"]:
        reading = read_choice(chat_stream.events, choice["index"])
        message = choice["message"]
        assert message["role"] == "assistant"
        assert {name: message.get(name) or "" for name in reading.texts} == reading.texts
        assert {
            call["index"]: (call["function"]["name"], json.loads(call["function"]["arguments"] or "{}"))
            for call in message.get("tool_calls") or ()
        } == reading.calls
        assert {name: choice[name] for name in reading.finish} == reading.finish
        assert completion.get("usage", {}) == reading.usage
        assert "delta" not in choice
    compared(chat_stream, "the simple reading")


def test_a_completion_keeps_what_only_openrouter_has(chat_stream: Recording, execute: Execute) -> None:
    completion = json.loads(execute(chat_stream).data)
    for name in ("id", "created", "model", "provider", "service_tier", "system_fingerprint"):
        said = [event[name] for event in chat_stream.events if event.get(name) is not None]
        assert completion.get(name) == (said[-1] if said else None)
    costs = [event["usage"]["cost"] for event in chat_stream.events if "cost" in (event.get("usage") or {})]
    assert [completion["usage"]["cost"]] if costs else costs == costs[-1:]
    for choice in completion["choices"]:
        message = choice["message"]
        for name in ("annotations", "images"):
            assert (message.get(name) or []) == list(_entries(chat_stream, choice["index"], name))
        details = list(_entries(chat_stream, choice["index"], "reasoning_details"))
        assert _joined(message.get("reasoning_details") or []) == _joined(details)
        assert _signatures(message.get("reasoning_details") or []) == _signatures(details)
        assert len(message.get("reasoning_details") or []) == len({_place(detail) for detail in details})


def test_a_completion_is_what_the_openai_package_accumulates(
    chat_stream: Recording, execute: Execute, compared: Compared
) -> None:
    completion = json.loads(execute(chat_stream).data)
    assert list(differences(by_openai(chat_stream.events), completion)) == []
    compared(chat_stream, "openai's ChatCompletionStreamState")


def test_a_completion_has_every_key_that_all_plain_ones_have(execute: Execute) -> None:
    good = [recording for recording in recordings() if recording.kind == CHAT and recording.good]
    plain = [recording.json for recording in good if not recording.streamed]
    streamed = [json.loads(execute(recording).data) for recording in good if recording.streamed]
    if not plain or not streamed:
        pytest.skip("no recordings; name the folder in OPENROUTER_RECORDINGS")
    for keys in (_keys, _keys_of_choice, _keys_of_message):
        always = set.intersection(*map(keys, plain))
        assert [always - keys(completion) for completion in streamed] == [set()] * len(streamed)


def test_a_message_has_the_texts_calls_stop_reason_and_usage_of_its_events(
    message_stream: Recording, execute: Execute, compared: Compared
) -> None:
    message = json.loads(execute(message_stream).data)
    reading = read_message(message_stream.events)
    content = dict(enumerate(message["content"]))
    texts = {(at, name): content[at][name] for at, name in reading.texts}
    assert texts == reading.texts
    assert {at: (content[at]["name"], content[at]["input"]) for at in reading.calls} == reading.calls
    assert {name: message[name] for name in reading.finish} == reading.finish
    assert message["usage"] == reading.usage
    compared(message_stream, "the simple reading")


def test_a_message_keeps_blocks_signatures_and_citations(message_stream: Recording, execute: Execute) -> None:
    content = json.loads(execute(message_stream).data)["content"]
    started = [event["content_block"] for event in message_stream.events if event["type"] == "content_block_start"]
    assert [block["type"] for block in content] == [block["type"] for block in started]
    grown = {"text", "thinking", "signature", "input", "citations"}
    for block, start in zip(content, started, strict=True):
        assert {name: block[name] for name in start.keys() - grown} == {n: start[n] for n in start.keys() - grown}
        assert "partial_json" not in block
    deltas = [event for event in message_stream.events if event["type"] == "content_block_delta"]
    for at, block in enumerate(content):
        own = [event["delta"] for event in deltas if event["index"] == at]
        signatures = [delta["signature"] for delta in own if "signature" in delta]
        assert (block.get("signature") or "") == "".join(signatures)
        citations = [delta["citation"] for delta in own if "citation" in delta]
        assert (block.get("citations") or []) == [*(started[at].get("citations") or ()), *citations]


def test_a_message_keeps_what_its_end_brings(message_stream: Recording, execute: Execute) -> None:
    message = json.loads(execute(message_stream).data)
    for event in message_stream.events:
        if event["type"] == "message_delta":
            for name in event.keys() - {"type", "delta", "usage"}:
                assert message[name] == event[name]


def test_a_message_is_what_the_anthropic_package_accumulates(
    message_stream: Recording, execute: Execute, compared: Compared
) -> None:
    message = json.loads(execute(message_stream).data)
    assert list(differences(by_anthropic(message_stream.events), message)) == []
    compared(message_stream, "anthropic's accumulate_event")


def _entries(recording: Recording, index: int, name: str) -> Iterator[dict[str, Any]]:
    for event in recording.events:
        for choice in event.get("choices") or ():
            if (choice.get("index") or 0) == index:
                yield from (choice.get("delta") or {}).get(name) or ()


def _place(detail: dict[str, Any]) -> tuple[Any, Any]:
    return detail.get("index"), detail.get("type")


def _joined(details: list[dict[str, Any]]) -> dict[Any, str]:
    """The texts of reasoning details, by the detail that they are pieces of."""
    texts: dict[Any, str] = defaultdict(str)
    for detail in details:
        for name in ("text", "summary", "data"):
            if detail.get(name):
                texts[(*_place(detail), name)] += detail[name]
    return dict(texts)


def _signatures(details: list[dict[str, Any]]) -> dict[Any, str]:
    return {_place(detail): detail["signature"] for detail in details if detail.get("signature")}


def _keys(completion: dict[str, Any]) -> set[str]:
    return set(completion)


def _keys_of_choice(completion: dict[str, Any]) -> set[str]:
    return set(completion["choices"][0])


def _keys_of_message(completion: dict[str, Any]) -> set[str]:
    return set(completion["choices"][0]["message"])
