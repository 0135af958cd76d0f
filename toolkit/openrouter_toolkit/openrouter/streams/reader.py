"""Read a streamed answer: parse its events, pass them to the listener, and assemble the answer."""

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

_READ_SIZE = 64 * 1024
_decode = json.JSONDecoder().raw_decode
_EVENTS_BETWEEN_CHECKS = 64
# No real event has more values. Each takes time and memory, however short it is, and the deadline is not checked while
# an event is parsed. An event with fewer characters can't have as many.
_MAX_VALUES = 500_000
# The exceptions that a part of an event with an unexpected type can cause.
_WRONG_TYPES = (TypeError, AttributeError, LookupError, ValueError, RecursionError)
# The data that servers and proxies send to keep a connection alive.
_KEEP_ALIVE = frozenset(("ping", "heartbeat", "keepalive", "keep-alive", "openrouter processing"))
# Maximum wait, in seconds, after the finish reason, when only usage is missing.
_USAGE_TIMEOUT = 10.0
# Maximum wait, in seconds, for the end of the transfer after the last event; then the connection is closed.
_END_TIMEOUT = 0.25


def read(
    exchange: Exchange,
    response: BaseHTTPResponse,
    accumulator: StreamAccumulator,
    limit: int,
    key: str = "",
    *,
    body: Body | None = None,
) -> str:
    """The assembled answer as compact JSON. If the stream echoes one of the account's keys, events don't contain it.

    `body` is the response's body, if its beginning was read already.

    Raises:
        ActionError: an error in the stream, an interrupted connection, the deadline, a cancellation, or a listener
            that raised; `partial` is the answer as far as it had arrived.
    """
    listener = exchange.call.on_event
    secrets = longest_first({key, *exchange.call.secrets})
    redactor = None if listener is None else StreamRedactor(partial(_notify, listener), secrets)
    body = body or Body(exchange, response, limit)
    reader = _Reader(exchange, response, body, accumulator, secrets, redactor)
    try:
        reader.read()
        if redactor is not None:
            redactor.end()
        result = accumulator.result()
        accumulator.check(result)
    except ActionError as error:
        response.close()
        if redactor is not None and error.type != "cancelled":
            with suppress(ActionError):
                redactor.end(failed=True)
        if accumulator.started:
            error.partial = accumulator.result()
        raise
    except BaseException:
        response.close()
        raise
    _release(exchange, response)
    return _compact_json(result)


