"""Spans and metrics by OpenTelemetry's GenAI conventions, with its own SDK."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.metrics import _internal as metrics_internal
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from openrouter_toolkit import MemoryAccounts, ToolCall, ToolRegistry
from openrouter_toolkit.execution import telemetry_attributes
from openrouter_toolkit.sandbox import Sandbox

from ..timing import wait_until

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
MODEL = "acme/atlas-small"
MANIFEST = Path(__file__).parents[1] / "echo_toolkit" / "manifest.yaml"


def asking(model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "What is 17 * 3?"}], **more}


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture(scope="module")
def tracers(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def spans(exporter: InMemorySpanExporter, tracers: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The toolkit's spans that have ended; the provider is the process's for this test."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", tracers)
    exporter.clear()

    def spans() -> list[ReadableSpan]:
        scope = "openrouter_toolkit"
        return [span for span in exporter.get_finished_spans() if (span.instrumentation_scope or span).name == scope]

    return spans


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The points of each metric, by its name."""
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics_internal, "_METER_PROVIDER", MeterProvider([reader]))

    def measured() -> dict[str, list[Any]]:
        data = reader.get_metrics_data()
        scopes = [scope for resource in (data.resource_metrics if data else ()) for scope in resource.scope_metrics]
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}

    return measured


@pytest.fixture
def registry(openrouter_sandbox: Sandbox) -> Iterator[ToolRegistry]:
    with ToolRegistry.from_manifest(client_options={"max_attempts": 1}) as registry:
        yield registry


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_completion_is_a_span_of_a_chat(registry: ToolRegistry, spans: Any) -> None:
    envelope = registry.execute(CHAT, asking(temperature=0, max_tokens=50, stop="END", seed=7), user_id="default")
    (span,) = spans()
    assert (span.name, span.kind, span.status.status_code) == (f"chat {MODEL}", SpanKind.CLIENT, StatusCode.UNSET)
    found = attributes(span)
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.system": "openrouter",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.response.id": envelope.generation_id,
        "gen_ai.response.model": MODEL,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "openrouter_toolkit.action": CHAT,
        "openrouter_toolkit.cost": 7.25e-06,
        "user.id": "default",
    }


def test_messages_and_text_completions_have_their_own_names(registry: ToolRegistry, spans: Any) -> None:
    registry.execute("OPENROUTER_CREATE_MESSAGE", asking(max_tokens=50))
    registry.execute("OPENROUTER_CREATE_COMPLETION", {"model": MODEL, "prompt": "What is 17 * 3?", "n": 2})
    message, completion = spans()
    assert message.name == f"chat {MODEL}"
    assert attributes(message)["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert attributes(message)["gen_ai.usage.input_tokens"] > 0
    assert completion.name == f"text_completion {MODEL}"
    assert attributes(completion)["gen_ai.request.choice.count"] == 2
    assert attributes(completion)["gen_ai.response.finish_reasons"] == ("stop", "stop")


def test_any_other_action_is_a_tool(registry: ToolRegistry, spans: Any) -> None:
    registry.execute("OPENROUTER_GET_CURRENT_KEY")
    (span,) = spans()
    assert (span.name, span.kind) == ("execute_tool OPENROUTER_GET_CURRENT_KEY", SpanKind.INTERNAL)
    assert attributes(span)["gen_ai.tool.name"] == "OPENROUTER_GET_CURRENT_KEY"
    assert "openrouter_toolkit.cost" not in attributes(span)


def test_another_toolkit_has_its_own_name(spans: Any) -> None:
    with ToolRegistry.from_manifest(MANIFEST) as registry:
        slug = next(iter(registry.actions))
        registry.execute(slug, {})
    (span,) = spans()
    assert span.name == f"execute_tool {slug}"
    assert attributes(span)["gen_ai.provider.name"] == registry.toolkit.slug.lower() != "openrouter"


@pytest.mark.parametrize(
    ("slug", "arguments", "name", "error"),
    [
        (CHAT, asking("sandbox/no-credits"), "chat sandbox/no-credits", "payment_required"),
        (CHAT, {}, "chat", "invalid_arguments"),
        (CHAT, [1], "chat", "invalid_arguments"),
        ("OPENROUTER_NOTHING", {}, "execute_tool", "unknown_action"),
    ],
)
def test_a_failure_has_its_type(
    registry: ToolRegistry, spans: Any, slug: str, arguments: Any, name: str, error: str
) -> None:
    registry.execute(slug, arguments)
    (span,) = spans()
    assert (span.name, attributes(span)["error.type"]) == (name, error)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)


