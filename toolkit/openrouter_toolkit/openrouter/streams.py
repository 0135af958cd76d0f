"""A streamed answer, read event by event, handed on as it arrives, and put together."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from urllib3 import BaseHTTPResponse

from ..call import Listener
from ..envelope import ActionError, as_json
from ..redaction import redact, redact_thoroughly
from ..wording import quoted
from . import answers, errors
from .keys_kept_back import KeysKeptBack
from .sse import EventParser
from .stream_events import StreamEvent
from .transport import Exchange

_log = logging.getLogger("openrouter_toolkit")

_PIECE = 64 * 1024
# Behind the reason why the answer ended only usage is due, in seconds at the most.
_PATIENCE_BEHIND_THE_REASON = 10.0
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


def read(exchange: Exchange, response: BaseHTTPResponse, assembly: Assembly, limit: int, key: str = "") -> str:
    """The assembled answer as compact JSON; none of the account's keys stands in an event, should one be echoed.

    Raises:
        ActionError: an error in the stream, a cut connection, a deadline, a cancellation, a listener that raised;
            with `partial` holding what had arrived.
    """
    listener = exchange.call.on_event
    secrets = {key, *exchange.call.secrets}
    listening = None if listener is None else KeysKeptBack(partial(_tell, listener), secrets)
    try:
        _read_events(exchange, response, assembly, limit, secrets, listening)
        if listening is not None:
            listening.end()
    except ActionError as error:
        response.close()
        if listening is not None and error.type != "cancelled":
            with suppress(ActionError):
                listening.end(failed=True)
        if assembly.started:
            error.partial = assembly.result()
        raise
    except BaseException:
        response.close()
        raise
    _let_go(exchange, response)
    return _compact(assembly.result())


def _read_events(
    exchange: Exchange,
    response: BaseHTTPResponse,
    assembly: Assembly,
    limit: int,
    secrets: Collection[str],
    listening: KeysKeptBack | None,
) -> None:
    parser = EventParser()
    size = 0
    while True:
        piece = _next_piece(exchange, response, assembly)
        size += len(piece)
        if size > limit:
            raise answers.too_large(limit)
        for name, data in parser.feed(piece) if piece else parser.close():
            if data == "[DONE]":
                if not assembly.finished:
                    raise _cut("The stream ended without saying why (no finish_reason).")
                return
            redacted = redact(data, secrets)
            clean = _parsed(redacted, assembly, whole=bool(piece))
            if clean is None:
                continue
            # One key may go on like another, and that is seen only in the texts as they came.
            event = clean if redacted == data else json.loads(data)
            told = _take(event, clean, name, response, assembly, listened=listening is not None)
            if listening is not None:
                listening.hand_on(told, data)
            if assembly.ends(event):
                return
        if not piece:
            break
        if assembly.finished:
            exchange.patience(_PATIENCE_BEHIND_THE_REASON)
    if not assembly.finished:
        raise exchange.call.ending() or _cut("The connection was cut before the answer was complete.")


def _next_piece(exchange: Exchange, response: BaseHTTPResponse, assembly: Assembly) -> bytes:
    """The bytes that arrive next, none at the end. A connection that breaks behind the end does no harm."""
    try:
        with exchange.failures_told():
            return response.read1(_PIECE)
    except ActionError as error:
        if assembly.finished and exchange.call.ending() is None:
            return b""
        if error.type != "connection_failed":
            raise
        raise _cut("The connection was cut before the answer was complete.") from None


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
    clean: dict[str, Any],
    name: str,
    response: BaseHTTPResponse,
    assembly: Assembly,
    *,
    listened: bool,
) -> list[StreamEvent]:
    """Take in one event; what a listener is to be told of it. `clean` is the event without keys, for failures."""
    if name == "error" or event.get("type") == "error":
        raise errors.from_event(clean, response.status, response.headers)
    try:
        assembly.add({key: value for key, value in event.items() if key != "error"} if "error" in event else event)
        told = list(assembly.events(event, name)) if listened else []
    except (TypeError, AttributeError, LookupError, ValueError, RecursionError):
        raise ActionError(
            "invalid_response",
            "An event of the stream has a shape that is not known.",
            "OpenRouter's stream held an event of a shape that is not known. What came before it is in partial. "
            "Call again; if it stays so, use another model, or the call without streaming.",
        ) from None
    answers.raise_if_error(clean, response.status, response.headers)
    return told


def _tell(listener: Listener, event: StreamEvent) -> None:
    try:
        listener(event)
    except ActionError:
        raise  # it says itself why
    except Exception as error:  # noqa: BLE001 - whatever it raises, it no longer listens
        kind = type(error).__name__
        _log.warning("on_event raised, so the stream was closed\n%s", redact_thoroughly(traceback.format_exc(), ()))
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
    try:
        text = json.dumps(result, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):  # half a surrogate pair, or a number that JSON does not have
        return as_json(result)
    return text
