"""What the ledger costs: the CPU and the time of a call with it, as ratios to the same call without it.

    python benchmarks/ledger.py [FOLDER ...]        (make bench-ledger)

Each contender is a process with a store of its own: without a ledger, with one on SQLite, with one on PostgreSQL. They
do the same calls in turns. The CPU is that of the whole process, so the ledger's thread is in it; a server's is not.
A FOLDER is the root of another version of the toolkit, which is measured beside this one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from canned_server import start

ROOT = Path(__file__).parents[1]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "paid": (
        "OPENROUTER_CREATE_CHAT_COMPLETION",
        {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]},
    ),
    "free": ("OPENROUTER_GET_CREDITS", {}),
}
THREADS = (1, 16)
ROUNDS = 7
SECONDS_A_ROUND = 0.4


def work(url: str, base_url: str) -> None:
    """Do the rounds that standard input asks for, with a ledger or without, in a store at the URL."""
    sys.path.insert(0, os.environ["TOOLKIT"])
    from openrouter_toolkit import ToolRegistry
    from openrouter_toolkit.ledger import Ledger
    from openrouter_toolkit.store import MasterKey, Store

    os.environ["OPENROUTER_BASE_URL"] = base_url
    with Store.open(url, master_keys=[MasterKey.fresh()]) as store, ExitStack() as stack:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": "sk-or-v1-sandbox", "management_api_key": "sk-or-m"})
        ledgers = {"on": stack.enter_context(Ledger(store)), "off": None}
        registries = {
            name: stack.enter_context(ToolRegistry.from_manifest(accounts=store.for_registry(), ledger=ledger))
            for name, ledger in ledgers.items()
        }
        pools = {threads: stack.enter_context(ThreadPoolExecutor(threads)) for threads in THREADS}

        def call(registry: ToolRegistry, kind: str, times: int) -> float:
            took = 0.0
            for _ in range(times):
                began = time.perf_counter()
                envelope = registry.execute(*CALLS[kind], user_id="alice")
                took += time.perf_counter() - began
                assert envelope.successful, envelope.error
            return took

        for line in sys.stdin:
            asked = json.loads(line)
            registry, threads, times = registries[asked["ledger"]], asked["threads"], asked["times"]
            share = [registry] * threads, [asked["kind"]] * threads, [-(-times // threads)] * threads
            began = time.process_time()
            took = sum(pools[threads].map(call, *share))
            if asked["ledger"] == "on":
                assert ledgers["on"] is not None
                assert ledgers["on"].flush()
            done = threads * share[2][0]
            print(json.dumps({"cpu": (time.process_time() - began) / done, "took": took / done}), flush=True)


class Worker:
    """A process with one store."""

    def __init__(self, toolkit: Path, url: str, base_url: str) -> None:
        command = [sys.executable, __file__, "--work", url, base_url]
        environment = {**os.environ, "TOOLKIT": str(toolkit / "toolkit")}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, **asked: Any) -> dict[str, float]:
        """Have it do a round."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        found: dict[str, float] = json.loads(self._process.stdout.readline())
        return found

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def workers(versions: list[Path]) -> Iterator[dict[tuple[str, str], Worker]]:
    """A worker for each version and each kind of database."""
    sys.path.insert(0, str(ROOT))
    from tests.postgresql import PostgreSQL

    process, base_url = start()
    with ExitStack() as stack:
        stack.callback(process.terminate)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = PostgreSQL()
        stack.callback(server.close)
        found = {}
        for number, version in enumerate(versions):
            for kind, url in (("sqlite", f"sqlite:///{folder}/{number}.db"), ("postgresql", server.new_database())):
                found[version.name, kind] = worker = Worker(version, url, base_url)
                stack.callback(worker.end)
        yield found


def measure(started: dict[tuple[str, str], Worker]) -> None:
    """Print the ratios of each version, database, kind of call and number of threads."""
    print(f"{'version':12} {'database':11} {'call':5} {'threads':>7} {'CPU':>6} {'time':>6} {'CPU µs':>8} {'ms':>7}")
    for kind in CALLS:
        for threads in THREADS:
            for (version, database), worker in started.items():
                asked = {"kind": kind, "threads": threads}
                once = worker.run(**asked, ledger="off", times=threads)["cpu"]
                once = worker.run(**asked, ledger="off", times=10 * threads)["cpu"]
                worker.run(**asked, ledger="on", times=10 * threads)
                times = max(threads, int(SECONDS_A_ROUND / once))
                rounds = [
                    {ledger: worker.run(**asked, ledger=ledger, times=times) for ledger in ("off", "on")}
                    for _ in range(ROUNDS)
                ]
                cpu, took = (
                    statistics.median(one["on"][what] / one["off"][what] for one in rounds) for what in ("cpu", "took")
                )
                off = {what: statistics.median(one["off"][what] for one in rounds) for what in ("cpu", "took")}
                print(
                    f"{version:12} {database:11} {kind:5} {threads:7} {cpu:6.2f} {took:6.2f} "
                    f"{off['cpu'] * 1e6:8.0f} {off['took'] * 1e3:7.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        with workers([ROOT, *map(Path, sys.argv[1:])]) as started:
            measure(started)
