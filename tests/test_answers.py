"""What an envelope says about the answer inside it: what the model said and called, and what it cost."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from decimal import Decimal
from typing import Any

import pytest

from openrouter_toolkit import ActionError, Envelope, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox


def call(arguments: Any, name: str = "look_up") -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


CHAT = {
    "id": "gen-1",
    "model": "acme/atlas",
    "choices": [
        {"message": {"role": "assistant", "content": "It is 51.", "tool_calls": [call('{"word": "tea"}')]}},
        {"message": {"role": "assistant", "content": "the second choice"}},
    ],
    "usage": {"total_tokens": 7, "cost": 0.1},
}
TEXT_COMPLETION = {"id": "gen-2", "model": "acme/atlas", "choices": [{"text": " and so on"}]}
MESSAGE = {
    "id": "gen-3",
    "type": "message",
    "role": "assistant",
    "model": "acme/atlas",
    "content": [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "It "},
        {"type": "text", "text": "is 51."},
        {"type": "tool_use", "id": "call_1", "name": "look_up", "input": {"word": "tea"}},
    ],
    "usage": {"output_tokens": 5},
}
RESPONSE = {
    "id": "gen-4",
    "model": "acme/atlas",
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {
            "type": "message",
            "content": [{"type": "output_text", "text": "It is"}, {"type": "output_text", "text": " 51."}],
        },
        {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"word": "tea"}'},
    ],
}
MODELS = {"data": [{"id": "acme/atlas", "model": "no answer", "usage": {"cost": 1}}]}


def of(answer: Any) -> Envelope:
    return Envelope.success(json.dumps(answer))


def failed(**details: Any) -> Envelope:
    return Envelope.failure(ActionError("server", "It failed.", advice="Call again.", status=502, **details))


@pytest.mark.parametrize(
    ("answer", "text", "calls"),
    [
        (CHAT, "It is 51.", 1),
        (TEXT_COMPLETION, " and so on", 0),
        (MESSAGE, "It is 51.", 1),
        (RESPONSE, "It is 51.", 1),
        (MODELS, None, 0),
        ([], None, 0),
        ({"choices": []}, None, 0),
        ({"choices": [{"message": {"content": None, "tool_calls": [call("")]}}]}, None, 1),
        ({"choices": [{"message": {"content": ""}}]}, "", 0),
        ({"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "x", "input": {}}]}, None, 1),
        ({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "image_url"}, "b"]}}]}, "ab", 0),
        ({"choices": "none", "output": 5, "content": {}}, None, 0),
    ],
)
def test_what_the_model_said_and_called(answer: Any, text: str | None, calls: int) -> None:
    envelope = of(answer)
    assert envelope.text == text
    assert len(envelope.tool_calls) == calls


@pytest.mark.parametrize("answer", [CHAT, MESSAGE, RESPONSE], ids=["chat", "message", "response"])
def test_tool_calls_have_one_shape(answer: Any) -> None:
    (found,) = of(answer).tool_calls
    assert (found.id, found.name, found.arguments) == ("call_1", "look_up", {"word": "tea"})


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ("", {}),
        (None, {}),
        ("{}", {}),
        ('{"word": "te', '{"word": "te'),
        ("[1]", "[1]"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=["empty", "null", "none", "broken", "a list", "deep"],
)
def test_arguments_that_are_no_object_stay_text(written: Any, arguments: Any) -> None:
    (found,) = of({"choices": [{"message": {"tool_calls": [call(written)]}}]}).tool_calls
    assert found.arguments == arguments


def test_the_calls_of_an_envelope_can_be_made(openrouter_sandbox: Sandbox) -> None:
    envelope = of({"choices": [{"message": {"tool_calls": [call("", "OPENROUTER_GET_MODELS_COUNT")]}}]})
    with ToolRegistry.from_manifest() as registry:
        (result,) = registry.call_tools(envelope.tool_calls)
    assert not result.failed


@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        (
            {"choices": [{"finish_reason": "stop"}, {"finish_reason": "length"}, {"finish_reason": None}]},
            ["stop", "length"],
        ),
        ({**MESSAGE, "stop_reason": "end_turn"}, ["end_turn"]),
        ({**RESPONSE, "status": "completed"}, ["completed"]),
        (CHAT, []),
        (MODELS, []),
        ({"status": "completed"}, []),
    ],
)
def test_why_it_stopped(answer: Any, reasons: list[str]) -> None:
    assert of(answer).finish_reasons == reasons


def test_which_model_answered_and_how_to_ask_about_it() -> None:
    assert [(of(answer).model, of(answer).generation_id) for answer in (CHAT, MESSAGE, MODELS)] == [
        ("acme/atlas", "gen-1"),
        ("acme/atlas", "gen-3"),
        (None, None),
    ]
    assert failed(generation_id="gen-9").generation_id == "gen-9"


@pytest.mark.parametrize(
    ("cost", "exactly"),
    [
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("0.00000012345678901234567890", "1.2345678901234567890E-7"),
        ("1e-7", "1E-7"),
        ("0", "0"),
        ("12345678901234567890.5", "12345678901234567890.5"),
    ],
)
def test_a_cost_is_exactly_what_was_written(cost: str, exactly: str) -> None:
    envelope = Envelope.success('{"choices": [], "usage": {"cost": ' + cost + "}}")
    assert str(envelope.cost) == exactly


@pytest.mark.parametrize(
    "usage",
    [
        "null",
        "{}",
        '{"cost": null}',
        '{"cost": "0.1"}',
        '{"cost": true}',
        '{"cost": NaN}',
        '{"cost": 1e-99999999999999999999}',
    ],
)
def test_an_unknown_cost_is_none(usage: str) -> None:
    assert Envelope.success('{"choices": [], "usage": ' + usage + "}").cost is None


def test_the_cost_of_a_stream_and_of_an_answer_at_once_is_the_sandboxs(openrouter_sandbox: Sandbox) -> None:
    arguments = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
    with ToolRegistry.from_manifest() as registry:
        at_once = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments)
        streamed = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", {**arguments, "stream": True})
        message = registry.execute("OPENROUTER_CREATE_MESSAGE", {**arguments, "max_tokens": 50})
    assert at_once.text == streamed.text == message.text == "17 * 3 = 51"
    assert at_once.cost == streamed.cost
    assert at_once.cost is not None
    assert at_once.cost > 0
    assert message.generation_id


def test_the_statistics_of_a_generation_cost_nothing_themselves() -> None:
    envelope = of({"data": {"id": "gen-1", "total_cost": 0.5, "model": "acme/atlas"}})
    assert (envelope.cost, envelope.model) == (None, None)
    assert envelope.json()["data"]["total_cost"] == 0.5


def test_data_is_parsed_once() -> None:
    envelope = of(CHAT)
    assert envelope.json() is envelope.json()
    assert envelope.usage is envelope.json()["usage"]
    envelope["data"] = json.dumps(MESSAGE)
    assert envelope.json() == MESSAGE


@pytest.mark.parametrize("data", ["<?xml version='1.0'?><rss></rss>", "", "[" * 100_000])
def test_what_is_no_json_says_so(data: str) -> None:
    envelope = Envelope.success(data)
    with pytest.raises(ValueError, match="`data` is its text"):
        envelope.json()
    assert (envelope.text, envelope.tool_calls, envelope.usage, envelope.cost, envelope.model) == (
        None,
        [],
        *[None] * 3,
    )


def test_reading_leaves_no_trace() -> None:
    envelope, same = of(CHAT), of(CHAT)
    printed = repr(envelope)
    assert envelope.text
    assert envelope.cost == Decimal("0.1")
    assert (repr(envelope), envelope, dict(envelope)) == (printed, same, same.model_dump())
    for copied in (copy.copy(envelope), copy.deepcopy(envelope), pickle.loads(pickle.dumps(envelope))):
        assert copied == same
        assert vars(copied) == {}


def test_a_success_is_returned_and_has_no_error() -> None:
    envelope = of(CHAT)
    assert envelope.raise_for_error() is envelope
    assert (envelope.error_type, envelope.retryable) == (None, None)


def test_a_failure_is_raised_with_what_to_do_next() -> None:
    envelope = failed(retryable=True)
    assert (envelope.error_type, envelope.retryable) == ("server", True)
    with pytest.raises(ActionError) as raised:
        envelope.raise_for_error()
    error = raised.value
    assert (error.type, error.status, error.message, error.advice) == ("server", 502, "It failed.", "Call again.")
    assert "Call again." in "".join(traceback.format_exception(error))
    assert pickle.loads(pickle.dumps(error)).advice == "Call again."


@pytest.mark.parametrize(
    ("explanation", "advice"),
    [(None, ""), ("Take another model.", "Take another model."), ("It failed. Try later.", "Try later.")],
)
def test_advice_is_the_explanation_without_the_message(explanation: str | None, advice: str) -> None:
    assert ActionError("server", "It failed.", explanation).advice == advice


def test_a_failure_that_is_no_json_has_a_type_too() -> None:
    envelope = Envelope(data="cut", error="It was cut.", successful=False)
    assert (envelope.error_type, envelope.retryable, envelope.text) == ("unmapped", False, None)


def test_what_had_arrived_can_be_read_but_half_calls_are_none() -> None:
    envelope = failed(partial=CHAT)
    assert (envelope.text, envelope.model, envelope.cost) == ("It is 51.", "acme/atlas", Decimal("0.1"))
    assert envelope.generation_id == "gen-1"
    assert envelope.tool_calls == []
    assert envelope.json()["partial"] == CHAT
    assert failed().text is None


def test_input_that_broke_off_is_not_an_empty_object() -> None:
    block = {"type": "tool_use", "id": "1", "name": "look_up", "input": {}, "partial_json": '{"wo'}
    (found,) = of({"role": "assistant", "content": [block]}).tool_calls
    assert found.arguments == '{"wo'


# In notebooks.

SECRET = "sk-or-v1-0123456789abcdef0123"
BAD = f"<script>alert('x')</script> & \u202e \ud800 {SECRET} " + "x" * 100_000


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope.success(BAD),
        of({"model": BAD, "choices": [{"message": {"content": BAD, "tool_calls": [call(BAD, BAD)]}}]}),
        Envelope.failure(ActionError("server", BAD, partial=CHAT)),
        Envelope.success('{"id": "<script>", "choices": [], "usage": {"cost": 1e999999999}}'),
    ],
    ids=["text", "chat", "failure", "dear"],
)
def test_a_card_is_escaped_short_and_keeps_secrets(envelope: Envelope) -> None:
    html = envelope._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert SECRET not in html
    assert "\u202e" not in html
    assert len(html.encode()) < 60_000


def test_a_card_says_what_matters() -> None:
    html = of(CHAT)._repr_html_()
    for part in (
        "Successful",
        "acme/atlas",
        "$0.1",
        "gen-1",
        "It is 51.",
        "look_up({&#x27;word&#x27;: &#x27;tea&#x27;})",
    ):
        assert part in html
    html = failed()._repr_html_()
    assert "Failed: server" in html
    assert "It failed. Call again." in html


def test_a_registry_is_a_table_of_its_actions() -> None:
    registry = ToolRegistry.from_manifest(allow=["models"])
    html = registry._repr_html_()
    assert [slug in html for slug in registry.actions] == [True] * len(registry.actions)
    assert "OPENROUTER_CREATE_MESSAGE" not in html
    assert f"{len(registry.actions)} actions" in html
