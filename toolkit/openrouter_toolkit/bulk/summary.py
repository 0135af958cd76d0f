"""The summary of a bulk run: counts, cost by model, latencies and failures, in memory of a fixed size."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from time import monotonic
from typing import Any

_STEP = math.log(1.02)
PERCENTILES = (50, 95, 99)


class Latencies:
    """Durations by their logarithm, so that a percentile is right within two percent."""

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.buckets[math.ceil(math.log(max(seconds, 1e-6)) / _STEP)] += 1

    def percentile(self, percent: float) -> float | None:
        """The duration in seconds that this share of the calls did not exceed; None without any."""
        wanted, seen = self.buckets.total() * percent / 100, 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return math.exp(bucket * _STEP)
        return None


@dataclass
class Summary:
    """What a bulk run has done so far.

    Attributes:
        slug: the action.
        total: how many lines there are; None while it is unknown.
        succeeded: how many lines were answered successfully in this run.
        failures: how many lines failed in this run, by type of error.
        written_before: how many lines had an answer of an earlier run, and so were not sent again.
        failed_before: how many of those are failures.
        not_sent: how many lines were not sent, by reason; the next run sends them.
        stopped: why the run sent nothing more, in words; None if it went through all lines.
        interrupted: how many calls were in flight when an earlier run was killed; they may have been billed, and their
            lines are sent again unless an answer is there.
        interrupted_cost: what those cost at most, in US dollars; None if that is unknown.
        unanswered: how many calls of this run were in flight when it was ended; they may have been billed.
        cost: what the calls of this run cost, in US dollars, as far as they say.
        cost_by_model: the same by model.
        calls_by_model: how many answers each model gave.
        without_cost: how many calls may have been billed but do not say how much.
        limited: how many times a rate limit or an overloaded provider made a call wait.
        concurrency: how many calls may run at once at present.
        latencies: the durations of the calls.
        seconds: how long the run took, or has taken so far.
    """

    slug: str = ""
    total: int | None = None
    succeeded: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    written_before: int = 0
    failed_before: int = 0
    not_sent: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None
    interrupted: int = 0
    interrupted_cost: Decimal | None = Decimal(0)
    unanswered: int = 0
    cost: Decimal = Decimal(0)
    cost_by_model: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    calls_by_model: Counter[str] = field(default_factory=Counter)
    without_cost: int = 0
    limited: int = 0
    concurrency: int = 0
    latencies: Latencies = field(default_factory=Latencies)
    _began: float | None = None
    _ended: float | None = None

    @property
    def answered(self) -> int:
        """How many lines were answered in this run, successfully or not."""
        return self.succeeded + self.failed

    @property
    def failed(self) -> int:
        """How many lines failed in this run."""
        return self.failures.total()

    @property
    def complete(self) -> bool:
        """Whether every line has a successful answer, from this run or an earlier one."""
        missing = self.failed + self.failed_before + self.not_sent.total() + self.unanswered
        return not missing and self.stopped is None and self._ended is not None

    @property
    def seconds(self) -> float:
        """How long the run took, or has taken so far."""
        if self._began is None:
            return 0.0
        return (monotonic() if self._ended is None else self._ended) - self._began

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds if self.seconds else 0.0

    def begin(self) -> None:
        """Start the clock."""
        self._began = monotonic()

    def end(self) -> None:
        """Stop the clock."""
        if self._began is not None and self._ended is None:
            self._ended = monotonic()

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it; amounts are decimal text in US dollars."""
        return {
            "action": self.slug,
            "total": self.total,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "failures": dict(self.failures.most_common()),
            "written_before": self.written_before,
            "failed_before": self.failed_before,
            "not_sent": dict(self.not_sent),
            "stopped": self.stopped,
            "interrupted": self.interrupted,
            "interrupted_cost": None if self.interrupted_cost is None else dollars(self.interrupted_cost)[1:],
            "unanswered": self.unanswered,
            "cost": dollars(self.cost)[1:],
            "cost_by_model": {model: dollars(cost)[1:] for model, cost in self.cost_by_model.items()},
            "calls_by_model": dict(self.calls_by_model.most_common()),
            "without_cost": self.without_cost,
            "limited": self.limited,
            "seconds": round(self.seconds, 3),
            "latency": {f"p{percent}": _rounded(self.latencies.percentile(percent)) for percent in PERCENTILES},
        }

    def facts(self) -> dict[str, str]:
        """What there is to say, in words, without what did not happen."""
        found = {
            "answered": f"{self.succeeded:,} successfully, {self.failed:,} failed",
            "answered before": f"{self.written_before:,}, {self.failed_before:,} of them failed",
            "not sent": ", ".join(f"{count:,} ({REASONS.get(name, name)})" for name, count in self.not_sent.items()),
            "stopped": self.stopped or "",
            "in flight when it was killed": self._interrupted_words(),
            "in flight when it ended": f"{self.unanswered:,}, which may have been billed",
            "cost": dollars(self.cost),
            "without a cost": f"{self.without_cost:,} calls that may have been billed do not say how much",
            "waited for a limit": f"{self.limited:,} times",
            "time": f"{self.seconds:,.1f} s, {self.rate:,.1f} a second",
        }
        absent = {
            "answered before": not self.written_before,
            "in flight when it was killed": not self.interrupted,
            "in flight when it ended": not self.unanswered,
            "without a cost": not self.without_cost,
            "waited for a limit": not self.limited,
        }
        return {name: words for name, words in found.items() if words and not absent.get(name)}

    def _interrupted_words(self) -> str:
        most = "an unknown amount" if self.interrupted_cost is None else f"at most {dollars(self.interrupted_cost)}"
        return f"{self.interrupted:,} calls of an earlier run, which may have been billed {most}"

    def _repr_html_(self) -> str:
        """A card for notebooks."""
        from .. import notebook

        rows = [*self.facts().items()]
        rows += [(f"cost of {model}", dollars(cost)) for model, cost in self.cost_by_model.items()]
        rows += [(f"failed: {name}", f"{count:,}") for name, count in self.failures.most_common()]
        rows += [(f"latency p{percent}", latency(self.latencies.percentile(percent))) for percent in PERCENTILES]
        return notebook.table(f"Bulk run of {self.slug}", ("", ""), rows)


# Why lines were not sent, by the name in `Summary.not_sent`.
REASONS = {
    "too_dear": "what is left of max_cost does not cover their worst case",
    "unknown_cost": "their price is unknown, and an answer of that kind did not say what it cost",
    "stopped": "the run was stopped before",
}


def dollars(amount: Decimal) -> str:
    """An amount in full: `$0.000125`."""
    text = f"{amount:f}" if abs(amount.adjusted()) < 20 else str(amount)
    return f"${text.rstrip('0').rstrip('.') or '0'}" if "." in text else f"${text}"


def latency(seconds: float | None) -> str:
    """A duration for people."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
