"""Calls a second that servers answer from one process, beside LiteLLM's proxy; upstream and load are other processes.

    PYTHONPATH=. python benchmarks/server.py [ENVIRONMENTS]

ENVIRONMENTS is the folder in which `make bench` has made the environments of the contenders; without it the toolkit is
measured alone. The variables CONNECTIONS (1,16,64,200,512), ROUNDS (3) and SECONDS_A_ROUND (4) change what is measured;
PROFILE=1 also prints the servers' process ids.
"""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from canned_server import start

CONNECTIONS = tuple(map(int, os.environ.get("CONNECTIONS", "1,16,64,200,512").split(",")))
SECONDS = float(os.environ.get("SECONDS_A_ROUND", "4"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
WARM_UP = 1.0
PATIENCE = 60.0
TOKENS = 4
LIMITS = ["--calls-per-minute", "1000000", "--connections-per-address", "2000", "--worker-threads", "2000"]
BODY = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hello there"}]}
OWN = {**os.environ, "NO_PROXY": "127.0.0.1"}
PREPARE = f"""
from openrouter_toolkit.store import Store
with Store.open() as store:
    store.accounts.connect("OPENROUTER", "alice", {{"api_key": "sk-or-v1-benchmark"}})
    for number in range({TOKENS}):
        print(store.tokens.create("benchmark", ["alice"])[1])
"""
T = TypeVar("T")
SQLITE, POSTGRESQL, LITELLM = "this toolkit on SQLite", "this toolkit on PostgreSQL", "LiteLLM's proxy"


class Target(NamedTuple):
    """A running server: its process, and the requests that it is sent in turn."""

    process: int
    address: tuple[str, int]
    requests: list[bytes]
    expected: bytes


class Load(NamedTuple):
    """What is sent: by so many connections, as fast as they get answers, or so many calls a second in all."""

    connections: int
    rate: float | None = None


class Result(NamedTuple):
    """What a round measured: calls a second, the server's CPU time for each, and latencies, all in milliseconds."""

    rate: float
    cpu: float
    p50: float
    p99: float


Contender = Callable[[str], AbstractContextManager[Target]]


class Client(asyncio.Protocol):
    """A connection that sends its request again after each answer, or when it is due."""

    def __init__(self, request: bytes, expected: bytes, latencies: list[float], interval: float | None) -> None:
        self._request = request
        self._expected = expected
        self._latencies = latencies
        self._interval = interval
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._due = time.perf_counter()
        self._send()

    def _send(self) -> None:
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """After an answer's last byte, send the next request when it is due; if it was due before, it has waited."""
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]):
            return
        assert self._expected in body, self._got[:2000]
        now = time.perf_counter()
        self._latencies.append(now - self._due)
        self._got = b""
        self._due = now if self._interval is None else self._due + self._interval
        if self._due <= now:
            self._send()
        else:
            asyncio.get_running_loop().call_later(self._due - now, self._send)


def cpu_seconds(process: int) -> float:
    """The CPU time that a process has used."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def send(target: Target, load: Load) -> Result:
    """Keep the load on a server for a while."""
    latencies = list[float]()
    interval = None if load.rate is None else load.connections / load.rate
    for number in range(load.connections):
        request = target.requests[number % len(target.requests)]
        client = partial(Client, request, target.expected, latencies, interval)
        await asyncio.get_running_loop().create_connection(client, *target.address)
        await asyncio.sleep(0 if load.rate is None else 1 / load.rate)
    while len(latencies) < load.connections:
        await asyncio.sleep(WARM_UP)
    latencies.clear()
    begun, used = time.perf_counter(), cpu_seconds(target.process)
    await asyncio.sleep(SECONDS)
    seconds, used, done = time.perf_counter() - begun, cpu_seconds(target.process) - used, sorted(latencies)
    p50, p99 = (done[len(done) * share // 100] * 1000 for share in (50, 99))
    return Result(len(done) / seconds, used / len(done) * 1000, p50, p99)


def in_own_process(work: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T:
    """What a load generator measures, in a process of its own; it may take so many seconds."""
    results: multiprocessing.Queue[T] = multiprocessing.Queue()
    generator = multiprocessing.Process(target=lambda: results.put(asyncio.run(work())))
    generator.start()
    try:
        return results.get(timeout=seconds + PATIENCE)
    finally:
        generator.terminate()


def measure(contender: Contender, upstream: str, load: Load) -> Result:
    """Start a server, and put load on it from a process of its own."""
    with contender(upstream) as target:
        if os.environ.get("PROFILE"):
            print(target.process, flush=True)
        return in_own_process(partial(send, target, load), SECONDS)


def measure_in_turn(contenders: Mapping[str, Contender], upstream: str, load: Load) -> dict[str, Result]:
    """The medians of some rounds of each."""
    results: dict[str, list[Result]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            results[name].append(measure(contender, upstream, load))
    return {name: Result(*map(statistics.median, zip(*rounds, strict=True))) for name, rounds in results.items()}


@contextmanager
def toolkit(
    new_database: Callable[[], str] | None, upstream: str, arguments: Mapping[str, object] = BODY
) -> Iterator[Target]:
    """The toolkit's server on a fresh store."""
    with tempfile.TemporaryDirectory() as folder:
        own = {
            **OWN,
            "OPENROUTER_TOOLKIT_DATABASE": new_database() if new_database else f"sqlite:///{folder}/store.db",
            "OPENROUTER_TOOLKIT_MASTER_KEY": base64.b64encode(os.urandom(32)).decode(),
            "OPENROUTER_BASE_URL": upstream,
            "XDG_DATA_HOME": folder,
        }
        prepared = subprocess.run([sys.executable, "-c", PREPARE], env=own, check=True, capture_output=True, text=True)
        command = [str(Path(sys.executable).with_name("openrouter-toolkit")), "serve", "--port", "0", *LIMITS]
        with subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            assert server.stdout is not None
            parts = urlsplit(server.stdout.readline().strip())
            path = "/api/actions/OPENROUTER_CREATE_CHAT_COMPLETION"
            requests = [
                _request(path, parts.netloc, token, {"arguments": arguments}) for token in prepared.stdout.split()
            ]
            try:
                yield Target(server.pid, (parts.hostname or "", parts.port or 0), requests, b'"successful": true')
            finally:
                server.terminate()


