"""Request ids: each answer names one, and so do the log and the ledger; a client's or a proxy's own is kept."""

from __future__ import annotations

import json
import logging
import re

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from openrouter_toolkit.commands.log_format import JsonFormatter, TextFormatter

from .served import CHAT, KEY, QUESTION, Served

OWN = re.compile(r"req_[0-9a-f]{20}")


@pytest.mark.parametrize("path", ["/", "/healthz", "/login", "/nothing", "/api/tools", "/mcp", "/api/v3.1/toolkits"])
def test_every_answer_has_one(shared: Served, path: str) -> None:
    with shared.client() as nobody:
        first, second = (nobody.get(path).headers["x-request-id"] for _ in range(2))
    assert OWN.fullmatch(first)
    assert first != second


def test_composio_s_errors_name_the_same(shared: Served) -> None:
    with shared.client() as nobody:
        answer = nobody.get("/api/v3.1/toolkits", headers={"X-Request-Id": "from-the-proxy"})
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"] == "from-the-proxy"


@pytest.mark.parametrize(
    "sent", ["", "a b", "x" * 101, "é".encode().decode("latin-1"), "<b>", "sk-or-v1-abc", "ort_abc", 'a"b']
)
def test_what_is_no_id_is_replaced(shared: Served, sent: str) -> None:
    with shared.client() as nobody:
        answer = nobody.get("/healthz", headers={b"X-Request-Id": sent.encode("latin-1")})
    assert OWN.fullmatch(answer.headers["x-request-id"])


def test_the_log_and_the_ledger_name_it(shared: Served, caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith(CHAT):
                lines.extend((JsonFormatter().format(record), TextFormatter().format(record)))

    handler, logger = Lines(), logging.getLogger("openrouter_toolkit")
    logger.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, "openrouter_toolkit"), shared.client(shared.token("alice")) as host:
            answer = host.post(f"/api/actions/{CHAT}", json={"arguments": QUESTION})
    finally:
        logger.removeHandler(handler)
    request_id = answer.headers["x-request-id"]
    as_json, as_text = lines
    facts = json.loads(as_json)
    assert facts["request_id"] == request_id
    assert facts["message"] == "call"
    assert (facts["action"], facts["user"], facts["status"]) == (CHAT, "alice", "ok")
    assert facts["cost"] == json.loads(answer.json()["data"])["usage"]["cost"]
    assert "17 * 3" not in as_json
    assert as_text.endswith(f"[{request_id}]")
    assert shared.state.ledger.flush()
    assert shared.state.ledger.calls(limit=1).calls[0].request_id == request_id


def test_a_caller_s_span_is_the_parent_of_the_call_s(shared: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    provider, spans = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    with provider.get_tracer("a host's").start_as_current_span("agent") as parent:
        context = parent.get_span_context()
    sent = f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}-01"
    with shared.client(shared.token("alice"), traceparent=sent) as host:
        assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]
    (span,) = [one for one in spans.get_finished_spans() if one.name.startswith("execute_tool")]
    assert span.parent is not None
    assert (span.context.trace_id, span.parent.span_id) == (context.trace_id, context.span_id)
