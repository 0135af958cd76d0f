"""Chunks of a chat completion become what the call without streaming would have answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.openrouter.streams.chat_stream import ChatStream
from openrouter_toolkit.openrouter.streams.events import StreamEvent

from ..envelopes import answer, failure, partial
from .calls import ARGUMENTS, CHAT, MESSAGE, call, text_of
from .conftest import Connect, Serve
from .servers import Exchange, chunk, message_events


def assembled(*chunks: dict[str, Any]) -> dict[str, Any]:
    """What chunks become; the short way for those that repeat the last one leads to the same."""
    stream, short = ChatStream(), ChatStream()
    for part in chunks:
        stream.add(json.loads(json.dumps(part)))
        again = json.loads(json.dumps(part))
        if not short.repeats(again):
            short.add(again)
        assert again == part
    assert json.dumps(short.result()) == json.dumps(stream.result())
    return stream.result()


def message(*chunks: dict[str, Any]) -> dict[str, Any]:
    told = assembled(*chunks)["choices"][0]["message"]
    assert isinstance(told, dict)
    return told


def told(*chunks: dict[str, Any]) -> list[StreamEvent]:
    stream = ChatStream()
    events = []
    for part in chunks:
        stream.add(part)
        events += list(stream.events(part, ""))
    return events


def test_texts_are_joined_and_the_chunk_becomes_a_completion() -> None:
    result = assembled(
        chunk(role="assistant", content=""),
        chunk("Hel"),
        chunk("lo"),
        chunk(finish="stop"),
        {"id": "gen-1", "choices": [], "usage": {"total_tokens": 3, "cost": 0.1}},
    )
    assert without_nulls(result) == {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1,
        "model": "acme/atlas",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
        "usage": {"total_tokens": 3, "cost": 0.1},
    }


def test_a_chunk_that_repeats_the_last_one_but_for_its_delta_takes_the_short_way() -> None:
    stream = ChatStream()
    stream.add(chunk("Hel", role="assistant"))
    assert stream.repeats(chunk("lo", role="assistant"))
    assert stream.repeats(chunk(" there", reasoning="x"))
    for other in (
        chunk("!", finish="stop"),
        chunk("!", index=1),
        {**chunk("!"), "usage": {"total_tokens": 3}},
        {**chunk("!"), "created": 1.0},
        {**chunk("!"), "error": {"message": "no"}},
        {**chunk("!"), "choices": []},
        {"choices": chunk("!")["choices"]},
    ):
        assert not stream.repeats(other)
    assert stream.result()["choices"][0]["message"]["content"] == "Hello there"
    assert not ChatStream().repeats(chunk("first"))


@pytest.mark.parametrize("name", ["content", "reasoning", "refusal"])
def test_text_like_fields_are_joined(name: str) -> None:
    parts = (chunk(**{name: piece}) for piece in ("one ", "", "two", None, "\u00fc"))
    assert message(*parts)[name] == "one two\u00fc"


def test_interleaved_choices_are_put_together_by_index() -> None:
    result = assembled(
        chunk("b1", index=1), chunk("a1"), chunk("b2", index=1), chunk("a2"),
        chunk(finish="stop"), chunk(finish="length", index=1),
    )  # fmt: skip
    texts = [(part["index"], part["message"]["content"], part["finish_reason"]) for part in result["choices"]]
    assert texts == [(0, "a1a2", "stop"), (1, "b1b2", "length")]


def test_several_choices_may_come_in_one_chunk() -> None:
    both = {"choices": [{"index": index, "delta": {"content": "x"}} for index in (1, 0)]}
    assert [part["message"]["content"] for part in assembled(both, both)["choices"]] == ["xx", "xx"]


def test_a_choice_without_an_index_is_the_first() -> None:
    parts = ({"choices": [{"delta": {"content": "a"}}]}, {"choices": [{"index": None, "delta": {"content": "b"}}]})
    assert message(*parts)["content"] == "ab"


def tool(index: int | None, arguments: str | None = None, name: str | None = None, **more: Any) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return chunk(tool_calls=[{"index": index, **more, "function": function}])


def test_tool_calls_are_joined_by_index_with_id_and_name_once() -> None:
    calls = message(
        tool(0, "", "add", id="call-a", type="function"),
        tool(1, '{"y"', "look", id="call-b", type="function"),
        tool(0, '{"x":', "add", id="call-a", type="function"),
        tool(1, ":2}", "", id="", type="function"),
        tool(0, "1}", None, id=None),
    )["tool_calls"]
    assert [(one["id"], one["type"], one["function"]) for one in calls] == [
        ("call-a", "function", {"name": "add", "arguments": '{"x":1}'}),
        ("call-b", "function", {"name": "look", "arguments": '{"y":2}'}),
    ]


def test_tool_calls_that_begin_out_of_order_come_in_order() -> None:
    calls = message(tool(2, "c", "c", id="3"), tool(0, "a", "a", id="1"))["tool_calls"]
    assert [one["id"] for one in calls] == ["1", "3"]


def test_a_tool_call_without_arguments_has_empty_ones() -> None:
    assert message(tool(0, None, "now", id="1"))["tool_calls"][0]["function"] == {"name": "now", "arguments": ""}


def test_unknown_fields_of_a_tool_call_are_kept() -> None:
    call = message(tool(0, "{}", "a", id="1", extra_content={"google": {"thought_signature": "s"}}), tool(0, ""))
    assert call["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}


def test_reasoning_details_are_joined_by_index_and_type() -> None:
    def detail(**fields: Any) -> dict[str, Any]:
        return chunk(reasoning_details=[fields])

    details = message(
        detail(type="reasoning.text", index=0, text="Let ", format="a", signature=None),
        detail(type="reasoning.text", index=0, text="me see"),
        detail(type="reasoning.text", index=0, signature="s=="),
        detail(type="reasoning.summary", index=0, summary="In "),
        detail(type="reasoning.summary", index=0, summary="short"),
        detail(type="reasoning.text", index=1, text="Then"),
        detail(type="reasoning.encrypted", index=2, id="rs-1", data="AAA="),
    )["reasoning_details"]
    assert details == [
        {"type": "reasoning.text", "index": 0, "text": "Let me see", "format": "a", "signature": "s=="},
        {"type": "reasoning.summary", "index": 0, "summary": "In short"},
        {"type": "reasoning.text", "index": 1, "text": "Then"},
        {"type": "reasoning.encrypted", "index": 2, "id": "rs-1", "data": "AAA="},
    ]  # fmt: skip


def test_two_encrypted_details_with_ids_of_their_own_stay_two() -> None:
    pieces = [{"type": "reasoning.encrypted", "index": 0, "id": name, "data": name} for name in ("a", "b")]
    details = message(*(chunk(reasoning_details=[piece]) for piece in pieces))["reasoning_details"]
    assert details == pieces


@pytest.mark.parametrize("name", ["annotations", "images"])
def test_lists_are_appended_to(name: str) -> None:
    assert message(*(chunk(**{name: [{"number": number}]}) for number in (1, 2)))[name] == [
        {"number": 1},
        {"number": 2},
    ]


def test_logprobs_are_appended_to() -> None:
    def part(logprobs: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": logprobs}]}

    result = assembled(part({"content": [1], "refusal": None}), part(None), part({"content": [2, 3], "refusal": None}))
    assert result["choices"][0]["logprobs"] == {"content": [1, 2, 3], "refusal": None}


def test_audio_is_joined() -> None:
    audio = message(
        chunk(audio={"id": "audio-1", "transcript": "Hel"}),
        chunk(audio={"data": "AAAA"}),
        chunk(audio={"data": "BBBB", "transcript": "lo"}),
        chunk(audio={"expires_at": 7}),
    )["audio"]
    assert audio == {"id": "audio-1", "transcript": "Hello", "data": "AAAABBBB", "expires_at": 7}


def test_a_function_call_of_the_old_kind_is_joined() -> None:
    parts = (chunk(function_call={"name": "add", "arguments": ""}), chunk(function_call={"arguments": '{"x":1}'}))
    assert message(*parts)["function_call"] == {"name": "add", "arguments": '{"x":1}'}


def test_what_nobody_knows_yet_is_kept() -> None:
    result = assembled(
        {**chunk("a", mood="calm", list=[1]), "system_fingerprint": "fp", "provider": "Acme", "new": {"a": 1}},
        {**chunk("b", mood=None, list=[2]), "system_fingerprint": None},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "end", "odd": 1}]},
    )
    assert (result["system_fingerprint"], result["provider"], result["new"]) == ("fp", "Acme", {"a": 1})
    choice = result["choices"][0]
    assert (choice["native_finish_reason"], choice["odd"]) == ("end", 1)
    assert (choice["message"]["mood"], choice["message"]["list"]) == ("calm", [1, 2])


def test_the_last_finish_reason_that_is_one_counts() -> None:
    assert assembled(chunk("a", finish="stop"), chunk(""))["choices"][0]["finish_reason"] == "stop"
    assert assembled(chunk("a", finish="stop"), chunk(finish="length"))["choices"][0]["finish_reason"] == "length"


def test_usage_in_every_chunk_is_a_running_total() -> None:
    result = assembled(*({**chunk("a"), "usage": {"total_tokens": count}} for count in (1, 2, 3)), chunk(finish="stop"))
    assert result["usage"] == {"total_tokens": 3}


def test_a_text_completion_is_put_together_too() -> None:
    def part(text: str, finish: str | None = None) -> dict[str, Any]:
        return {"object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": finish}]}

    assert assembled(part("Once "), part("upon", "stop"))["choices"] == [
        {"index": 0, "text": "Once upon", "finish_reason": "stop"}
    ]


def test_it_is_finished_when_every_choice_said_why_it_ended() -> None:
    stream = ChatStream()
    assert (stream.started, stream.finished) == (False, False)
    stream.add(chunk("a"))
    stream.add(chunk("b", index=1))
    stream.add(chunk(finish="stop"))
    assert (stream.started, stream.finished) == (True, False)
    stream.add(chunk(finish="stop", index=1))
    assert stream.finished


def test_a_listener_hears_of_each_thing_once_and_in_order() -> None:
    events = told(
        chunk(role="assistant", content=""),
        chunk(reasoning="Hm", content="Hi"),
        chunk(refusal="No"),
        tool(0, '{"x"', "add", id="call-a"),
        chunk(finish="stop"),
        {**chunk(finish="stop"), "usage": {"total_tokens": 1}},
    )
    kinds = [(event.kind, event.text) for event in events]
    assert kinds == [
        ("other", ""), ("reasoning", "Hm"), ("text", "Hi"), ("refusal", "No"), ("tool_call", '{"x"'),
        ("end", ""), ("usage", ""),
    ]  # fmt: skip
    assert events[4].tool_call == {"index": 0, "id": "call-a", "name": "add"}


@given(st.lists(st.tuples(st.integers(0, 3), st.text(max_size=5)), max_size=30))
def test_no_character_is_lost_or_moved(pieces: list[tuple[int, str]]) -> None:
    result = assembled(*(chunk(text, index=index) for index, text in pieces))
    for choice in result["choices"]:
        assert choice["message"]["content"] == "".join(text for index, text in pieces if index == choice["index"])
    assert {choice["index"] for choice in result["choices"]} == {index for index, _ in pieces}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"reasoning": {"effort": "high"}},
        {"messages": [{"role": "user", "content": "Add 2 and 3"}],
         "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]},
        {"n": 2},
    ],
    ids=["text", "reasoning", "tools", "n=2"],
)  # fmt: skip
def test_streamed_and_whole_are_the_same(registry: ToolRegistry, more: dict[str, Any]) -> None:
    whole = answer(call(registry, CHAT, **{**ARGUMENTS[CHAT], **more}))
    streamed = answer(call(registry, CHAT, stream=True, **{**ARGUMENTS[CHAT], **more}))
    for result in (whole, streamed):
        for name in ("id", "created"):
            result.pop(name)
        for choice in result["choices"]:
            for position, one in enumerate(choice["message"].get("tool_calls", ())):
                assert one.pop("index", position) == position
                assert one.pop("id")
    assert without_nulls(streamed) == without_nulls(whole)


def without_nulls(value: Any) -> Any:
    """A chunk leaves out what it has nothing to say about."""
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


# Answers that are no success though no error is in them


def both_ways(connect: Connect, serve: Serve, body: dict[str, Any], **more: Any) -> list[Any]:
    """The envelopes of a call without streaming, and with it."""

    def script(exchange: Exchange) -> None:
        if exchange.request.json.get("stream"):
            exchange.stream()
            exchange.event(
                {**body, "choices": [{**one, "delta": one.get("message")} for one in body.get("choices") or ()]}
            )
            exchange.event("[DONE]")
            exchange.end()
        else:
            exchange.json(body)

    registry = connect(serve(script).base_url)
    return [call(registry, CHAT, stream=stream, **more) for stream in (False, True)]


@pytest.mark.parametrize("choices", [{"choices": []}, {"choices": None}, {}], ids=json.dumps)
def test_an_answer_without_choices_is_told_alike_with_and_without_streaming(
    connect: Connect, serve: Serve, choices: dict[str, Any]
) -> None:
    whole, streamed = both_ways(connect, serve, {"id": "gen-1", "object": "chat.completion", **choices})
    assert whole.error == streamed.error
    assert failure(whole) == failure(streamed)
    assert failure(whole)["type"] == "invalid_response"


def test_fewer_choices_than_asked_for_are_no_success_and_are_kept(connect: Connect, serve: Serve) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "one"}, "finish_reason": "stop"}
    for envelope in both_ways(connect, serve, {"id": "gen-1", "choices": [choice]}, n=2):
        assert failure(envelope)["type"] == "invalid_response"
        assert "1 of 2" in str(envelope.error)
        assert text_of(partial(envelope)) == "one"
    both = {"id": "gen-1", "choices": [choice, {**choice, "index": 1}]}
    assert all(envelope.successful for envelope in both_ways(connect, serve, both, n=2))


def test_a_providers_own_reason_is_named(connect: Connect, serve: Serve) -> None:
    reasons = {"finish_reason": "error", "native_finish_reason": "MALFORMED_FUNCTION_CALL"}
    choice = {"index": 0, "message": {"role": "assistant", "content": "one"}, **reasons}
    for envelope in both_ways(connect, serve, {"id": "gen-1", "choices": [choice]}):
        assert "MALFORMED_FUNCTION_CALL" in str(envelope.error)
        assert failure(envelope)["native_finish_reason"] == "MALFORMED_FUNCTION_CALL"


@pytest.mark.parametrize(
    ("slug", "events", "missing"),
    [
        (CHAT, [chunk("Hi")], "no finish_reason"),
        (MESSAGE, list(message_events("Hi"))[:4], "no stop_reason"),
        (MESSAGE, list(message_events("Hi"))[:5], "no message_stop"),
    ],
    ids=["chat", "message", "message with its reason"],
)
def test_the_words_of_a_failure_fit_its_format(
    connect: Connect, serve: Serve, slug: str, events: list[Any], missing: str
) -> None:
    def script(exchange: Exchange) -> None:
        exchange.stream()
        exchange.event(*events, "[DONE]")
        exchange.end()

    envelope = call(connect(serve(script).base_url), slug, stream=True)
    assert missing in str(envelope.error)
    assert failure(envelope)["type"] == "connection_failed"


def test_content_in_parts_is_joined_to_what_goes_on_from_it() -> None:
    def thinking(text: str) -> list[Any]:
        return [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]

    parts = (
        chunk(thinking("Let ")),
        chunk(thinking("me see")),
        chunk("An"),
        chunk("swer"),
        chunk([{"type": "text", "text": "!"}]),
    )
    content = message(*parts)["content"]
    assert content == [*thinking("Let me see"), {"type": "text", "text": "Answer!"}]
    kinds = [(event.kind, event.text) for event in told(*parts)]
    assert kinds == [("reasoning", "Let "), ("reasoning", "me see"), ("text", "An"), ("text", "swer"), ("text", "!")]


def test_opaque_reasoning_is_never_joined() -> None:
    pieces = [
        {"type": "reasoning.encrypted", "data": "AAA="},
        {"type": "reasoning.encrypted", "data": "BBB="},
        {"type": "reasoning.text", "text": "a", "signature": "one"},
        {"type": "reasoning.text", "text": "b", "signature": "two"},
        {"type": "reasoning.encrypted", "data": "CCC="},
        {"type": "reasoning.text", "text": "c"},
    ]
    assert message(*(chunk(reasoning_details=[piece]) for piece in pieces))["reasoning_details"] == pieces


@pytest.mark.parametrize("role", ["", None])
def test_a_later_role_that_says_nothing_does_not_count(role: Any) -> None:
    assert message(chunk("a", role="assistant"), chunk("b", role=role))["role"] == "assistant"
    assert message(chunk("a", role=role))["role"] == "assistant"


def test_a_whole_message_at_the_end_adds_what_the_pieces_did_not_have() -> None:
    end = {"choices": [{"index": 0, "message": {"content": "Hello", "images": [1]}, "finish_reason": "stop"}]}
    whole = message(chunk("Hel"), chunk("lo"), end)
    assert (whole["content"], whole["images"]) == ("Hello", [1])
    assert message(end) == {"content": "Hello", "images": [1]}


def test_a_detail_of_an_unknown_kind_is_not_replaced_by_the_next_one() -> None:
    details = [{"type": "reasoning.new", "blob": "AA"}, {"type": "reasoning.new", "blob": "BB"}]
    stream = ChatStream()
    for detail in details:
        stream.add(chunk(reasoning_details=[detail]))
    assert stream.result()["choices"][0]["message"]["reasoning_details"] == details


@pytest.mark.parametrize("nothing", [[], {}], ids=json.dumps)
def test_content_without_parts_does_not_make_a_list_of_the_text(nothing: Any) -> None:
    stream = ChatStream()
    for content in (nothing, "Hello", nothing):
        stream.add(chunk(content))
    assert stream.result()["choices"][0]["message"]["content"] == "Hello"


def test_a_listener_hears_texts_in_a_list_of_parts() -> None:
    stream, part = ChatStream(), chunk(["Hel", {"type": "text", "text": "lo"}])
    stream.add(part)
    assert "".join(event.text for event in stream.events(part, "")) == "Hello"
