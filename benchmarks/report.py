"""Measures everything, and writes docs/performance.md with its plots (make bench).

    python benchmarks/report.py ENVIRONMENTS

ENVIRONMENTS is the folder in which `make bench` has made the environments of the other contenders.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import library
import matplotlib as mpl
from library import OURS, TARGETS, YARDSTICK, Cost

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


def main() -> None:
    """Measure and write."""
    environments = Path(sys.argv[1])
    costs = library.compare(environments)
    cold = library.cold_start()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    plot(costs, DOCS / "images" / "performance.svg")
    block = (
        f"{datetime.now(UTC):%Y-%m-%d}; {machine}; {versions(environments)}. The median of rounds in turn, and half "
        f"the distance between their quartiles.\n\n{table(costs)}\n\n"
        f"A process that lists the tools for OpenAI takes {cold:.2f} of the wall time of importing requests, "
        f"jsonschema, pydantic and yaml (target {library.COLD_START:.2f})."
    )
    write("library", block)
    print(block)


def write(name: str, block: str) -> None:
    """Put a block in its place in docs/performance.md."""
    page = DOCS / "performance.md"
    begin, end = f"<!-- begin generated: {name} -->\n", f"<!-- end generated: {name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(f"{before}{begin}{block}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
