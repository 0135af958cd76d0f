"""A call as a span and metrics by OpenTelemetry's GenAI conventions.

It is imported only where the host uses OpenTelemetry. Until the host has configured a provider, nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from opentelemetry import baggage, metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from .. import __version__
from ..call import Call
from . import telemetry_attributes as attributes
from .call_record import CallRecord

_SCOPE = ("openrouter_toolkit", __version__)
_SCHEMA = "https://opentelemetry.io/schemas/1.41.0"
# The bounds that the conventions give.
_TOKEN_BOUNDS = [4**power for power in range(14)]
_SECONDS_BOUNDS = [0.01 * 2**power for power in range(14)]
_CHUNK_BOUNDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
# Events that are no part of what the model says.
_NO_CONTENT = ("start", "usage", "end", "other")
_SESSION, _USER = ("session.id", "gen_ai.conversation.id"), ("user.id", "enduser.id")


@contextmanager
def observed(record: CallRecord, call: Call, provider: str) -> Iterator[None]:
    """A context for a call: a span that is current in it, a child of the caller's, and metrics when it has ended.

    `provider` names the API.
    """
    tracers, meters = trace.get_tracer_provider(), metrics.get_meter_provider()
    if not (_configured(tracers) or _configured(meters)):
        yield
        return
    first_chunk = _FirstChunk(record, call) if record.argument("stream") is True else None
    common = attributes.common(record, provider)
    with _tracer(tracers).start_as_current_span(
        attributes.span_name(record),
        kind=SpanKind.INTERNAL if record.operation == "execute_tool" else SpanKind.CLIENT,
        attributes={**common, "gen_ai.system": provider},  # the provider's name until 1.36 of the conventions
        record_exception=False,  # an exception's text may hold contents
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        finally:
            waited = None if first_chunk is None else first_chunk.seconds
            if span.is_recording():
                _end(span, record, waited)
            if _configured(meters):
                _instruments(meters).record(record, common, waited)


def trace_parameters() -> dict[str, Any]:
    """The current span and baggage as a call's parameters `trace`, `session_id` and `user`, as far as there are any."""
    context = trace.get_current_span().get_span_context()
    found: dict[str, Any] = {}
    if context.is_valid:
        span = trace.format_span_id(context.span_id)
        found["trace"] = {"trace_id": trace.format_trace_id(context.trace_id), "parent_span_id": span}
    for name, keys in (("session_id", _SESSION), ("user", _USER)):
        value = next((text for key in keys if (text := baggage.get_baggage(key))), None)
        if value is not None:
            found[name] = str(value)
    return found


class _FirstChunk:
    """A call's listener, which notes when the model began to say something."""

    def __init__(self, record: CallRecord, call: Call) -> None:
        self.seconds: float | None = None
        self._record, self._listener = record, call.on_event
        call.on_event = self

    def __call__(self, event: Any) -> None:
        if self.seconds is None and getattr(event, "kind", None) not in _NO_CONTENT:
            self.seconds = self._record.elapsed()
        if self._listener is not None:
            self._listener(event)


class _Instruments:
    """The metrics of one meter provider."""

    def __init__(self, provider: metrics.MeterProvider) -> None:
        meter = provider.get_meter(*_SCOPE, schema_url=_SCHEMA)

        def histogram(name: str, unit: str, description: str, bounds: list[Any]) -> metrics.Histogram:
            return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=bounds)

        self._tokens = histogram(
            "gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.", _TOKEN_BOUNDS
        )
        self._duration = histogram(
            "gen_ai.client.operation.duration", "s", "GenAI operation duration.", _SECONDS_BOUNDS
        )
        self._first_chunk = histogram(
            "gen_ai.client.operation.time_to_first_chunk", "s", "Time to receive the first chunk.", _CHUNK_BOUNDS
        )
        self._cost = meter.create_counter("openrouter_toolkit.cost", "{USD}", "Cost of calls in US dollars.")

    def record(self, record: CallRecord, common: Mapping[str, Any], waited: float | None) -> None:
        """Record one call that has ended."""
        labels = attributes.labels(record, common)
        ended = {**labels, "error.type": record.error_type} if record.error_type else labels
        self._duration.record(record.elapsed(), ended)
        if waited is not None:
            self._first_chunk.record(waited, labels)
        for kind, count in zip(("input", "output"), record.tokens, strict=True):
            if count is not None:
                self._tokens.record(count, {**labels, "gen_ai.token.type": kind})
        if record.answer is not None and record.answer.cost is not None:
            self._cost.add(float(record.answer.cost), labels)


def _end(span: Span, record: CallRecord, waited: float | None) -> None:
    span.update_name(attributes.span_name(record))
    span.set_attributes(attributes.request(record))
    span.set_attributes(attributes.response(record))
    if waited is not None:
        span.set_attribute("gen_ai.response.time_to_first_chunk", waited)
    if attributes.contents_wanted():
        span.set_attributes(attributes.contents(record))
    if record.error_type is not None:
        span.set_attribute("error.type", record.error_type)
        span.set_status(Status(StatusCode.ERROR))


def _configured(provider: object) -> bool:
    """Whether a provider is the host's, and not the one of the API that does nothing."""
    return not type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))


@lru_cache(maxsize=4)
def _tracer(provider: trace.TracerProvider) -> trace.Tracer:
    return provider.get_tracer(*_SCOPE, schema_url=_SCHEMA)


@lru_cache(maxsize=4)
def _instruments(provider: metrics.MeterProvider) -> _Instruments:
    return _Instruments(provider)
