"""The library's cost as a ratio to a plain `requests.Session` in the same run, beside other libraries.

By itself it measures the toolkit alone, and fails more than 30 % over a target (make bench-check); `report.py` puts the
toolkit beside other libraries (make bench).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from canned_server import start

HERE = Path(__file__).parent
# CPU of the toolkit as a ratio to the yardstick's.
TARGETS = {"credits": 0.45, "chat": 0.50, "models": 0.60, "chat_100": 0.65, "chat_5000": 2.2, "stream": 0.90}
COLD_START = 0.25
TOLERANCE = 1.3
TRIES = 8
# A start is measured by the clock.
LIMITS = {"cold start": 0.4}
SECONDS_A_ROUND = 0.1
OURS, YARDSTICK = "Toolkit", "Requests"
# The environment of each other contender, as `make bench` makes them.
PEERS = {"OpenAI": "openai", "LiteLLM": "litellm", "OpenRouterSDK": "openrouter", "LangChainOpenRouter": "langchain"}
OWN = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}


class Cost(NamedTuple):
    """What one contender's work cost: CPU seconds of each round, or why it failed."""

    rounds: list[float]
    failed: str = ""

    @property
    def median(self) -> float:
        """CPU seconds of one time."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median."""
        low, _, high = statistics.quantiles(self.rounds, n=4)
        return (high - low) / 2 / self.median


class Worker:
    """A contender's process."""

    def __init__(self, name: str, python: str, base_url: str) -> None:
        command = [python, str(HERE / "worker.py"), name, base_url]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=OWN
        )

    def run(self, work: str, times: int) -> dict[str, Any] | None:
        """Have it do a work some times."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"work": work, "times": times}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        return json.loads(answer) if answer.startswith("{") else {"error": "ended"} if not answer else None

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def workers(pythons: Mapping[str, str]) -> Iterator[dict[str, Worker]]:
    """A process for each contender, and the server that all of them call."""
    process, base_url = start()
    with ExitStack() as stack:
        stack.callback(process.terminate)
        started = {name: Worker(name, python, base_url) for name, python in pythons.items()}
        for worker in started.values():
            stack.callback(worker.end)
        yield started


def measure(work: str, contenders: Mapping[str, Worker], rounds: int) -> dict[str, Cost]:
    """Let all contenders that have a work do it, in turns; an answer other than the yardstick's counts as failed."""
    for worker in contenders.values():  # the first time also makes connections, and imports
        worker.run(work, 1)
    first = {name: worker.run(work, 1) for name, worker in contenders.items()}
    wanted = (first[YARDSTICK] or {}).get("answer")
    costs: dict[str, Cost] = {}
    for name, done in first.items():
        if done is not None:
            wrong = "" if done.get("answer") == wanted else f"a wrong answer: {done.get('answer')!r}"
            costs[name] = Cost([], done.get("error") or wrong)
    running = [name for name, cost in costs.items() if not cost.failed]
    times = {name: min(200, max(1, int(SECONDS_A_ROUND / (first[name] or {})["seconds"]))) for name in running}
    for number in range(rounds):
        for name in running[number % len(running) :] + running[: number % len(running)]:
            contenders[name].run(work, 1 + times[name] // 5)  # the others have used the processor's caches
            done = contenders[name].run(work, times[name])
            costs[name].rounds.append((done or {})["seconds"])
    return costs


def cold_start(rounds: int = 5) -> float:
    """Wall time of a process that lists the tools, as a ratio to importing the dependencies alone."""
    programs = (
        "import openrouter_toolkit as o; o.ToolRegistry.from_manifest().tools()",
        "import requests, jsonschema, pydantic, yaml",
    )
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for program, taken in zip(programs, times, strict=True):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            taken.append(time.perf_counter() - begun)
    return min(times[0]) / min(times[1])


def check() -> int:
    """Whether the toolkit is within its targets and the tolerance, in the best of several rounds."""
    failed = False
    with workers({YARDSTICK: sys.executable, OURS: sys.executable}) as started:
        for work, target in TARGETS.items():
            failed |= _is_over(work, partial(_best_round, work, started), target)
    failed |= _is_over("cold start", cold_start, COLD_START)
    return int(failed)


def _best_round(work: str, started: Mapping[str, Worker]) -> float:
    costs = measure(work, started, 3)
    rounds = zip(costs[OURS].rounds, costs[YARDSTICK].rounds, strict=True)
    return min(ours / theirs for ours, theirs in rounds)


def _is_over(work: str, measured: Callable[[], float], target: float) -> bool:
    """Whether a ratio is over its limit, each time of a few: a busy machine can only make it worse."""
    limit = LIMITS.get(work, target * TOLERANCE)
    ratio = measured()
    for _ in range(TRIES - 1):
        if ratio > limit:
            ratio = min(ratio, measured())
    print(f"{work:<12} {ratio:5.2f}   target {target:.2f}, at most {limit:.2f}", flush=True)
    return ratio > limit


def compare(environments: Path, rounds: int = 11) -> dict[str, dict[str, Cost]]:
    """The costs of all contenders by work; `environments` is the folder of the peers' environments."""
    pythons = {YARDSTICK: sys.executable, OURS: sys.executable}
    pythons |= {name: str(environments / folder / "bin" / "python") for name, folder in PEERS.items()}
    with workers(pythons) as started:
        return {work: measure(work, started, rounds) for work in TARGETS}


if __name__ == "__main__":
    sys.exit(check())
