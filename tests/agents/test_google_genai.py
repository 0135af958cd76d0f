"""google-genai: the model's own content goes back unchanged, and the results under their calls' ids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from google.genai import types

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.agents.google_genai import respond, respond_async
from openrouter_toolkit.sandbox import Sandbox

from ..timing import wait_until

COUNT, CREDITS = "OPENROUTER_GET_MODELS_COUNT", "OPENROUTER_GET_CREDITS"
SILENT = {"model": "sandbox/silent", "messages": [{"role": "user", "content": "Hello"}]}


def respond_in_a_loop(*arguments: Any, **options: Any) -> list[types.Content]:
    return asyncio.run(respond_async(*arguments, **options))


@pytest.fixture(params=[respond, respond_in_a_loop], ids=["sync", "async"])
def answer(request: pytest.FixtureRequest) -> Callable[..., list[types.Content]]:
    chosen: Callable[..., list[types.Content]] = request.param
    return chosen


def response(*parts: types.Part) -> types.GenerateContentResponse:
    content = types.Content(role="model", parts=list(parts))
    return types.GenerateContentResponse(candidates=[types.Candidate(content=content)])


def call(name: str | None, id: str | None = None, args: dict[str, Any] | None = None) -> types.Part:
    return types.Part(function_call=types.FunctionCall(id=id, name=name, args=args), thought_signature=b"signed")


def test_the_models_content_is_unchanged_and_the_results_follow(
    registry: ToolRegistry, answer: Callable[..., list[types.Content]]
) -> None:
    given = response(types.Part(text="Hm.", thought=True), call(COUNT, "a"), call(CREDITS, "b"), call(COUNT))
    before = given.model_copy(deep=True)
    own, told = answer(registry, given)
    assert given.candidates
    assert own is given.candidates[0].content
    assert given == before
    assert (own.role, told.role) == ("model", "user")
    responses = [part.function_response for part in told.parts or ()]
    assert [(one.id, one.name) for one in responses if one] == [("a", COUNT), ("b", CREDITS), (None, COUNT)]
    assert [list(one.response or ()) for one in responses if one] == [["output"], ["error"], ["output"]]


def test_without_calls_there_is_the_content_alone(
    registry: ToolRegistry, answer: Callable[..., list[types.Content]]
) -> None:
    (own,) = answer(registry, response(types.Part(text="Done.")))
    assert own.parts == [types.Part(text="Done.")]


@pytest.mark.parametrize(
    "blocked",
    [
        response(),
        response(types.Part()),
        types.GenerateContentResponse(candidates=[types.Candidate(content=types.Content(role="model"))]),
        types.GenerateContentResponse(),
        types.GenerateContentResponse(candidates=[]),
        types.GenerateContentResponse(candidates=[types.Candidate(finish_reason=types.FinishReason.SAFETY)]),
    ],
    ids=["no parts", "an empty part", "null", "none", "empty", "blocked"],
)
def test_a_response_without_content_gives_nothing_to_append(
    registry: ToolRegistry, answer: Callable[..., list[types.Content]], blocked: types.GenerateContentResponse
) -> None:
    assert answer(registry, blocked) == []


def test_a_call_without_a_name_is_a_result(
    registry: ToolRegistry, answer: Callable[..., list[types.Content]], openrouter_sandbox: Sandbox
) -> None:
    _, told = answer(registry, response(call(None, "a")))
    assert told.parts
    (part,) = told.parts
    assert part.function_response
    assert "no action" in (part.function_response.response or {})["error"]
    assert openrouter_sandbox.requests == []


def test_calls_are_made_at_once(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, answer: Callable[..., list[types.Content]]
) -> None:
    silent = call("OPENROUTER_CREATE_CHAT_COMPLETION", args=SILENT)
    answer(registry, response(*[silent] * 10), timeout=1)
    requests = openrouter_sandbox.requests
    wait_until(lambda: all(request.closed_at for request in requests))
    assert len(requests) == 10
    assert max(request.received_at for request in requests) < min(request.closed_at or 0 for request in requests)


def test_a_wrong_timeout_is_the_programmers_mistake(
    registry: ToolRegistry, answer: Callable[..., list[types.Content]]
) -> None:
    with pytest.raises(ValueError, match="timeout must be a positive number"):
        answer(registry, response(call(COUNT)), timeout=0)
