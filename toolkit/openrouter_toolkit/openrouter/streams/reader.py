"""Read a streamed answer: parse its events, pass them to the listener, and assemble the answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, TypeAlias

from urllib3 import BaseHTTPResponse

from ...call import Listener
from ...envelope import ActionError, as_json
from ...http.body import Body
from ...http.sse import BETWEEN, EventParser, TooManyLinesError, events_in, objects_in, parse_at_once
from ...http.transport import Exchange
from ...steps import IN_WORKER, Steps
from ...text.json_text import json_or
from ...text.redaction import redacted_traceback
from ...text.sanitize import quoted
from ..errors import api_errors
from ..response_parsing import raise_if_error
from .chat_stream import ChatStream
from .events import StreamEvent
from .message_stream import MessageStream
from .stream_redaction import StreamRedactor

_log = logging.getLogger("openrouter_toolkit")

_READ_SIZE = 64 * 1024
_CUT = "The connection was cut before the answer was complete."
# Events of so many characters are parsed in a worker thread: it takes several milliseconds.
_MUCH = 64 * 1024
Accumulator: TypeAlias = ChatStream | MessageStream
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
    accumulator: Accumulator,
    limit: int,
    key: str = "",
    *,
    body: Body | None = None,
) -> Steps[str]:
    """The assembled answer as compact JSON. If the stream echoes one of the account's keys, events don't contain it.

    `body` is the response's body, if its beginning was read already. If it is parked, there is a pause before each read
    that would wait, and one for a worker thread before the end.

    Raises:
        ActionError: an error in the stream, an interrupted connection, the deadline, a cancellation, or a listener
            that raised; `partial` is the answer as far as it had arrived.
    """
    listener = exchange.call.on_event
    redactor = None if listener is None else StreamRedactor(partial(_notify, listener), {key, *exchange.call.secrets})
    body = body or Body(exchange, response, limit)
    try:
        yield from _until_end(exchange, response, body, accumulator, redactor)
        if redactor is not None:
            redactor.end()
        result = accumulator.result()
        accumulator.check(result)
    except BaseException as error:
        response.close()
        if isinstance(error, ActionError):
            if redactor is not None and error.type != "cancelled":
                with suppress(ActionError):
                    redactor.end(failed=True)
            if accumulator.started:
                error.partial = accumulator.result()
        raise
    _release(exchange, response)
    return _compact_json(result)


def _until_end(
    exchange: Exchange,
    response: BaseHTTPResponse,
    body: Body,
    accumulator: Accumulator,
    redactor: StreamRedactor | None,
) -> Steps[None]:
    """Read the events, and go on in a worker thread after the last one, or a failure."""
    try:
        yield from _read_events(exchange, response, body, accumulator, redactor)
    except Exception:
        yield from body.in_worker()
        raise
    yield from body.in_worker()


def _read_events(
    exchange: Exchange,
    response: BaseHTTPResponse,
    body: Body,
    accumulator: Accumulator,
    redactor: StreamRedactor | None,
) -> Steps[None]:
    """Add all events to the accumulator. Raises `ActionError` if the stream fails or is incomplete."""
    parser, progress = EventParser(), exchange.call.progress
    while True:
        piece = yield from _next_piece(body, accumulator, exchange)
        text = parser.text(piece) if piece else parser.rest()
        if len(text) > _MUCH and exchange.parked:
            yield IN_WORKER
        is_added = redactor is None and _add_usual(accumulator, text, response)
        ended = not is_added and _add_each(exchange, response, accumulator, redactor, text, complete=bool(piece))
        if progress.first_output is None and accumulator.started:
            progress.first_output = monotonic()
            progress.generated(accumulator.id)
        if ended:
            return
        if not piece:
            break
        if accumulator.finished:
            exchange.set_read_timeout(_USAGE_TIMEOUT)
    if not accumulator.finished:
        if accumulator.started and not accumulator.missing_end:
            accumulator.check(accumulator.result())  # its error may be more specific
        raise _interrupted(_CUT)


def _add_each(
    exchange: Exchange,
    response: BaseHTTPResponse,
    accumulator: Accumulator,
    redactor: StreamRedactor | None,
    text: str,
    *,
    complete: bool,
) -> bool:
    """Add the events of a text one by one, and pass them on; whether the last one of the stream is among them."""
    events = _split_events(text)
    values = _parse_events([data for _, data in events])
    for (name, data), value in zip(events, values, strict=True):
        if data == "[DONE]":
            if accumulator.missing_end:
                raise _interrupted(f"The stream ended without saying why ({accumulator.missing_end}).")
            return True
        event = value
        if type(value) is not dict:
            event = _odd_event(value, name, data, accumulator, response, complete=complete)
        if event is None:
            continue
        _add_or_repeat(accumulator, event, name, data, response)
        if redactor is not None:
            exchange.call.check()  # listeners may be slow, and a piece contain thousands of events
            redactor.forward(_listener_events(accumulator, event, name), data)
        if accumulator.ends(event):
            return True
    return False


def _add_or_repeat(
    accumulator: Accumulator, event: dict[str, Any], name: str, data: str, response: BaseHTTPResponse
) -> None:
    """Add an event, the short way if there is one; raises `ActionError` for an error event."""
    try:
        if name == "error":
            raise api_errors.from_event(event, response.status, response.headers)
        if not accumulator.repeats(event):
            _add(accumulator, event, response, may_hold_error=_may_hold_error(data))
    except _WRONG_TYPES:
        raise _unknown_shape() from None


def _add(accumulator: Accumulator, event: dict[str, Any], response: BaseHTTPResponse, *, may_hold_error: bool) -> None:
    """Add an event; raises `ActionError` for an error in it, after what else is in it was added."""
    if event.get("type") == "error":
        raise api_errors.from_event(event, response.status, response.headers)
    try:
        accumulator.add(event)
    except _WRONG_TYPES:
        raise_if_error(event, response.status, response.headers)
        raise _unknown_shape() from None
    if may_hold_error:
        raise_if_error(event, response.status, response.headers)


def _add_usual(accumulator: Accumulator, text: str, response: BaseHTTPResponse) -> bool:
    """Add all chunks in a text without a look at each, and return True; False, and add none, if one may be unusual."""
    if not text:
        return True
    if type(accumulator) is not ChatStream or len(text) > _MAX_VALUES:
        return False
    events = objects_in(text)
    if events is None:
        return False
    repeats = accumulator.repeats
    may_hold_error: bool | None = None
    try:
        for event in events:
            if not repeats(event):
                if may_hold_error is None:
                    may_hold_error = _may_hold_error(text)
                _add(accumulator, event, response, may_hold_error=may_hold_error)
    except _WRONG_TYPES:
        raise _unknown_shape() from None
    return True


def _may_hold_error(text: str) -> bool:
    """Whether there may be an error in events: every error contains one of these."""
    return "error" in text or "__type" in text or "\\u" in text


def _next_piece(body: Body, accumulator: Accumulator, exchange: Exchange) -> Steps[bytes]:
    """The next bytes, empty at the end. A connection that breaks after a complete answer is ignored."""
    try:
        return (yield from body.next_piece())
    except ActionError as error:
        if error.type != "invalid_response" and accumulator.finished and exchange.call.ending() is None:
            return b""
        if error.type != "connection_failed":
            raise
        raise _interrupted(_CUT) from None


def _split_events(text: str) -> list[tuple[str, str]]:
    try:
        return events_in(text)
    except TooManyLinesError:
        raise _unknown_shape() from None


def _parse_events(texts: Sequence[str]) -> Iterable[Any]:
    """The events' JSON values, None for invalid JSON. All are parsed at once, which is faster, if all are valid."""
    joined = BETWEEN.join(texts)
    values = parse_at_once(joined) if len(joined) < _MAX_VALUES else None
    return map(_parse, texts) if values is None else values


