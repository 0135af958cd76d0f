"""What an envelope reads in recorded answers, and recorded streams as `handle_tool_calls` takes them."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from openrouter_toolkit.tool_calling import read

from .conftest import Execute
from .traffic import CHAT, MESSAGES, Recording, read_choice


def test_a_plain_answer_says_what_its_fields_say(good_plain: Recording, execute: Execute) -> None:
    envelope = execute(good_plain)
    written = re.findall(r'"cost": ?([-+.\deE]+)', good_plain.body)
    if good_plain.kind in (CHAT, MESSAGES, "embeddings", "rerank"):
        assert envelope.json() == good_plain.json
        assert envelope.model == good_plain.json["model"]
        assert envelope.generation_id == good_plain.json.get("id")
        assert envelope.usage == good_plain.json.get("usage")
        assert envelope.cost == (Decimal(written[0]) if written else None)
    else:
        assert (envelope.usage, envelope.cost) == (None, None)
    if good_plain.kind not in (CHAT, MESSAGES):
        assert (envelope.text, envelope.tool_calls) == (None, [])


def test_a_streamed_completion_says_what_its_chunks_say(chat_stream: Recording, execute: Execute) -> None:
    envelope = execute(chat_stream)
    reading = read_choice(chat_stream.events, 0)
    assert (envelope.text or "") == reading.texts.get("content", "")
    assert {(call.name, json.dumps(call.arguments)) for call in envelope.tool_calls} == {
        (name, json.dumps(arguments)) for name, arguments in reading.calls.values()
    }
    written = re.findall(r'"cost": ?([-+.\deE]+)', chat_stream.body)
    assert envelope.cost == (Decimal(written[-1]) if written else None)


def test_a_streamed_message_says_what_its_events_say(message_stream: Recording, execute: Execute) -> None:
    envelope = execute(message_stream)
    blocks = [event["content_block"] for event in message_stream.events if "content_block" in event]
    used = [block["id"] for block in blocks if block["type"] == "tool_use"]  # not those that run on Anthropic's server
    assert [call.id for call in envelope.tool_calls] == used
    deltas = [event["delta"] for event in message_stream.events if event["type"] == "content_block_delta"]
    said = [block.get("text", "") for block in blocks if block["type"] == "text"]
    said += [delta["text"] for delta in deltas if delta["type"] == "text_delta"]
    assert (envelope.text or "") == "".join(said)
    assert envelope.model


def test_the_chunks_of_a_stream_make_the_answer_that_the_action_returns(stream: Recording, execute: Execute) -> None:
    answer = execute(stream).json()
    format_name, whole, calls = read(stream.events)
    assert (format_name, calls) == read(answer)[::2]
    if stream.kind == MESSAGES:
        assert whole["content"] == answer["content"]
    else:
        message = answer["choices"][0]["message"]
        for call in message.get("tool_calls", []):
            del call["index"]
        assert whole["choices"][0]["message"] == message