def test_the_caller_s_span_is_the_parent_in_every_way_of_calling(
    registry: ToolRegistry, spans: Any, tracers: TracerProvider
) -> None:
    with tracers.get_tracer("host").start_as_current_span("agent") as parent:
        registry.execute(CHAT, asking())
        list(registry.stream(CHAT, asking()))
        asyncio.run(registry.execute_async(CHAT, asking()))
        registry.call_tools([ToolCall("call_1", CHAT, asking()), ToolCall("call_2", CHAT, asking())])
    assert len(spans()) == 5
    assert {(span.parent.span_id, span.context.trace_id) for span in spans()} == {
        (parent.get_span_context().span_id, parent.get_span_context().trace_id)
    }


def test_what_a_call_does_happens_inside_its_span(openrouter_sandbox: Sandbox, spans: Any) -> None:
    seen = []

    def before(action: Any, arguments: dict[str, Any], user_id: str) -> dict[str, Any]:
        seen.append(trace.get_current_span().get_span_context().span_id)
        return {**arguments, "model": "acme/oracle-r1"}

    with ToolRegistry.from_manifest(before_execute=before) as registry:
        registry.execute(CHAT, asking())
    (span,) = spans()
    assert seen == [span.context.span_id]
    assert span.name == "chat acme/oracle-r1"


def test_a_stream_s_span_ends_with_it_and_knows_the_first_chunk(
    registry: ToolRegistry, spans: Any, measured: Any
) -> None:
    events = iter(registry.stream(CHAT, asking()))
    next(events)
    list(events)
    registry.execute(CHAT, asking(stream=True))  # without a listener
    for span in spans():
        waited = attributes(span)["gen_ai.response.time_to_first_chunk"]
        assert 0 < waited < (span.end_time - span.start_time) / 1e9
        assert attributes(span)["gen_ai.request.stream"] is True
    (point,) = measured()["gen_ai.client.operation.time_to_first_chunk"]
    assert point.count == len(spans()) == 2


def test_a_stream_that_is_left_is_a_cancelled_call(registry: ToolRegistry, spans: Any) -> None:
    with registry.stream(CHAT, asking("sandbox/silent")) as events:
        next(event for event in events if event.kind == "text")
        assert spans() == []
    wait_until(lambda: bool(spans()))
    (span,) = spans()
    assert attributes(span)["error.type"] == "cancelled"
    assert attributes(span)["gen_ai.response.time_to_first_chunk"] > 0


def test_contents_are_there_only_where_the_environment_asks(
    registry: ToolRegistry, spans: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    spoken = [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": None, "tool_calls": [_called()]},
        {"role": "tool", "tool_call_id": "call_1", "content": "12"},
        {"role": "user", "content": [{"type": "text", "text": "What is 17 * 3? sk-or-v1-" + "5" * 64}]},
    ]
    for value in ("", "false", "EVENT_ONLY", "true", "SPAN_ONLY"):
        monkeypatch.setenv(CAPTURE, value)
        registry.execute(CHAT, {"model": MODEL, "messages": spoken, "tools": tools})
    *without, true, span_only = map(attributes, spans())
    for found in without:
        assert "17 * 3" not in json.dumps(found)
        assert not [name for name in found if name.endswith(("messages", "definitions", "instructions"))]
    for found in (true, span_only):
        assert json.loads(found["gen_ai.input.messages"]) == [
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "call_1", "name": "f", "arguments": "{}"}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "12"}]},
            {"role": "user", "parts": [{"type": "text", "content": "What is 17 * 3? [redacted]"}]},
        ]
        (message,) = json.loads(found["gen_ai.output.messages"])
        assert (message["role"], message["finish_reason"]) == ("assistant", "stop")
        assert message["parts"][0]["type"] == "text"
        assert json.loads(found["gen_ai.tool.definitions"]) == tools


