"""A streamed answer, read event by event, handed on as it arrives, and put together."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from urllib3 import BaseHTTPResponse

from ...call import Listener
from ...envelope import ActionError, as_json
from ...http.body import Body
from ...http.sse import EventParser, TooManyLinesError
from ...http.transport import Exchange
from ...text.redaction import holds_secret, longest_first, redact, redact_thoroughly
from ...text.sanitize import quoted
from .. import response_parsing
from ..errors import api_errors
from .accumulator import StreamAccumulator
from .events import StreamEvent
from .stream_redaction import StreamRedactor

_log = logging.getLogger("openrouter_toolkit")

_PIECE = 64 * 1024
_decode = json.JSONDecoder().raw_decode
_EVENTS_BETWEEN_CHECKS = 64
# More values than this no event has. Each takes time and memory, however short it is, and nothing looks at the clock
# inside of an event. A shorter event can't have many.
_MOST_VALUES = 500_000
# What a part of an event raises whose type is not what it is taken for.
_WRONG_TYPES = (TypeError, AttributeError, LookupError, ValueError, RecursionError)
# What servers and proxies send as data to keep a connection alive.
_KEEP_ALIVE = frozenset(("ping", "heartbeat", "keepalive", "keep-alive", "openrouter processing"))
# Behind the reason why the answer ended only usage is due, in seconds at the most.
_PATIENCE_BEHIND_THE_REASON = 10.0
# Behind the last event only the end of the transfer is due. A connection that does not end this soon is closed.
_PATIENCE_AT_THE_END = 0.25


def read(
    exchange: Exchange,
    response: BaseHTTPResponse,
    accumulator: StreamAccumulator,
    limit: int,
    key: str = "",
    *,
    body: Body | None = None,
) -> str:
    """The assembled answer as compact JSON; none of the account's keys stands in an event, should one be echoed.

    `body` is the response's body where its beginning has been read already.

    Raises:
        ActionError: an error in the stream, a cut connection, a deadline, a cancellation, a listener that raised;
            with `partial` holding what had arrived.
    """
    listener = exchange.call.on_event
    secrets = longest_first({key, *exchange.call.secrets})
    listening = None if listener is None else StreamRedactor(partial(_tell, listener), secrets)
    body = body or Body(exchange, response, limit)
    reader = _Reader(exchange, response, body, accumulator, secrets, listening)
    try:
        reader.read()
        if listening is not None:
            listening.end()
        result = accumulator.result()
        accumulator.check(result)
    except ActionError as error:
        response.close()
        if listening is not None and error.type != "cancelled":
            with suppress(ActionError):
                listening.end(failed=True)
        if accumulator.started:
            error.partial = accumulator.result()
        raise
    except BaseException:
        response.close()
        raise
    _let_go(exchange, response)
    return _compact(result)


class _Reader:
    """Reads one stream to its end."""

    def __init__(
        self,
        exchange: Exchange,
        response: BaseHTTPResponse,
        body: Body,
        accumulator: StreamAccumulator,
        secrets: Sequence[str],
        listening: StreamRedactor | None,
    ) -> None:
        self._exchange = exchange
        self._response = response
        self._body = body
        self._assembly = accumulator
        self._secrets = secrets
        self._listening = listening

    def read(self) -> None:
        """Take in all events. Raises `ActionError` when the stream does not come to a good end."""
        accumulator = self._assembly
        parser = EventParser()
        check = self._exchange.call.check
        while True:
            piece = self._next_piece()
            for number, (name, data) in enumerate(_events_of(parser, piece)):
                if number % _EVENTS_BETWEEN_CHECKS == _EVENTS_BETWEEN_CHECKS - 1:
                    check()  # a small compressed piece holds thousands of events
                if data == "[DONE]":
                    if accumulator.missing_end:
                        raise _cut(f"The stream ended without saying why ({accumulator.missing_end}).")
                    return
                if (data or name) and self._take(name, data, whole=bool(piece)):
                    return
            if not piece:
                break
            if accumulator.finished:
                self._exchange.set_read_timeout(_PATIENCE_BEHIND_THE_REASON)
        if not accumulator.finished:
            if accumulator.started and not accumulator.missing_end:
                accumulator.check(accumulator.result())  # it may say better what is missing
            raise _cut("The connection was cut before the answer was complete.")

    def _next_piece(self) -> bytes:
        """The bytes that arrive next, none at the end. A connection that breaks after the end does no harm."""
        try:
            return self._body.piece()
        except ActionError as error:
            if error.type != "invalid_response" and self._assembly.finished and self._exchange.call.ending() is None:
                return b""
            if error.type != "connection_failed":
                raise
            raise _cut("The connection was cut before the answer was complete.") from None

    def _take(self, name: str, data: str, *, whole: bool) -> bool:
        """Take in one event and hand it on; whether nothing can come after it."""
        if len(data) > _MOST_VALUES and data.count(",") > _MOST_VALUES:
            raise _unknown_shape()
        event = self._parsed(name, data, whole=whole)
        if event is None:
            return False
        clean = event
        if holds_secret(data, self._secrets):
            # One key may go on like another, and that is seen only in the texts as they came: those are assembled.
            clean = json.loads(redact(as_json(event), self._secrets))
        response = self._response
        if name == "error" or event.get("type") == "error":
            raise api_errors.from_event(clean, response.status, response.headers)
        try:
            self._assembly.add(event)
        except _WRONG_TYPES:
            response_parsing.raise_if_error(clean, response.status, response.headers)
            raise _unknown_shape() from None
        response_parsing.raise_if_error(clean, response.status, response.headers)
        if self._listening is not None:
            self._listening.hand_on(self._heard(event, name), data)
        return self._assembly.ends(event)

    def _heard(self, event: dict[str, Any], name: str) -> list[StreamEvent]:
        """The event as a listener gets it; one that is kept, but of no type that a listener expects, as it came."""
        try:
            return list(self._assembly.events(event, name))
        except _WRONG_TYPES:
            return [StreamEvent("other", raw=event)]

    def _parsed(self, name: str, data: str, *, whole: bool) -> dict[str, Any] | None:
        """The event's object; None for an event with nothing in it, and for what comes after the answer's end."""
        try:
            event, end = _decode(data)  # what json.loads calls, without looking for white space around
        except (ValueError, RecursionError):
            end = -1
        if end != len(data):
            event = _loaded(data)
        if isinstance(event, dict):
            return event
        if self._assembly.finished or _says_nothing(data):
            return None
        if not whole and event is None:
            raise _cut("The connection was cut before the answer was complete.")
        response_parsing.raise_if_error(event, self._response.status, self._response.headers)
        if name == "error":
            return {"error": {"message": event if isinstance(event, str) else data}}
        raise ActionError(
            "invalid_response",
            "An event of the stream is no JSON object.",
            f"OpenRouter's stream held an event that is no JSON object: {quoted(data[:400], 80)}. What came before it "
            "is in partial. Call again.",
            retryable=True,
        )


def _events_of(parser: EventParser, piece: bytes) -> list[tuple[str, str]]:
    try:
        return parser.feed(piece) if piece else parser.close()
    except TooManyLinesError:
        raise _unknown_shape() from None


def _loaded(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _says_nothing(data: str) -> bool:
    """Whether it is only there to keep the connection alive."""
    text = data.strip()
    return not text or text.startswith(":") or text.strip("[]").lower() in _KEEP_ALIVE


def _unknown_shape() -> ActionError:
    return ActionError(
        "invalid_response",
        "An event of the stream has a shape that is not known.",
        "OpenRouter's stream held an event of a shape that is not known. What came before it is in partial. "
        "Call again; if it stays so, use another model, or the call without streaming.",
    )


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
    exchange.set_read_timeout(_PATIENCE_AT_THE_END)
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
