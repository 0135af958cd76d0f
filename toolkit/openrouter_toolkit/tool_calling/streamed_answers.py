"""Puts a streamed answer together, from the chunks or events that OpenAI's and Anthropic's clients iterate over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ..answer import format_of, mappings, message_in
from ..envelope import ActionError
from ..text.sanitize import quoted

if TYPE_CHECKING:
    from ..openrouter.streams.chat_stream import ChatStream
    from ..openrouter.streams.message_stream import MessageStream

# The methods by which helpers of the clients, such as `client.messages.stream`, return what they put together.
_FINAL = ("get_final_completion", "get_final_response", "get_final_message")
# What an assembly adds to an answer, and the helpers of the clients do; no API takes it back.
_ADDED = frozenset(("index", "partial_json", "parsed", "parsed_arguments", "parsed_output"))
_WRONG_TYPES = (TypeError, AttributeError, LookupError, ValueError, RecursionError)

AsDict = Callable[[Any], dict[str, Any]]


def is_stream(response: Any) -> bool:
    """Whether it is something to iterate over, and not an answer or a text."""
    if isinstance(response, Mapping | str | bytes) or hasattr(response, "model_dump"):
        return False
    return hasattr(response, "__iter__") or is_async(response)


def is_async(response: Any) -> bool:
    """Whether it is a stream for `async for`."""
    return hasattr(response, "__aiter__")


def put_together(response: Any, as_dict: AsDict) -> dict[str, Any]:
    """The complete answer of a stream, or of an iterable of its chunks or events.

    Args:
        response: what the chunks come from: objects of an SDK, or dicts.
        as_dict: converts an object of an SDK.

    Raises:
        TypeError: it has no such chunks, or is for `async for`.
        ActionError: the stream ended early or with an error, or has chunks of an unknown form.
    """
    if is_async(response):
        raise TypeError("this stream is for async code: await handle_tool_calls_async(stream)")
    final = _final_method(response)
    if final is not None:
        with _reported_as_cut():
            return _complete(as_dict(final()))
    assembly = _Assembly(response)
    try:
        for chunk in response:
            assembly.add(as_dict(chunk))
    finally:
        getattr(response, "close", _nothing)()
    return _complete(assembly.result())


async def put_together_async(response: Any, as_dict: AsDict) -> dict[str, Any]:
    """`put_together` for a stream of async code."""
    final = _final_method(response)
    if final is not None:
        with _reported_as_cut():
            return _complete(as_dict(await final()))
    assembly = _Assembly(response)
    try:
        async for chunk in response:
            assembly.add(as_dict(chunk))
    finally:
        closing = getattr(response, "aclose", getattr(response, "close", _nothing))()
        if isawaitable(closing):
            await closing
    return _complete(assembly.result())


def sendable(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without what only a stream, or a helper that parses it, adds to its message."""
    match format_of(answer):
        case "openai":
            message = {**_without_added(message_in(answer)), "role": "assistant"}
            if message.get("tool_calls"):
                message["tool_calls"] = [_chat_call(call) for call in mappings(message["tool_calls"])]
            return {**answer, "choices": [{"message": message}]}
        case "openai-responses":
            return {**answer, "output": [_output_item(item) for item in mappings(answer["output"])]}
        case _:
            return {**answer, "content": [_without_added(block) for block in mappings(answer.get("content"))]}


class _Assembly:
    """An answer that grows by chunks of any of the three formats; the first one tells which."""

    def __init__(self, source: Any) -> None:
        self._source = type(source).__name__
        self._parts: ChatStream | MessageStream | _ResponseStream | None = None

    def add(self, chunk: dict[str, Any]) -> None:
        """Add a chunk or an event."""
        if chunk.get("type") == "chunk":  # an event of the helper `client.chat.completions.stream`
            chunk = dict(chunk.get("chunk") or {})
        if chunk.get("error") or chunk.get("type") == "error":
            raise _failed(chunk.get("error") or chunk)
        if self._parts is None:
            self._parts = _parts_for(chunk)
        if self._parts is not None:
            try:
                self._parts.add(chunk)
            except _WRONG_TYPES as error:
                raise _incomplete(f"A part of the stream has an unknown form ({error}).") from None

    def result(self) -> dict[str, Any]:
        """The answer, as far as it has arrived."""
        if self._parts is None:
            raise TypeError(
                "wanted the answer of OpenAI's or Anthropic's client, or its stream, not "
                f"{self._source} without chunks of one. A stream that was read already is empty: keep its chunks in a "
                "list, and give that"
            )
        return self._parts.result()


