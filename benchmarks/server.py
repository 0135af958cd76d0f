"""Calls a second that `openrouter-toolkit serve` answers, with its upstream and the load in processes of their own.

    python benchmarks/server.py [PYTHON ...]

Each PYTHON is the interpreter of an environment with a version of the toolkit; by default this one. Their rounds take
turns, and the ratio is to the first. PROFILE=1 lets one run for a profiler, and prints its process id.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from canned_server import start

CONNECTIONS = tuple(map(int, os.environ.get("CONNECTIONS", "1,16,64,200,512").split(",")))
SECONDS = float(os.environ.get("SECONDS_A_ROUND", "4"))
WARM_UP = 1.0
ROUNDS = int(os.environ.get("ROUNDS", "3"))
TOKENS = 4
LIMITS = ["--calls-per-minute", "1000000", "--connections-per-address", "2000", "--worker-threads", "2000"]
BODY = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hello there"}]}
PREPARE = f"""
from openrouter_toolkit.store import Store
with Store.open() as store:
    store.accounts.connect("OPENROUTER", "alice", {{"api_key": "sk-or-v1-benchmark"}})
    for number in range({TOKENS}):
        print(store.tokens.create("benchmark", ["alice"])[1])
"""


class Result(NamedTuple):
    """What a round measured: calls a second, the server's CPU time for each, and latencies, all in milliseconds."""

    rate: float
    cpu: float
    p50: float
    p99: float


class Client(asyncio.Protocol):
    """A connection that sends its request again after each answer."""

    def __init__(self, request: bytes, latencies: list[float]) -> None:
        self._request = request
        self._latencies = latencies
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._begun = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Send the next request after an answer's last byte."""
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]):
            return
        assert b'"successful": true' in body, self._got[:2000]
        self._latencies.append(time.perf_counter() - self._begun)
        self._got = b""
        self._send()


def cpu_seconds(process: int) -> float:
    """The CPU time that a process has used."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def load(url: str, tokens: list[str], connections: int, server: int) -> Result:
    """Keep as many calls as connections running for a while."""
    body, latencies = json.dumps({"arguments": BODY}).encode(), list[float]()
    parts = urlsplit(url)
    for number in range(connections):
        head = f"POST /api/actions/OPENROUTER_CREATE_CHAT_COMPLETION HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        head += f"Authorization: Bearer {tokens[number % TOKENS]}\r\nContent-Length: {len(body)}\r\n\r\n"
        client = partial(Client, head.encode() + body, latencies)
        await asyncio.get_running_loop().create_connection(client, parts.hostname or "", parts.port or 0)
    while len(latencies) < connections:
        await asyncio.sleep(WARM_UP)
    latencies.clear()
    used = cpu_seconds(server)
    await asyncio.sleep(SECONDS)
    used, done = cpu_seconds(server) - used, sorted(latencies)
    return Result(
        len(done) / SECONDS, used / len(done) * 1000, done[len(done) // 2] * 1000, done[len(done) * 99 // 100] * 1000
    )


def generate(
    results: multiprocessing.Queue[Result], url: str, tokens: list[str], connections: int, server: int
) -> None:
    """Run the load in this process."""
    results.put(asyncio.run(load(url, tokens, connections, server)))


def measure(python: str, upstream: str, connections: int) -> Result:
    """Serve a fresh store with one version of the toolkit, and put load on it."""
    with tempfile.TemporaryDirectory() as folder:
        own = {
            **os.environ,
            "OPENROUTER_TOOLKIT_DATABASE": os.environ.get("DATABASE", f"sqlite:///{folder}/store.db"),
            "OPENROUTER_BASE_URL": upstream,
            "XDG_DATA_HOME": folder,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        prepared = subprocess.run([python, "-c", PREPARE], env=own, check=True, capture_output=True, text=True)
        command = [str(Path(python).with_name("openrouter-toolkit")), "serve", "--port", "0", *LIMITS]
        with subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if os.environ.get("PROFILE"):
                print(server.pid, flush=True)
            results: multiprocessing.Queue[Result] = multiprocessing.Queue()
            generator = multiprocessing.Process(
                target=generate, args=(results, url, prepared.stdout.split(), connections, server.pid)
            )
            generator.start()
            try:
                result = results.get(timeout=SECONDS + 20)
            finally:
                generator.terminate()
                server.terminate()
        return result


def main() -> None:
    """Print the table."""
    pythons = sys.argv[1:] or [sys.executable]
    process, upstream = start()
    for connections in CONNECTIONS:
        rounds = [[measure(python, upstream, connections) for python in pythons] for _ in range(ROUNDS)]
        medians = [Result(*map(statistics.median, zip(*column, strict=True))) for column in zip(*rounds, strict=True)]
        for python, result in zip(pythons, medians, strict=True):
            ratio = result.rate / medians[0].rate
            latency = f"p50 {result.p50:6.1f} ms   p99 {result.p99:6.1f} ms"
            row = f"{connections:4} connections {result.rate:7.0f} calls/s   CPU {result.cpu:5.2f} ms   {latency}"
            print(f"{row}   ratio {ratio:5.2f}   {python if len(pythons) > 1 else ''}", flush=True)
    process.terminate()


if __name__ == "__main__":
    main()
