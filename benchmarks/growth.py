"""How the toolkit's cost grows with the work: CPU time and memory for a few units, and for many.

    python benchmarks/growth.py

Each measurement runs in a process of its own, so that the memory of one is not that of another.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from canned_server import start
from contenders import KEY, MODEL, messages

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
ENOUGH = 0.5  # seconds
CALLS = 2048

MANIFEST = """
toolkit:
  slug: THINGS
  name: Things
  version: "20261124_00"
  description: Many actions.
  categories: [tests]
  links: {website: https://things.example/}
auth: {scheme: NO_AUTH}
actions:"""
DEFINITION = {
    "name": "Get a thing",
    "description": "Returns one thing.",
    "tags": ["things"],
    "annotations": {
        "title": "Get a thing",
        **dict.fromkeys(("readOnlyHint", "idempotentHint"), True),
        **dict.fromkeys(("destructiveHint", "openWorldHint", "costsMoney"), False),
    },
    "input_parameters": {
        "type": "object",
        "properties": {"name": {"type": "string", "description": "Its name."}},
        "additionalProperties": False,
    },
    "output_parameters": {
        "type": "object",
        "properties": {
            "data": {"type": "string"},
            "error": {"type": ["string", "null"]},
            "successful": {"type": "boolean"},
        },
        "required": ["data", "successful"],
        "additionalProperties": False,
    },
}


class Cost(NamedTuple):
    """CPU seconds, and how many MB of memory more it took at its peak."""

    seconds: float
    memory: float


def registry(base_url: str) -> Any:
    """The toolkit, connected to the canned server."""
    from openrouter_toolkit import MemoryAccounts, ToolRegistry

    accounts = MemoryAccounts({"default": {"api_key": KEY}})
    return ToolRegistry.from_manifest(accounts=accounts, client_options={"base_url": base_url})


def actions(count: int, base_url: str) -> Callable[[], object]:
    """Load a manifest of so many actions, and define them for a model."""
    from openrouter_toolkit import ToolRegistry

    folder = Path(tempfile.mkdtemp())
    for number in range(count):
        (folder / f"{number}.json").write_text(json.dumps({"slug": f"THINGS_GET_{number}", **DEFINITION}))
    rows = (f"  - {{schema: {number}.json, handler: 'growth:get_thing'}}" for number in range(count))
    (folder / "manifest.yaml").write_text("\n".join((MANIFEST, *rows)))
    return lambda: ToolRegistry.from_manifest(folder / "manifest.yaml").tools("openai")


def get_thing(arguments: dict[str, Any]) -> str:
    """The handler of the actions."""
    return json.dumps(arguments)


def conversation(count: int, base_url: str) -> Callable[[], object]:
    """A completion of so many messages."""
    toolkit, arguments = registry(base_url), {"model": MODEL, "messages": messages(count)}
    return lambda: toolkit.execute(CHAT, arguments).raise_for_error()


def stream(count: int, base_url: str) -> Callable[[], object]:
    """A stream of so many events."""
    toolkit = registry(base_url)
    arguments = {"model": MODEL, "messages": messages(1), "stream": True, "max_tokens": count}
    return lambda: toolkit.execute(CHAT, arguments).raise_for_error()


def threads(count: int, base_url: str) -> Callable[[], object]:
    """Some thousand completions by so many threads."""
    toolkit, arguments = registry(base_url), {"model": MODEL, "messages": messages(1)}

    def run() -> None:
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            for envelope in pool.map(lambda _: toolkit.execute(CHAT, arguments), range(CALLS)):
                envelope.raise_for_error()

    return run


def tasks(count: int, base_url: str) -> Callable[[], object]:
    """So many `execute_async` at once."""
    toolkit, arguments = registry(base_url), {"model": MODEL, "messages": messages(1)}

    async def run() -> None:
        for envelope in await asyncio.gather(*(toolkit.execute_async(CHAT, arguments) for _ in range(count))):
            envelope.raise_for_error()

    return lambda: asyncio.run(run())


WORKS: dict[str, tuple[Callable[[int, str], Callable[[], object]], tuple[int, ...]]] = {
    "actions in a registry": (actions, (1, 100, 10_000)),
    "messages in a completion": (conversation, (3, 100, 5_000)),
    "events in a stream": (stream, (1_000, 10_000, 100_000)),
    "threads for 2,048 completions": (threads, (1, 16, 64, 512)),
    "completions at once (`execute_async`)": (tasks, (100, 1_000, 10_000)),
}


def units(work: str, count: int) -> int:
    """How many units a work of this size has; threads share the calls."""
    return CALLS if WORKS[work][0] is threads else count


def measure(work: str, count: int) -> Cost:
    """The cost of a work in this process."""
    process, base_url = start(events=count if work == "events in a stream" else 1)
    try:
        run = WORKS[work][0](count, base_url)
        before, begun, times = _memory(), time.process_time(), 0
        while not times or time.process_time() - begun < ENOUGH:
            run()
            times += 1
        return Cost((time.process_time() - begun) / times, _memory() - before)
    finally:
        process.terminate()


def _memory() -> float:
    """The most memory that the process has had, in MB."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1000


def compare() -> Iterator[tuple[str, dict[int, Cost]]]:
    """The costs of each work by the number of its units."""
    for work, (_, counts) in WORKS.items():
        command = [sys.executable, __file__, work]
        done = (subprocess.run([*command, str(count)], check=True, capture_output=True) for count in counts)
        yield work, {count: Cost(*json.loads(one.stdout)) for count, one in zip(counts, done, strict=True)}


def main() -> None:
    """Print the table, or one measurement as JSON."""
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
        return
    for work, costs in compare():
        for count, cost in costs.items():
            print(f"{count:7,} {work:<40} {cost.seconds * 1000:10.2f} ms {cost.memory:8.1f} MB", flush=True)


if __name__ == "__main__":
    main()