class _ResponseStream:
    """OpenAI's responses: the last event has the complete answer."""

    def __init__(self) -> None:
        self._response: dict[str, Any] = {}
        self._items: dict[int, Any] = {}

    def add(self, event: dict[str, Any]) -> None:
        """Add an event."""
        if event["type"] == "response.output_item.done":
            self._items[event["output_index"]] = event["item"]
        response = event.get("response")
        if isinstance(response, dict):
            self._response = response
            if event["type"] == "response.failed":
                raise _failed(response.get("error"))

    def result(self) -> dict[str, Any]:
        """The answer; of items that stand in none of its events, the output is made."""
        items = [item for _, item in sorted(self._items.items())]
        return {**self._response, "output": self._response.get("output") or items}


def _parts_for(chunk: dict[str, Any]) -> ChatStream | MessageStream | _ResponseStream | None:
    kind = chunk.get("type")
    if isinstance(chunk.get("choices"), list):
        from ..openrouter.streams.chat_stream import ChatStream

        return ChatStream()
    if isinstance(kind, str) and kind.startswith("response."):
        return _ResponseStream()
    if kind == "message_start":
        from ..openrouter.streams.message_stream import MessageStream

        return MessageStream()
    return None


def _complete(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer; raises `ActionError` if it broke off, since its calls may be incomplete."""
    match format_of(answer):
        case "openai":
            choices = mappings(answer["choices"])
            complete = bool(choices and choices[0].get("finish_reason"))
        case "openai-responses":
            complete = answer.get("status") in ("completed", "incomplete")
        case "anthropic":
            complete = bool(answer.get("stop_reason"))
        case _:
            complete = False
    if not complete:
        raise _incomplete("The stream ended before the answer was complete.", partial=answer)
    return answer


def _incomplete(message: str, **more: Any) -> ActionError:
    advice = "No tool was called. Ask the model again."
    return ActionError("invalid_response", message, advice=advice, retryable=True, **more)


def _failed(error: Any) -> ActionError:
    message = error.get("message") if isinstance(error, Mapping) else error
    return _incomplete(f"The stream ended with an error: {quoted(str(message))}")


@contextmanager
def _reported_as_cut() -> Iterator[None]:
    """The helpers of the clients assert that the answer has arrived."""
    try:
        yield
    except (AssertionError, RuntimeError):
        raise _incomplete("The stream ended before the answer was complete.") from None


def _final_method(response: Any) -> Callable[[], Any] | None:
    """A helper's method that returns what it put together; None for other streams.

    OpenAI's helper joins all texts of OpenRouter's chunks, also such as are no pieces (role, format), so its chunks are
    put together here if it has not been read yet.
    """
    try:
        _ = getattr(response, "current_completion_snapshot", None)
    except AssertionError:  # nothing was read
        return None
    return next((getattr(response, name) for name in _FINAL if hasattr(response, name)), None)


def _nothing() -> None:
    """Close what needs no closing."""


def _without_added(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in _ADDED}


def _chat_call(call: Mapping[str, Any]) -> dict[str, Any]:
    sent = _without_added(call)
    return {**sent, "function": _without_added(sent["function"])} if "function" in sent else sent


def _output_item(item: Mapping[str, Any]) -> dict[str, Any]:
    sent = _without_added(item)
    if item.get("type") == "message":
        sent["content"] = [_without_added(part) for part in mappings(item.get("content"))]
    return sent
