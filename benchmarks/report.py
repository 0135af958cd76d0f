"""Measures everything, and writes docs/performance.md with its plots (make bench).

    PYTHONPATH=. python benchmarks/report.py ENVIRONMENTS [library] [growth] [server] [streams]

ENVIRONMENTS is the folder in which `make bench` has made the environments of the other contenders.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import growth
import library
import matplotlib as mpl
import slow_streams
from library import OURS, TARGETS, YARDSTICK, Cost

import server

mpl.use("svg")
from matplotlib import pyplot as plt

DOCS = Path(__file__).parents[1] / "docs"
NAMES = {
    "credits": "GET credits",
    "chat": "chat, an answer of 1 KB",
    "models": "the catalogue, 700 KB",
    "chat_100": "chat, 100 messages",
    "chat_5000": "chat, 5,000 messages",
    "stream": "stream of 1,000 events",
}
TITLES = {
    YARDSTICK: "requests",
    OURS: "this toolkit",
    "OpenAI": "openai",
    "LiteLLM": "litellm",
    "OpenRouterSDK": "openrouter",
    "LangChainOpenRouter": "langchain-openrouter",
}
DISTRIBUTIONS = ("requests", "openai", "litellm", "openrouter", "langchain-openrouter")


def table(costs: dict[str, dict[str, Cost]]) -> str:
    """The ratios by work and contender."""
    lines = ["| | " + " | ".join(TITLES.values()) + " | target |", "|---" * (len(TITLES) + 2) + "|"]
    for work, by_name in costs.items():
        cells = [_cell(by_name.get(name), by_name[YARDSTICK]) for name in TITLES]
        lines.append(f"| {NAMES[work]} | {' | '.join(cells)} | {TARGETS[work]:.2f} |")
    return "\n".join(lines)


def _cell(cost: Cost | None, yardstick: Cost) -> str:
    if cost is None:
        return "-"
    return "failed" if cost.failed else f"{cost.median / yardstick.median:.2f} ± {cost.spread:.0%}"


def plot(costs: dict[str, dict[str, Cost]], file: Path) -> None:
    """A bar for each work and contender, on a logarithmic scale."""
    mpl.rcParams.update({"svg.hashsalt": "performance", "font.size": 9})
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    width = 0.8 / len(TITLES)
    for position, (name, title) in enumerate(TITLES.items()):
        present = [(at, by_name[name]) for at, by_name in enumerate(costs.values()) if name in by_name]
        bars = [(at, cost.median / list(costs.values())[at][YARDSTICK].median) for at, cost in present if cost.rounds]
        axes.bar([at + position * width for at, _ in bars], [height for _, height in bars], width, label=title)
    axes.set_yscale("log")
    axes.axhline(1, color="gray", linewidth=0.8)
    axes.set_ylabel("CPU time, requests = 1 (logarithmic)")
    axes.set_xticks([at + 0.4 - width / 2 for at in range(len(costs))], [NAMES[work] for work in costs], rotation=15)
    axes.legend(ncols=3, frameon=False)
    figure.savefig(file, metadata={"Date": None})


def versions(environments: Path) -> str:
    """The contenders' versions, as their environments have them."""
    program = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    found = []
    for distribution in DISTRIBUTIONS:
        folder = {"langchain-openrouter": "langchain"}.get(distribution, distribution)
        python = sys.executable if distribution == "requests" else str(environments / folder / "bin" / "python")
        told = subprocess.run([python, "-c", program, distribution], capture_output=True, text=True, check=True)
        found.append(told.stdout.strip())
    return ", ".join(found)


def growth_table() -> str:
    """CPU time and memory by work and size."""
    lines = ["| | CPU time | of one | more memory at the peak |", "|---|---|---|---|"]
    for work, costs in growth.compare():
        for count, cost in costs.items():
            each = cost.seconds / growth.units(work, count)
            numbers = f"{cost.seconds * 1000:,.1f} ms | {each * 1e6:,.0f} µs | {cost.memory:.0f} MB"
            lines.append(f"| {count:,} {work} | {numbers} |")
    return "\n".join(lines)


def server_table(environments: Path) -> str:
    """Calls a second, CPU time a call and latencies, by load and server."""
    lines = ["| load | server | calls/s | CPU a call | median | 99 % | times LiteLLM's |", "|---" * 7 + "|"]
    for load, results in server.compare(environments):
        sent = f"{load.rate:.0f} calls/s by " if load.rate else ""
        proxy = results.get(server.LITELLM)
        for name, result in results.items():
            times = f"{result.rate / proxy.rate:.1f}" if proxy else "-"
            numbers = f"{result.rate:.0f} | {result.cpu:.1f} ms | {result.p50:.1f} ms | {result.p99:.1f} ms | {times}"
            connections = f"{sent}{load.connections} connection{'s' * (load.connections > 1)}"
            lines.append(f"| {connections} | {name} | {numbers} |")
    return "\n".join(lines)


def streams_table() -> str:
    """The delay that the server adds to slow streams, its CPU time for an event and its memory for a stream."""
    lines = ["| streams at once | added at the median | at 99 % | CPU an event | memory a stream |", "|---" * 5 + "|"]
    for streams in slow_streams.STREAMS:
        found = slow_streams.measure(streams)
        times = f"{found.p50:.1f} ms | {found.p99:.1f} ms | {found.cpu:.2f} ms"
        lines.append(f"| {streams:,} | {times} | {found.memory:.0f} KB |")
    return "\n".join(lines)


def measure_library(environments: Path) -> str:
    """The library's block of the page; its plot is written beside."""
    costs = library.compare(environments)
    cold = library.cold_start()
    plot(costs, DOCS / "images" / "performance.svg")
    return (
        f"The median of rounds in turn, and half the distance between their quartiles.\n\n{table(costs)}\n\n"
        f"A process that lists the tools for OpenAI takes {cold:.2f} of the wall time of importing requests, "
        f"jsonschema, pydantic and yaml (target {library.COLD_START:.2f})."
    )


def main() -> None:
    """Measure and write; with names behind the folder, these blocks alone."""
    environments = Path(sys.argv[1]).absolute()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    blocks = {
        "library": lambda: measure_library(environments),
        "growth": growth_table,
        "server": lambda: server_table(environments),
        "streams": streams_table,
    }
    write("machine", f"Measured on {datetime.now(UTC):%Y-%m-%d}; {machine}; {versions(environments)}.")
    for name in sys.argv[2:] or blocks:
        block = blocks[name]()
        write(name, block)
        print(block, flush=True)


def write(name: str, block: str) -> None:
    """Put a block in its place in docs/performance.md."""
    page = DOCS / "performance.md"
    begin, end = f"<!-- begin generated: {name} -->\n", f"<!-- end generated: {name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(f"{before}{begin}{block}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
