"""What the server counts, for Prometheus: calls, what they cost, requests, and how much room is left."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from http.server import HTTPServer

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, start_http_server
from prometheus_client.exposition import choose_encoder
from starlette.datastructures import Headers
from starlette.responses import Response

from .. import __version__
from ..execution.call_record import CallRecord
from .error_responses import Problem
from .limits import mark_refused

_PREFIX = "openrouter_toolkit"
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
# Models are named by answers; more of them than this would be a mistake, and cost Prometheus a series each.
_MAX_MODELS = 500
_OTHER = "other"
_UNKNOWN_ACTION = "unknown"

router = APIRouter(include_in_schema=False)


class Metrics:
    """The metrics of one application. Safe to use from many threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info(_PREFIX, "The version that runs.", registry=self._registry).info({"version": __version__})
        self._calls = self._counter("calls", "Calls of actions, by their outcome.", "action", "status")
        self._seconds = Histogram(
            f"{_PREFIX}_call_seconds",
            "How long calls took, without those that were refused before anything was sent.",
            ["action"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._tokens = self._counter("tokens", "Tokens of models' answers.", "model", "direction")
        self._cost = self._counter(
            "cost_dollars", "What answers cost, in US dollars, rounded; the ledger has it exactly.", "model"
        )
        self._unpriced = self._counter("unpriced_calls", "Answers of models that did not say their cost.", "model")
        self._requests = self._counter("http_requests", "Requests, by the part of the server.", "area", "status")
        self._models: set[str] = set()
        self._models_lock = threading.Lock()

    def call_ended(self, record: CallRecord) -> None:
        """Count a call."""
        action = _UNKNOWN_ACTION if record.action is None else record.action.slug
        self._calls.labels(action, record.error_type or "ok").inc()
        if record.executed is not None and record.account_id is not None:
            self._seconds.labels(action).observe(record.seconds)
        answer = record.answer
        if answer is None or not answer.successful:
            return
        model = self._model(answer.model)
        for direction, count in zip(("input", "output"), record.tokens, strict=True):
            if count:
                self._tokens.labels(model, direction).inc(count)
        if answer.cost is None:
            self._unpriced.labels(model).inc()
        else:
            self._cost.labels(model).inc(float(answer.cost))

    def answered(self, area: str, status: int) -> None:
        """Count a request whose answer begins."""
        self._requests.labels(area, status).inc()

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is asked for whenever the metrics are read."""
        Gauge(f"{_PREFIX}_{name}", description, registry=self._registry).set_function(value)

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics in the text format that a reader accepts, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def serve(self, host: str, port: int) -> HTTPServer:
        """Serve the metrics alone, without a token. Raises `OSError` if the address can't be used."""
        server, _ = start_http_server(port, host, self._registry)
        return server

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", description, labels, registry=self._registry)

    def _model(self, name: str | None) -> str:
        """Return the label for a model."""
        if not name:
            return _OTHER
        if name not in self._models:
            with self._models_lock:
                if len(self._models) >= _MAX_MODELS:
                    return _OTHER
                self._models.add(name)
        return name


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Answer with the metrics, where the operator has set a token for them."""
    state = request.app.state.hosted
    wanted: str | None = state.settings.metrics_token
    if wanted is None:
        raise Problem(404)
    headers = Headers(scope=request.scope)
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), wanted.encode()):
        mark_refused(request)
        raise Problem(401, "The metrics have a token of their own.", {"WWW-Authenticate": "Bearer"})
    text, media_type = state.metrics.text(headers.get("accept", ""))
    return Response(text, media_type=media_type)
