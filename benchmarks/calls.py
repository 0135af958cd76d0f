"""CPU time of executions, as a ratio to a plain requests.Session that makes the same call in the same run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import requests
from canned_server import start

from openrouter_toolkit import MemoryAccounts, ToolRegistry

ROUNDS = 9
KEY = "sk-or-v1-benchmark"
BODY = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hello there"}]}


def cpu(work: Callable[[], object], times: int) -> float:
    """CPU seconds of one call, on average."""
    before = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - before) / times


def compare(name: str, ours: Callable[[], object], theirs: Callable[[], object], times: int, target: float) -> None:
    """Interleaved rounds; prints the ratio of the medians."""
    ours(), theirs()
    rounds = [(cpu(ours, times), cpu(theirs, times)) for _ in range(ROUNDS)]
    mine, plain = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{name:<42} {mine * 1e6:9.0f} µs {plain * 1e6:9.0f} µs   ratio {mine / plain:5.2f}   target {target:.2f}")


def wall(code: str) -> float:
    """Wall seconds of a fresh interpreter that runs the code: the best of some."""
    times = []
    for _ in range(7):
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - before)
    return min(times)


def main() -> None:
    """Print the table."""
    process, base_url = start()
    registry = ToolRegistry.from_manifest(
        accounts=MemoryAccounts({"default": {"api_key": KEY}}), client_options={"base_url": base_url}
    )
    session = requests.Session()
    headers = {"Authorization": f"Bearer {KEY}"}

    def execute(slug: str, arguments: dict[str, Any]) -> Callable[[], object]:
        def work() -> None:
            envelope = registry.execute(slug, arguments)
            assert envelope.successful, envelope.error

        return work

    def plain_stream() -> None:
        with session.post(
            f"{base_url}/chat/completions", json={**BODY, "stream": True}, headers=headers, stream=True
        ) as answer:
            for line in answer.iter_lines():
                if line.startswith(b"data: {"):
                    json.loads(line[6:])

    chat = "OPENROUTER_CREATE_CHAT_COMPLETION"
    hundred = {**BODY, "messages": [{"role": "user", "content": f"Message number {n}"} for n in range(100)]}
    url = f"{base_url}/chat/completions"
    compare(
        "GET credits",
        execute("OPENROUTER_GET_CREDITS", {}),
        lambda: session.get(f"{base_url}/credits", headers=headers).text,
        200,
        0.45,
    )
    compare(
        "POST chat, 1 KB answer",
        execute(chat, BODY),
        lambda: session.post(url, json=BODY, headers=headers).text,
        200,
        0.5,
    )
    compare(
        "POST chat, 100 messages",
        execute(chat, hundred),
        lambda: session.post(url, json=hundred, headers=headers).text,
        100,
        0.65,
    )
    compare(
        "GET models, 700 KB",
        execute("OPENROUTER_LIST_AVAILABLE_MODELS", {}),
        lambda: session.get(f"{base_url}/models", headers=headers).content.decode(),
        40,
        0.6,
    )
    compare("stream of 1,000 events", execute(chat, {**BODY, "stream": True}), plain_stream, 10, 0.9)
    process.terminate()
    yardstick = wall("import requests, jsonschema, pydantic, yaml")
    for name, code, target in (
        (
            'cold start to tools("openai")',
            "import openrouter_toolkit as o; o.ToolRegistry.from_manifest().tools()",
            0.25,
        ),
        ("bare Python", "pass", 0.06),
    ):
        print(f"{name:<42} {wall(code) / yardstick:.2f} of importing the dependencies   target {target:.2f}")


if __name__ == "__main__":
    main()
