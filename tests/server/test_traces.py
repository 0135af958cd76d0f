"""Traces: whoever sets a tracer up gets no one-time link in its spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace

from openrouter_toolkit.store import Store

from .served import serving
from .test_mcp import ACCEPT, LIST


class Recorder(trace.TracerProvider):
    """Remembers what is told of every span."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def get_tracer(self, *args: Any, **more: Any) -> trace.Tracer:
        return Tracer(self.told)


class Tracer(trace.NoOpTracer):
    def __init__(self, told: list[str]) -> None:
        self._told = told

    def start_span(self, *args: Any, **more: Any) -> trace.Span:
        self._told.append(f"{args} {more}")
        return Span(self._told)

    @contextmanager
    def start_as_current_span(self, *args: Any, **more: Any) -> Iterator[trace.Span]:  # type: ignore[override]
        yield self.start_span(*args, **more)


class Span(trace.NonRecordingSpan):
    def __init__(self, told: list[str]) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self._told = told

    def is_recording(self) -> bool:
        return True

    def set_attribute(self, key: str, value: Any) -> None:
        self._told.append(f"{key} {value}")

    def set_attributes(self, attributes: Any) -> None:
        self._told.append(str(attributes))


def test_no_link_is_in_a_span(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", recorder)
    with serving(store) as served:
        link = served.login_link()
        with served.client() as browser, served.client(served.token("alice"), **ACCEPT) as model:
            assert browser.get(f"{link}?again").status_code == 200
            assert model.post("/mcp", json=LIST).status_code == 200
    assert "tools/list" in "\n".join(recorder.told)  # MCP's own span: it does record
    assert link.rpartition("/")[2] not in "\n".join(recorder.told)