class _Reader:
    """Reads one stream to its end."""

    def __init__(
        self,
        exchange: Exchange,
        response: BaseHTTPResponse,
        body: Body,
        accumulator: StreamAccumulator,
        secrets: Sequence[str],
        redactor: StreamRedactor | None,
    ) -> None:
        self._exchange = exchange
        self._response = response
        self._body = body
        self._accumulator = accumulator
        self._secrets = secrets
        self._redactor = redactor

    def read(self) -> None:
        """Process all events. Raises `ActionError` if the stream fails or is incomplete."""
        accumulator = self._accumulator
        parser = EventParser()
        check = self._exchange.call.check
        while True:
            piece = self._next_piece()
            for number, (name, data) in enumerate(_parse_events(parser, piece)):
                if number % _EVENTS_BETWEEN_CHECKS == _EVENTS_BETWEEN_CHECKS - 1:
                    check()  # a small compressed piece can contain thousands of events
                if data == "[DONE]":
                    if accumulator.missing_end:
                        raise _interrupted(f"The stream ended without saying why ({accumulator.missing_end}).")
                    return
                if (data or name) and self._process(name, data, complete=bool(piece)):
                    return
            if not piece:
                break
            if accumulator.finished:
                self._exchange.set_read_timeout(_USAGE_TIMEOUT)
        if not accumulator.finished:
            if accumulator.started and not accumulator.missing_end:
                accumulator.check(accumulator.result())  # its error may be more specific
            raise _interrupted("The connection was cut before the answer was complete.")

    def _next_piece(self) -> bytes:
        """The next bytes, empty at the end. A connection that breaks after a complete answer is ignored."""
        try:
            return self._body.piece()
        except ActionError as error:
            if error.type != "invalid_response" and self._accumulator.finished and self._exchange.call.ending() is None:
                return b""
            if error.type != "connection_failed":
                raise
            raise _interrupted("The connection was cut before the answer was complete.") from None

    def _process(self, name: str, data: str, *, complete: bool) -> bool:
        """Process one event and pass it to the listener; returns whether it is the last one."""
        if len(data) > _MAX_VALUES and data.count(",") > _MAX_VALUES:
            raise _unknown_shape()
        event = self._parse(name, data, complete=complete)
        if event is None:
            return False
        clean = event
        if holds_secret(data, self._secrets):
            # One key may be the prefix of another, which shows only in the original texts: so those are assembled.
            clean = json.loads(redact(as_json(event), self._secrets))
        response = self._response
        if name == "error" or event.get("type") == "error":
            raise api_errors.from_event(clean, response.status, response.headers)
        try:
            self._accumulator.add(event)
        except _WRONG_TYPES:
            response_parsing.raise_if_error(clean, response.status, response.headers)
            raise _unknown_shape() from None
        response_parsing.raise_if_error(clean, response.status, response.headers)
        if self._redactor is not None:
            self._redactor.forward(self._listener_events(event, name), data)
        return self._accumulator.ends(event)

    def _listener_events(self, event: dict[str, Any], name: str) -> list[StreamEvent]:
        """The listener's events; kind `other` if a part of the event has a type that a listener does not expect."""
        try:
            return list(self._accumulator.events(event, name))
        except _WRONG_TYPES:
            return [StreamEvent("other", raw=event)]

    def _parse(self, name: str, data: str, *, complete: bool) -> dict[str, Any] | None:
        """The event's JSON object; None for an empty event, and for data after the end of the answer."""
        try:
            event, end = _decode(data)  # as json.loads, but without stripping white space
        except (ValueError, RecursionError):
            end = -1
        if end != len(data):
            event = _load_json(data)
        if isinstance(event, dict):
            return event
        if self._accumulator.finished or _is_keep_alive(data):
            return None
        if not complete and event is None:
            raise _interrupted("The connection was cut before the answer was complete.")
        response_parsing.raise_if_error(event, self._response.status, self._response.headers)
        if name == "error":
            return {"error": {"message": event if isinstance(event, str) else data}}
        raise ActionError(
            "invalid_response",
            "An event of the stream is not a JSON object.",
            f"OpenRouter's stream held an event that is not a JSON object: {quoted(data[:400], 80)}. What came before "
            "it is in partial. Call again.",
            retryable=True,
        )


def _parse_events(parser: EventParser, piece: bytes) -> list[tuple[str, str]]:
    try:
        return parser.feed(piece) if piece else parser.close()
    except TooManyLinesError:
        raise _unknown_shape() from None


def _load_json(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _is_keep_alive(data: str) -> bool:
    """Whether the data only keeps the connection alive."""
    text = data.strip()
    return not text or text.startswith(":") or text.strip("[]").lower() in _KEEP_ALIVE


def _unknown_shape() -> ActionError:
    return ActionError(
        "invalid_response",
        "An event of the stream has a shape that is not known.",
        "OpenRouter's stream held an event of a shape that is not known. What came before it is in partial. "
        "Call again; if it stays so, use another model, or the call without streaming.",
    )


def _notify(listener: Listener, event: StreamEvent) -> None:
    try:
        listener(event)
    except ActionError:
        raise  # it has its own explanation
    except Exception as error:  # noqa: BLE001 - any exception ends the listening
        kind = type(error).__name__
        _log.warning("on_event raised, so the stream was closed\n%s", redact_thoroughly(traceback.format_exc(), ()))
        raise ActionError(
            "cancelled",
            f"on_event raised {kind}, so the stream was closed.",
            f"Whoever listened to the stream stopped ({kind}), so it was closed. What had arrived is in partial.",
        ) from None


def _interrupted(message: str) -> ActionError:
    return ActionError(
        "connection_failed",
        message,
        advice="What had arrived is in partial. It may have been billed: OPENROUTER_GET_GENERATION tells the "
        "cost by generation_id. Call again, or go on from what is there.",
        retryable=True,
        sent=True,
    )


def _release(exchange: Exchange, response: BaseHTTPResponse) -> None:
    """Read the end of the transfer, so that the connection can be reused, or close it."""
    exchange.set_read_timeout(_END_TIMEOUT)
    try:
        for _ in range(8):
            if not response.read1(_READ_SIZE):
                return
    except Exception:  # noqa: BLE001, S110 - the answer is complete already
        pass
    with suppress(Exception):
        response.close()


def _compact_json(result: dict[str, Any]) -> str:
    try:
        text = json.dumps(result, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):  # half a surrogate pair, or a number that JSON does not have
        return as_json(result)
    return text
