"""Reads the tool calls of a model's answer, and writes their results as messages, in each vendor's format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..answer import Format, ToolCall, format_of, mappings, message_in, tool_calls_in
from ..envelope import Envelope
from . import streamed_answers


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a tool call.

    Attributes:
        call: the call.
        text: the text for the model: the answer, as a summary if the action has one, or the error.
        envelope: the full answer.
    """

    call: ToolCall
    text: str
    envelope: Envelope

    @property
    def failed(self) -> bool:
        """Whether the call failed."""
        return not self.envelope.successful


def read(response: Any) -> tuple[Format, dict[str, Any], list[ToolCall]]:
    """Return the format of an answer, the answer as a dict, and its tool calls. A stream is read to its end.

    Raises:
        TypeError: it is not an answer of OpenAI's chat completions or responses, or of Anthropic's messages.
        ActionError: a stream broke off.
    """
    if streamed_answers.is_stream(response):
        return _read_streamed(streamed_answers.put_together(response, _as_dict))
    answer = _as_dict(response)
    found = format_of(answer)
    if found is None:
        raise TypeError(
            "wanted the answer of OpenAI's chat completions or responses, or of Anthropic's messages, "
            f"as the SDK's object or its dict, or its stream, not {type(response).__name__}"
        )
    return found, answer, tool_calls_in(answer)


async def read_async(response: Any) -> tuple[Format, dict[str, Any], list[ToolCall]]:
    """`read` for async code, also for streams for `async for`; another stream is read in a thread."""
    if streamed_answers.is_async(response):
        return _read_streamed(await streamed_answers.put_together_async(response, _as_dict))
    if not streamed_answers.is_stream(response):
        return read(response)
    import asyncio

    return await asyncio.to_thread(read, response)


def _read_streamed(answer: dict[str, Any]) -> tuple[Format, dict[str, Any], list[ToolCall]]:
    found = cast(Format, format_of(answer))
    return found, streamed_answers.sendable(answer), tool_calls_in(answer)


def messages(format_name: Format, answer: dict[str, Any], results: list[ToolResult]) -> list[dict[str, Any]]:
    """Return the messages for the conversation: the assistant's own, unchanged, and the results."""
    return _MESSAGES[format_name](answer, results)


def _as_dict(response: Any) -> dict[str, Any]:
    """Convert the SDK's object to a dict with all fields, including those unknown to the SDK, without nulls."""
    if isinstance(response, Mapping):
        return dict(response)
    dump = getattr(response, "model_dump", None)
    if dump is None:
        return {}
    dumped: dict[str, Any] = dump(exclude_none=True, mode="json", warnings=False)
    return dumped


def _openai_messages(answer: dict[str, Any], results: list[ToolResult]) -> list[dict[str, Any]]:
    message = {k: v for k, v in message_in(answer).items() if v is not None or k == "content"}
    appended = [{"role": "tool", "tool_call_id": result.call.id, "content": result.text} for result in results]
    return [message, *appended] if message else appended


def _responses_messages(answer: dict[str, Any], results: list[ToolResult]) -> list[dict[str, Any]]:
    output = [{name: value for name, value in item.items() if value is not None} for item in mappings(answer["output"])]
    appended = [{"type": "function_call_output", "call_id": r.call.id, "output": r.text} for r in results]
    return [*output, *appended]


def _anthropic_messages(answer: dict[str, Any], results: list[ToolResult]) -> list[dict[str, Any]]:
    message = {"role": "assistant", "content": answer["content"]}
    appended = [
        {"type": "tool_result", "tool_use_id": result.call.id, "content": result.text, "is_error": result.failed}
        for result in results
    ]
    return [message, {"role": "user", "content": appended}] if appended else [message]


_MESSAGES: dict[Format, Callable[[dict[str, Any], list[ToolResult]], list[dict[str, Any]]]] = {
    "openai": _openai_messages,
    "openai-responses": _responses_messages,
    "anthropic": _anthropic_messages,
}