def _called() -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def test_contents_of_tools_and_of_prompts(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, spans: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, "true")
    registry.execute("OPENROUTER_LIST_PROVIDERS", {"x_title": "mine"})
    registry.execute("OPENROUTER_CREATE_COMPLETION", {"model": MODEL, "prompt": "Hello"})
    registry.execute("OPENROUTER_CREATE_MESSAGE", asking(system="Be brief.", max_tokens=9))
    tool, completion, message = map(attributes, spans())
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"x_title": "mine"}
    assert "Acme AI" in tool["gen_ai.tool.call.result"]
    assert json.loads(completion["gen_ai.input.messages"])[0]["parts"] == [{"type": "text", "content": "Hello"}]
    assert json.loads(message["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert openrouter_sandbox.api_key not in json.dumps([tool, completion, message])


def test_metrics(registry: ToolRegistry, measured: Any) -> None:
    registry.execute(CHAT, asking())
    registry.execute(CHAT, asking())
    registry.execute("OPENROUTER_NOTHING")
    found = measured()
    model = {"gen_ai.request.model": MODEL, "gen_ai.response.model": MODEL}
    chat = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openrouter", **model}
    tokens = {point.attributes["gen_ai.token.type"]: point for point in found["gen_ai.client.token.usage"]}
    assert {kind: (point.sum, point.count) for kind, point in tokens.items()} == {"input": (8, 2), "output": (10, 2)}
    assert dict(tokens["input"].attributes) == {**chat, "gen_ai.token.type": "input"}
    assert tokens["input"].explicit_bounds[:3] == (1, 4, 16)
    ended, unknown = found["gen_ai.client.operation.duration"]
    assert (dict(ended.attributes), ended.count) == (chat, 2)
    assert unknown.attributes["error.type"] == "unknown_action"
    assert "gen_ai.tool.name" not in unknown.attributes
    (cost,) = found["openrouter_toolkit.cost"]
    assert cost.value == pytest.approx(1.45e-05)
    assert "gen_ai.client.operation.time_to_first_chunk" not in found


def test_without_a_provider_nothing_is_computed(registry: ToolRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_attributes, "common", None)
    assert registry.execute(CHAT, asking()).successful


def test_asked_for_the_trace_is_sent_along(openrouter_sandbox: Sandbox, tracers: TracerProvider, spans: Any) -> None:
    accounts = MemoryAccounts({user: {"api_key": openrouter_sandbox.api_key} for user in ("alice", "default")})
    token = context.attach(baggage.set_baggage("session.id", "session 1"))
    try:
        with (
            ToolRegistry.from_manifest(accounts=accounts, fill_trace=True) as registry,
            tracers.get_tracer("host").start_as_current_span("agent"),
        ):
            registry.execute(CHAT, asking(trace={"trace_name": "mine"}), user_id="alice")
            registry.execute(CHAT, asking(session_id="mine", user="bob"), user_id="alice")
            assert registry.execute("OPENROUTER_GET_CURRENT_KEY").successful
            registry.execute(CHAT, asking())
    finally:
        context.detach(token)
    first, second, _, third = (request.body for request in openrouter_sandbox.requests)
    span = spans()[0].context
    assert first["trace"] == {
        "trace_id": trace.format_trace_id(span.trace_id),
        "parent_span_id": trace.format_span_id(span.span_id),
        "trace_name": "mine",
    }
    assert (first["session_id"], first["user"]) == ("session 1", "alice")
    assert (second["session_id"], second["user"]) == ("mine", "bob")
    assert "user" not in third


def test_what_the_action_would_refuse_is_not_filled_in(openrouter_sandbox: Sandbox, spans: Any) -> None:
    token = context.attach(baggage.set_baggage("session.id", "s" * 1000))
    try:
        with ToolRegistry.from_manifest(fill_trace=True) as registry:
            assert registry.execute(CHAT, asking()).successful
    finally:
        context.detach(token)
    assert "session_id" not in openrouter_sandbox.requests[0].body


def test_not_asked_for_nothing_is_sent_along(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, tracers: TracerProvider, spans: Any
) -> None:
    with tracers.get_tracer("host").start_as_current_span("agent"):
        registry.execute(CHAT, asking())
    assert not {"trace", "session_id", "user"} & openrouter_sandbox.requests[-1].body.keys()


def test_a_start_and_a_call_do_not_import_it(openrouter_sandbox: Sandbox) -> None:
    program = (
        "import sys; from openrouter_toolkit import ToolRegistry; registry = ToolRegistry.from_manifest();"
        "registry.tools(); assert registry.execute('OPENROUTER_GET_CURRENT_KEY').successful;"
        "print([name for name in sys.modules if 'opentelemetry' in name or 'telemetry' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