def _parse(data: str) -> Any:
    if len(data) > _MAX_VALUES and data.count(",") > _MAX_VALUES:
        raise _unknown_shape()
    return json_or(data)


def _odd_event(
    event: Any, name: str, data: str, accumulator: Accumulator, response: BaseHTTPResponse, *, complete: bool
) -> dict[str, Any] | None:
    """The event for data that is not a JSON object; None if it is empty, or after the end of the answer."""
    text = data.strip()
    if accumulator.finished or not text or text.startswith(":") or text.strip("[]").lower() in _KEEP_ALIVE:
        return None
    if not complete and event is None:
        raise _interrupted(_CUT)
    raise_if_error(event, response.status, response.headers)
    if name == "error":
        return {"error": {"message": event if isinstance(event, str) else data}}
    raise ActionError(
        "invalid_response",
        "An event of the stream is not a JSON object.",
        f"OpenRouter's stream held an event that is not a JSON object: {quoted(data[:400], 80)}. What came before "
        "it is in partial. Call again.",
        retryable=True,
    )


def _listener_events(accumulator: Accumulator, event: dict[str, Any], name: str) -> list[StreamEvent]:
    """The listener's events; kind `other` if a part of the event has a type that a listener does not expect."""
    try:
        return list(accumulator.events(event, name))
    except _WRONG_TYPES:
        return [StreamEvent("other", raw=event)]


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
        _log.warning("on_event raised, so the stream was closed\n%s", redacted_traceback())
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
