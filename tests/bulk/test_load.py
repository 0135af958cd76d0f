"""Thousands of lines: as fast as the limit of calls at once allows, in memory that does not grow with them."""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.cli import main
from openrouter_toolkit.sandbox import Sandbox

from ..scale import FULL, scaled
from ..timing import quickest
from .conftest import CHAT, question
from .delayed_server import delayed_server

# In full, more calls a second than Python's threads can make without care; else what other tests leave room for.
DELAY = scaled(0.3, full=0.05)
LINES = scaled(128, full=5000)
CONCURRENCY = scaled(16, full=64)


def ideal(base_url: str) -> float:
    """Seconds that the stand-in takes for as many requests from as many threads, which do nothing but send and wait."""
    address = urlsplit(base_url)
    request = b"POST /api/v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    kept = threading.local()

    def ask(_: int) -> None:
        if not hasattr(kept, "socket"):
            kept.socket = opened.enter_context(socket.create_connection((address.hostname, address.port)))
        kept.socket.sendall(request)
        assert kept.socket.recv(65536).startswith(b"HTTP/1.1 200")

    with ExitStack() as opened, ThreadPoolExecutor(CONCURRENCY) as threads:
        took, _ = quickest(lambda: list(threads.map(ask, range(LINES))), below=0, tries=scaled(1, full=2))
    return took


@pytest.mark.load
def test_nine_tenths_of_the_ideal_rate(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text("".join(json.dumps(question()) + "\n" for _ in range(LINES)))
    outputs = iter(range(100))

    def run() -> float:
        output = tmp_path / f"{next(outputs)}.jsonl"
        options = ["--concurrency", str(CONCURRENCY), "--max-cost", "5", "--json"]
        assert main(["bulk", CHAT, str(lines), "--output", str(output), *options]) == 0
        return float(json.loads(capsys.readouterr().out)["seconds"])

    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))  # the tests before this one are over
    with delayed_server(DELAY) as base_url:
        monkeypatch.setenv("OPENROUTER_BASE_URL", base_url)
        monkeypatch.setenv("OPENROUTER_API_KEY", sandbox.api_key)
        monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", f"sqlite:///{tmp_path / 'none.db'}")
        wanted = ideal(base_url) / 0.9
        assert any(run() < wanted for _ in range(4))


@pytest.mark.load
def test_memory_does_not_grow_with_the_lines(tmp_path: Path) -> None:
    def rows(count: int) -> Iterator[dict[str, Any]]:
        return (question("x" * 1000) for _ in range(count))

    def highest(registry: ToolRegistry, count: int) -> int:
        gc.collect()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        output = tmp_path / f"{count}.jsonl"
        assert registry.bulk(CHAT, rows(count), concurrency=16, output=output).finish().complete
        return tracemalloc.get_traced_memory()[1] - before

    accounts = MemoryAccounts({"default": {"api_key": "sk-or-v1-sandbox"}})
    with (
        delayed_server(0.0) as base_url,
        ToolRegistry.from_manifest(accounts=accounts, client_options={"base_url": base_url}) as registry,
    ):
        tracemalloc.start()
        try:
            few = highest(registry, 200)
            many = highest(registry, scaled(600, full=10_000))
        finally:
            tracemalloc.stop()
    a_line = 200 if FULL else 700  # its id; less than its arguments, so lines are not kept
    assert many < few + scaled(400, full=9_800) * a_line