@contextmanager
def litellm(environments: Path, upstream: str) -> Iterator[Target]:
    """LiteLLM's proxy with one model and one key, without a database."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        parameters = {"model": f"openai/{BODY['model']}", "api_base": upstream, "api_key": "sk-or-v1-benchmark"}
        settings = {
            "model_list": [{"model_name": BODY["model"], "litellm_params": parameters}],
            "general_settings": {"master_key": "sk-benchmark"},
        }
        file = Path(folder, "config.yaml")
        file.write_text(json.dumps(settings))
        own = {**OWN, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"}
        command = [str(environments / "litellm" / "bin" / "litellm"), "--config", str(file)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        nothing = subprocess.DEVNULL
        with subprocess.Popen(command, env=own, cwd=folder, stdout=nothing, stderr=nothing) as server:
            try:
                _wait_for(port)
                request = _request("/v1/chat/completions", f"127.0.0.1:{port}", "sk-benchmark", BODY)
                yield Target(server.pid, ("127.0.0.1", port), [request], b'"choices"')
            finally:
                server.terminate()


def _request(path: str, host: str, token: str, body: object) -> bytes:
    text = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    )
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


def _wait_for(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def contenders(environments: Path | None) -> Iterator[dict[str, Contender]]:
    """The servers that can be measured here: PostgreSQL and LiteLLM's proxy only where they are installed."""
    from tests.postgresql import NoPostgreSQL, PostgreSQL

    found: dict[str, Contender] = {SQLITE: partial(toolkit, None)}
    with ExitStack() as stack:
        with suppress(NoPostgreSQL):
            postgresql = PostgreSQL(log_statements=False)
            stack.callback(postgresql.close)
            found[POSTGRESQL] = partial(toolkit, postgresql.new_database)
        if environments is not None:
            found[LITELLM] = partial(litellm, environments)
        yield found


def compare(environments: Path | None) -> Iterator[tuple[Load, dict[str, Result]]]:
    """The results by load: as fast as possible with 1 to 512 connections, and at half of the toolkit's maximum."""
    process, upstream = start()
    best = 0.0
    try:
        with contenders(environments) as found:
            for connections in CONNECTIONS:
                results = measure_in_turn(found, upstream, Load(connections))
                best = max(best, results[SQLITE].rate)
                yield Load(connections), results
            half = Load(64, best / 2)
            own = {name: contender for name, contender in found.items() if name != LITELLM}
            yield half, measure_in_turn(own, upstream, half)
    finally:
        process.terminate()


def main() -> None:
    """Print the table."""
    for load, results in compare(Path(sys.argv[1]).absolute() if sys.argv[1:] else None):
        for name, result in results.items():
            sent = f"{load.connections:4} connections" + (f", {load.rate:.0f} calls/s sent" if load.rate else "")
            latency = f"p50 {result.p50:6.1f} ms   p99 {result.p99:6.1f} ms"
            print(f"{sent} {result.rate:7.0f} calls/s   CPU {result.cpu:5.2f} ms   {latency}   {name}", flush=True)


if __name__ == "__main__":
    main()
