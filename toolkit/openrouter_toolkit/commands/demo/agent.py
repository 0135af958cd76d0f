"""The demo's agent: a model that is given the toolkit's tools, and works a request off by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .walk import STRANGE_SHAPE, TIMEOUT, Surprise, strange

if TYPE_CHECKING:
    from ...manifest import Action
    from ...registry import ToolRegistry
    from .walk import Walk

TOOLS = ("OPENROUTER_LIST_AVAILABLE_MODELS", "OPENROUTER_CREATE_CHAT_COMPLETION")
_MAX_TOKENS = 300  # of one answer: a tool call takes more than a few words
_ROUNDS = 6


def frugal(action: Action, arguments: dict[str, Any], user_id: str) -> dict[str, Any] | None:  # noqa: ARG001
    """A `before_execute` hook: no answer that the model asks for is longer than its own."""
    return {**arguments, "max_tokens": _MAX_TOKENS} if action.definition.annotations.costsMoney else None


def work_off(walk: Walk, toolset: ToolRegistry, model: str, request: str) -> None:
    """Let the model call tools until it answers in words, and show each round.

    Raises:
        Surprise: the model could not be asked, answered without a single tool call or not at all, or found no end.
    """
    conversation: list[dict[str, Any]] = [{"role": "user", "content": request}]
    asked = {"model": model, "max_tokens": _MAX_TOKENS, "tools": toolset.tools("openai")}
    for number in range(1, _ROUNDS + 1):
        answer = walk.complete({**asked, "messages": conversation})
        try:
            message = answer["choices"][0]["message"]
            words = str(message.get("content") or "").strip()
            calls = [dict(call["function"]) for call in message.get("tool_calls") or ()]
            appended = toolset.handle_tool_calls(answer, timeout=TIMEOUT)
        except STRANGE_SHAPE as error:
            raise strange(model, error) from None
        if not calls:
            _end(walk, model, words, number)
            return
        conversation += appended
        walk.screen.round(number, "the model calls tools" if len(calls) > 1 else "the model calls a tool", words)
        for function, result in zip(calls, appended[1:], strict=True):
            walk.count(result["content"])
            walk.screen.tool_call(str(function.get("name")), str(function.get("arguments") or ""), result["content"])
    raise Surprise(f"{model} was still calling tools after {_ROUNDS} rounds")


def _end(walk: Walk, model: str, words: str, number: int) -> None:
    if not words:
        raise Surprise(f"{model} called no tool and said nothing")
    walk.screen.round(number, "the model answers in words", words)
    if number == 1:
        raise Surprise(f"{model} answered without calling a tool")
