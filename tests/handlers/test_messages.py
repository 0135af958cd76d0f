"""Messages in Anthropic's format: what is sent, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import failure

Execute = Callable[..., Envelope]
ADD = {
    "name": "add",
    "description": "Add two numbers",
    "input_schema": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
}


def asking(question: str = "Hello", **more: Any) -> dict[str, Any]:
    return {
        "model": "acme/atlas-small",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": question}],
        **more,
    }


def message(envelope: Envelope) -> dict[str, Any]:
    assert envelope.successful, envelope.error
    found: dict[str, Any] = json.loads(envelope.data)
    return found


def test_arguments_are_the_body_as_they_are(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    arguments = asking(
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        temperature=0.5,
        stop_sequences=["\n\n"],
        metadata={"user_id": "7"},
        user="user-7",
        session_id="session-7",
    )
    assert execute("CREATE_MESSAGE", arguments, x_title="Grüße 🤖", http_referer="https://a.example").successful
    (request,) = openrouter_sandbox.requests
    assert (request.method, request.path) == ("POST", "/messages")
    assert request.body == arguments
    assert request.headers["X-Title"].encode("latin-1").decode() == "Grüße 🤖"
    assert request.headers["HTTP-Referer"] == "https://a.example"
    assert request.key == openrouter_sandbox.api_key


def test_a_kind_of_block_that_nobody_knows_passes(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    block = {"type": "hologram", "depth": [1, {"x": None}]}
    execute("CREATE_MESSAGE", asking(), messages=[{"role": "user", "content": [block, {"type": "text", "text": "Hi"}]}])
    assert openrouter_sandbox.requests[0].body["messages"][0]["content"][0] == block


def test_an_answer_is_a_message(execute: Execute) -> None:
    answer = message(execute("CREATE_MESSAGE", asking("What is 17 * 3?")))
    assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "end_turn")
    assert "51" in answer["content"][0]["text"]


def test_a_tool_is_called(execute: Execute) -> None:
    answer = message(execute("CREATE_MESSAGE", asking("Add 17 and 25", tools=[ADD])))
    (use,) = [block for block in answer["content"] if block["type"] == "tool_use"]
    assert (use["name"], use["input"]) == ("add", {"a": 17, "b": 25})


@pytest.mark.parametrize("more", [{}, {"tools": [ADD]}])
def test_a_streamed_answer_is_what_the_same_call_would_have_answered(
    registry: ToolRegistry, more: dict[str, Any]
) -> None:
    events: list[Any] = []
    arguments = asking("Add 17 and 25", **more)
    plain = message(registry.execute("OPENROUTER_CREATE_MESSAGE", arguments))
    streamed = message(
        registry.execute("OPENROUTER_CREATE_MESSAGE", {**arguments, "stream": True}, on_event=events.append)
    )
    assert len(events) > 3
    for answer in (plain, streamed):
        answer.pop("id")
        for block in answer["content"]:
            block.pop("id", None)
    assert streamed == plain


@pytest.mark.parametrize(("name", "length"), [("user", 129), ("session_id", 129)])
def test_names_above_128_characters_are_refused(
    execute: Execute, openrouter_sandbox: Sandbox, name: str, length: int
) -> None:
    assert execute("CREATE_MESSAGE", asking(), **{name: "x" * 128}).successful
    envelope = execute("CREATE_MESSAGE", asking(), **{name: "x" * length})
    assert failure(envelope)["problems"][0]["wanted"] == "a string, at most 128 characters"
    assert len(openrouter_sandbox.requests) == 1


@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("sandbox/rate-limited", 429, "rate_limit_exceeded"),
        ("sandbox/no-credits", 402, "payment_required"),
        ("sandbox/provider-down", 502, "provider_unavailable"),
        ("sandbox/overloaded", 529, "provider_overloaded"),
        ("sandbox/html-200", 200, "invalid_response"),
        ("sandbox/empty", 200, "invalid_response"),
        ("sandbox/cut", None, "connection_failed"),
    ],
)
def test_a_failure_is_told_by_its_type_and_status(execute: Execute, model: str, status: int | None, kind: str) -> None:
    error = failure(execute("CREATE_MESSAGE", asking(), model=model))
    assert (error["type"], error["status"]) == (kind, status)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["sandbox/error-in-200", "sandbox/choice-error"])
def test_an_error_inside_an_answer_is_a_failure(execute: Execute, model: str, stream: bool) -> None:
    assert failure(execute("CREATE_MESSAGE", asking(), model=model, stream=stream))["type"] != "unmapped"


@pytest.mark.parametrize("model", ["sandbox/cut", "sandbox/error-mid-stream"])
def test_a_stream_that_breaks_off_keeps_what_had_arrived(execute: Execute, model: str) -> None:
    envelope = execute("CREATE_MESSAGE", asking(), model=model, stream=True)
    assert failure(envelope)["type"] != "unmapped"
    assert json.loads(envelope.data)["partial"]["content"][0]["text"]
