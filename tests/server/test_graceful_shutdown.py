"""SIGTERM: no new calls, open ones are ended and told, upstream connections closed, the process gone in time."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server import graceful_shutdown
from openrouter_toolkit.store import MasterKey, Store

from ..scale import scaled
from ..timing import PATIENCE, quickest, wait_until
from .served import CHAT, KEY, QUESTION, Process, Served, environment, serving
from .test_events import told

STUBBORN = Path(__file__).parent / "stubborn_toolkit" / "manifest.yaml"
SILENT = {**QUESTION, "model": "sandbox/silent"}
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": CHAT}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
TOOL_CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": CHAT, "arguments": SILENT, "_meta": META},
}
Start = Callable[..., Process]


@pytest.fixture
def start(store: Store, database: str, key: MasterKey, sandbox: Sandbox, tmp_path: Path) -> Iterator[Start]:
    """Start a process on the test's store."""
    started: list[Process] = []

    def start(*options: str, **more: str) -> Process:
        own = environment(database, key.written(), sandbox.base_url, tmp_path, **more)
        started.append(Process(own, *options))
        return started[-1]

    yield start
    for process in started:
        process.end()


def streamed(client: httpx2.Client) -> list[tuple[str, dict[str, Any]]]:
    with client.stream("POST", f"/api/actions/{CHAT}", json={"arguments": {**SILENT, "stream": True}}) as answer:
        return list(told(answer))


def test_everything_that_is_open_is_ended_and_told(start: Start, store: Store, sandbox: Sandbox) -> None:
    token = store.tokens.create("a test's", ["alice"])[1]
    process = start()
    with (
        process.client(token) as streaming,
        process.client(token) as waiting,
        process.client(token, **MODERN, Accept="application/json, text/event-stream") as model,
        process.client() as balancer,
        ThreadPoolExecutor(3) as workers,
    ):
        assert balancer.get("/readyz").status_code == 200
        stream = workers.submit(streamed, streaming)
        plain = workers.submit(waiting.post, f"/api/actions/{CHAT}", json={"arguments": SILENT})
        tool = workers.submit(model.post, "/mcp", json=TOOL_CALL)
        wait_until(lambda: len(sandbox.requests) == 3)
        process.process.send_signal(signal.SIGTERM)
        wait_until(lambda: balancer.get("/readyz").status_code == 503)
        assert balancer.get("/readyz").json() == {"status": "stopping"}
        assert balancer.get("/healthz").status_code == 200
        refused = balancer.post(f"/api/actions/{KEY}", json={}, headers={"Authorization": f"Bearer {token}"})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert process.process.wait(20) == 0
        *_, (last, envelope) = stream.result(PATIENCE)
        answer = plain.result(PATIENCE)
        result = tool.result(PATIENCE)
    assert last == "error"
    for failure in (envelope, answer.json()):
        assert failure["successful"] is False
        assert "The server stopped" in failure["error"]
        assert json.loads(failure["data"])["error"]["type"] == "cancelled"
    assert answer.status_code == 200  # no client repeats it by itself: it may be billed
    assert "The server stopped" in result.text
    wait_until(lambda: all(request.closed_by_client for request in sandbox.requests))


@pytest.mark.load
def test_with_nothing_open_it_is_gone_at_once(start: Start) -> None:
    for number in scaled([signal.SIGTERM], full=[signal.SIGTERM, signal.SIGINT]):
        process = start()
        with process.client() as idle:  # an idle connection holds nobody back
            assert idle.get("/healthz").status_code == 200
            process.process.send_signal(number)
            assert process.process.wait(PATIENCE) == 0
        said = process.end()
        assert "waiting for" not in said
        assert "Traceback" not in said


def test_a_second_ctrl_c_waits_for_nobody(start: Start, store: Store, sandbox: Sandbox) -> None:
    process = start()
    with process.client(store.tokens.create("a test's", ["alice"])[1]) as host, ThreadPoolExecutor(1) as workers:
        call = workers.submit(host.post, f"/api/actions/{CHAT}", json={"arguments": SILENT})
        wait_until(lambda: sandbox.requests)
        begun = time.monotonic()
        for _ in range(2):
            process.process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        assert process.process.wait(9) == 0
        assert time.monotonic() - begun < 10  # the grace without the second
        assert " WARNING waiting for 1 call, at most 10 s; Ctrl-C again ends it at once\n" in process.end()
        assert call.exception(5) is None or isinstance(call.exception(), httpx2.TransportError)


@pytest.mark.parametrize("way", ["api", "2025-11-25", "2026-07-28"])
def test_a_call_that_ends_soon_is_let_end(
    store: Store, sandbox: Sandbox, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    slow = {**QUESTION, "model": "sandbox/slow"}
    body: dict[str, Any] = {"arguments": slow}
    address, headers = f"/api/actions/{CHAT}", {}
    if way != "api":
        headers = {"MCP-Protocol-Version": way, "Accept": "application/json, text/event-stream"}
        params: dict[str, Any] = {"name": CHAT, "arguments": slow}
        if way == "2026-07-28":
            headers, params = {**headers, **MODERN}, {**params, "_meta": META}
        address, body = "/mcp", {**TOOL_CALL, "params": params}
    with (
        serving(store) as served,
        ThreadPoolExecutor(1) as workers,
        served.client(served.token("alice"), **headers) as host,
    ):
        call = workers.submit(host.post, address, json=body)
        wait_until(lambda: sandbox.requests and len(served.state.running))
        served.server.should_exit = True
        assert "51" in call.result(20).text
    assert "ASGI" not in caplog.text


def test_a_thread_that_can_not_be_ended_does_not_keep_the_process(start: Start, store: Store) -> None:
    store.switches.activate("STUBBORN")
    process = start("--manifest", str(STUBBORN), PYTHONPATH=str(STUBBORN.parents[1]))
    with process.client(store.tokens.create("a test's")[1]) as host, ThreadPoolExecutor(1) as workers:
        call = workers.submit(host.post, "/api/actions/STUBBORN_HANG", json={"user_id": "alice"})
        time.sleep(0.5)
        assert not call.done()
        process.process.send_signal(signal.SIGTERM)
        answer = call.result(15)
        assert "The server stopped" in answer.json()["error"]
        process.process.wait(20)


def test_a_server_in_a_thread_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graceful_shutdown, "GRACE", 0.2)
    before = threading.active_count()

    def use(served: Served) -> None:
        with served.client(served.token("alice")) as host:
            assert host.post(f"/api/actions/{KEY}", json={}).json()["successful"]

    for _ in range(3):
        with serving(store) as served:
            use(served)
    wait_until(lambda: threading.active_count() <= before + 1, 15)


def test_small_answers_come_at_once(served: Served) -> None:
    """Nagle's algorithm would hold each back for 40 ms."""
    with served.client() as nobody:
        nobody.get("/healthz")
        took, _ = quickest(lambda: [nobody.get("/healthz") for _ in range(25)], below=0.5)
    assert took < 0.5
