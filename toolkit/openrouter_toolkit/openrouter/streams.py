"""A streamed answer, read event by event, handed on as it arrives, and put together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Protocol

from urllib3 import BaseHTTPResponse

from ..call import Listener
from ..envelope import ActionError
from ..wording import quoted
from . import answers
from .sse import EventParser
from .stream_events import StreamEvent
from .transport import Exchange

_PIECE = 64 * 1024
# Behind the last event only the end of the transfer is due. A connection that does not end this soon is closed.
_PATIENCE_AT_THE_END = 0.25


class Assembly(Protocol):
    """What puts a stream's events together: `ChatStream` and `MessageStream`."""

    @property
    def started(self) -> bool:
        """Whether anything has arrived."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the answer is complete."""
        ...

    def ends(self, event: dict[str, Any]) -> bool:
        """Whether nothing can come after this event."""
        ...

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        ...

    def result(self) -> dict[str, Any]:
        """The answer as far as it has arrived."""
        ...

    def events(self, event: dict[str, Any], name: str) -> Iterator[StreamEvent]:
        """The event as a listener gets it."""
        ...


def read(exchange: Exchange, response: BaseHTTPResponse, assembly: Assembly, limit: int) -> str:
    """The assembled answer as compact JSON.

    Raises:
        ActionError: an error in the stream, a cut connection, a deadline, a cancellation, a listener that raised;
            with `partial` holding what had arrived.
    """
    try:
        _read_events(exchange, response, assembly, limit)
    except ActionError as error:
        response.close()
        if assembly.started:
            error.partial = assembly.result()
        raise
    except BaseException:
        response.close()
        raise
    _let_go(exchange, response)
    return _compact(assembly.result())


def _read_events(exchange: Exchange, response: BaseHTTPResponse, assembly: Assembly, limit: int) -> None:
    parser = EventParser()
    size = 0
    while True:
        with exchange.failures_told():
            piece = response.read1(_PIECE)
        size += len(piece)
        if size > limit:
            raise answers.too_large(limit)
        for name, data in parser.feed(piece) if piece else parser.close():
            if data == "[DONE]":
                if not assembly.finished:
                    raise _cut("The stream ended without saying why (no finish_reason).")
                return
            event = _parsed(data, assembly, whole=bool(piece))
            if event is None:
                continue
            _take(event, name, response, assembly, exchange.call.on_event)
            if assembly.ends(event):
                return
        if not piece:
            break
    if not assembly.finished:
        raise exchange.call.ending() or _cut("The connection was cut before the answer was complete.")


def _parsed(data: str, assembly: Assembly, *, whole: bool) -> dict[str, Any] | None:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if isinstance(event, dict):
        return event
    if assembly.finished:
        return None  # what comes behind the end of the answer does not matter
    if not whole:
        raise _cut("The connection was cut before the answer was complete.")
    raise ActionError(
        "invalid_response",
        "An event of the stream is no JSON object.",
        f"OpenRouter's stream held an event that is no JSON object: {quoted(data[:400], 80)}. What came before it "
        "is in partial. Call again.",
        retryable=True,
    )


def _take(
    event: dict[str, Any],
    name: str,
    response: BaseHTTPResponse,
    assembly: Assembly,
    listener: Listener | None,
) -> None:
    error = event.get("error")
    if error or name == "error":
        assembly.add({key: value for key, value in event.items() if key != "error"})
    else:
        assembly.add(event)
    answers.raise_if_error(event, response.status, response.headers)
    if listener is not None:
        for told in assembly.events(event, name):
            _tell(listener, told)


def _tell(listener: Listener, event: StreamEvent) -> None:
    try:
        listener(event)
    except Exception as error:  # noqa: BLE001 - whatever it raises, it no longer listens
        kind = type(error).__name__
        raise ActionError(
            "cancelled",
            f"on_event raised {kind}, so the stream was closed.",
            f"Whoever listened to the stream stopped ({kind}), so it was closed. What had arrived is in partial.",
        ) from None


def _cut(message: str) -> ActionError:
    return ActionError(
        "connection_failed",
        message,
        f"{message} What had arrived is in partial. It may have been billed: OPENROUTER_GET_GENERATION tells the "
        "cost by generation_id. Call again, or go on from what is there.",
        retryable=True,
        sent=True,
    )


def _let_go(exchange: Exchange, response: BaseHTTPResponse) -> None:
    """Read the end of the transfer, so that the connection can be used again, or close it."""
    exchange.patience(_PATIENCE_AT_THE_END)
    try:
        for _ in range(8):
            if not response.read1(_PIECE):
                return
    except Exception:  # noqa: BLE001, S110 - the answer is complete, whatever the connection does now
        pass
    with suppress(Exception):
        response.close()


def _compact(result: dict[str, Any]) -> str:
    text = json.dumps(result, separators=(",", ":"), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair: an escape carries it, UTF-8 does not
        return json.dumps(result, separators=(",", ":"))
    return text
