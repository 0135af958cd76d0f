"""The summary of `bulk` on standard output, with bars for cost by model, latencies and failures."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..bulk.summary import PERCENTILES, Summary, dollars, latency
from .terminal import console, print_line, text

_BAR_WIDTH = 30
_MOST_ROWS = 12
_FULL, _PARTS = "█", "▏▎▍▌▋▊▉"


def print_summary(summary: Summary) -> None:
    """Print everything that there is to say."""
    facts = summary.facts()
    width = max(map(len, facts))
    for name, words in facts.items():
        print_line(f"{name:{width}}  {words}")
    costs = sorted(summary.cost_by_model.items(), key=lambda item: -item[1])
    _print_bars("cost by model", [(model, float(cost), dollars(cost)) for model, cost in costs])
    known = [(f"p{percent}", summary.latencies.percentile(percent)) for percent in PERCENTILES]
    _print_bars("latency", [(name, seconds, latency(seconds)) for name, seconds in known if seconds is not None])
    _print_bars("failures", [(name, count, f"{count:,}") for name, count in summary.failures.most_common()])


def _print_bars(title: str, rows: Sequence[tuple[str, float, str]]) -> None:
    if not rows:
        return
    from rich.table import Table

    highest = max(value for _, value, _ in rows)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False, title=None)
    for justify in ("left", "right", "left"):
        table.add_column(justify=justify, no_wrap=True)
    for name, value, shown in rows[:_MOST_ROWS]:
        table.add_row(text(name), shown, text(_bar(value / highest if highest else 0.0), "cyan"))
    if len(rows) > _MOST_ROWS:
        table.add_row(f"and {len(rows) - _MOST_ROWS} more", "", "")
    print_line("")
    print_line(title)
    console().print(table)


def _bar(share: float) -> str:
    """A bar of blocks, or of `=` where the output can't show them."""
    if not _shows_blocks():
        return "=" * round(share * _BAR_WIDTH)
    eighths = round(share * _BAR_WIDTH * 8)
    return _FULL * (eighths // 8) + (_PARTS[eighths % 8 - 1] if eighths % 8 else "")


def _shows_blocks() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        (_FULL + _PARTS).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
