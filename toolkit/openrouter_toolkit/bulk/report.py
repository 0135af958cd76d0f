"""A report of a bulk run as one HTML page, which needs neither network nor scripts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from ..envelope import Envelope
from ..text.redaction import redact_thoroughly
from ..text.sanitize import safe_for_terminal, shorten
from .rows import Id
from .summary import PERCENTILES, Latencies, Summary, dollars, latency

_MAX_TEXT = 2_000  # characters of one answer
_BAR_WIDTH = 360
_HISTOGRAM_WIDTH, _HISTOGRAM_HEIGHT, _HISTOGRAM_BARS = 640, 120, 40
_STYLE = """\
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin-top: 2em }
table { border-collapse: collapse } th { text-align: left; font-weight: 600 }
th, td { padding: 3px 16px 3px 0; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font-size: 13px }
rect { fill: #3b7dd8 } text { font-size: 12px; fill: currentColor }"""


def html_report(summary: Summary, answers: Iterable[tuple[Id, Envelope]] | None = None, *, most: int = 100) -> str:
    """The page. It shows nothing of what the answers say, unless they are given: then the first ones, up to `most`."""
    costs = sorted(summary.cost_by_model.items(), key=lambda item: -item[1])
    known = [(f"p{percent}", summary.latencies.percentile(percent)) for percent in PERCENTILES]
    parts = [
        _table([(name, words) for name, words in summary.facts().items()]),
        _section("Cost by model", _bars([(model, float(cost), dollars(cost)) for model, cost in costs])),
        _section("Answers by model", _bars(_counts(summary.calls_by_model.most_common()))),
        _section("Latency", _bars([(name, value, latency(value)) for name, value in known if value is not None])),
        _section("Calls by latency", _histogram(summary.latencies)),
        _section("Failures by type", _bars(_counts(summary.failures.most_common()))),
    ]
    if answers is not None:
        parts.append(_section(f"The first answers, {most} at most", _answers(islice(answers, most))))
    title = f"Bulk run of {_safe(summary.slug)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n{''.join(parts)}</body></html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{_safe(title)}</h2>\n{content}\n" if content else ""


def _counts(counted: Iterable[tuple[str, int]]) -> list[tuple[str, float, str]]:
    return [(name, count, f"{count:,}") for name, count in counted]


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"<tr><th>{_safe(name)}</th><td>{_safe(words)}</td></tr>\n" for name, words in rows)
    return f"<table>{lines}</table>\n"


def _bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """A table with a bar for each value."""
    highest = max((value for _, value, _ in rows), default=0)
    lines = "".join(
        f'<tr><th>{_safe(name)}</th><td class="number">{_safe(shown)}</td>'
        f"<td>{_bar(value / highest if highest else 0)}</td></tr>\n"
        for name, value, shown in rows
    )
    return f"<table>{lines}</table>" if rows else ""


def _bar(share: float) -> str:
    width = max(1, round(share * _BAR_WIDTH))
    return f'<svg width="{_BAR_WIDTH}" height="14" role="img"><rect width="{width}" height="14" rx="2"/></svg>'


def _histogram(latencies: Latencies) -> str:
    """How many calls took how long, in steps that grow with the duration."""
    if len(latencies.buckets) < 2:
        return ""
    first, last = min(latencies.buckets), max(latencies.buckets)
    size = math.ceil((last - first + 1) / _HISTOGRAM_BARS)
    counts = [0] * math.ceil((last - first + 1) / size)
    for bucket, count in latencies.buckets.items():
        counts[(bucket - first) // size] += count
    width = _HISTOGRAM_WIDTH / len(counts)
    bars = "".join(
        f'<rect x="{number * width:.1f}" y="{_HISTOGRAM_HEIGHT - height:.1f}" width="{width - 1:.1f}" '
        f'height="{height:.1f}"><title>{count:,} calls</title></rect>'
        for number, count in enumerate(counts)
        if (height := count / max(counts) * _HISTOGRAM_HEIGHT)
    )
    low, high = latency(latencies.percentile(0)), latency(latencies.percentile(100))
    return (
        f'<svg width="{_HISTOGRAM_WIDTH}" height="{_HISTOGRAM_HEIGHT + 18}" role="img">{bars}'
        f'<text x="0" y="{_HISTOGRAM_HEIGHT + 14}">{low}</text>'
        f'<text x="{_HISTOGRAM_WIDTH}" y="{_HISTOGRAM_HEIGHT + 14}" text-anchor="end">{high}</text></svg>'
    )


def _answers(answers: Iterable[tuple[Id, Envelope]]) -> str:
    rows = "".join(
        f"<tr><th>{_safe(str(row_id))}</th><td><pre>{_safe(_said(envelope))}</pre></td></tr>\n"
        for row_id, envelope in answers
    )
    return f"<table>{rows}</table>" if rows else ""


def _said(envelope: Envelope) -> str:
    return envelope.error or envelope.text or envelope.data


def _safe(text: str) -> str:
    """Untrusted text for HTML: redacted, shortened, without control characters, escaped."""
    return escape(safe_for_terminal(shorten(redact_thoroughly(text[: 2 * _MAX_TEXT], ()), _MAX_TEXT)))
