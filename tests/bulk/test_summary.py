"""The summary's numbers, and the report as one page without scripts, network or answers."""

from __future__ import annotations

import random
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from openrouter_toolkit import ActionError, Envelope
from openrouter_toolkit.bulk import Summary
from openrouter_toolkit.bulk.report import html_report
from openrouter_toolkit.bulk.summary import Latencies, dollars


def test_percentiles_are_right_within_two_percent() -> None:
    latencies = Latencies()
    numbers = sorted(random.Random(5).choices([0.001 * step for step in range(1, 5000)], k=2000))
    for number in numbers:
        latencies.add(number)
    for percent in (1, 50, 95, 99, 100):
        exact = numbers[max(0, int(len(numbers) * percent / 100) - 1)]
        assert latencies.percentile(percent) == pytest.approx(exact, rel=0.021)
    assert Latencies().percentile(50) is None


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "$0"), ("0.000", "$0"), ("5", "$5"), ("10", "$10"), ("0.00000475", "$0.00000475"), ("1E+2", "$100")],
)
def test_amounts_are_shown_in_full(amount: str, shown: str) -> None:
    assert dollars(Decimal(amount)) == shown


def a_summary() -> Summary:
    summary = Summary("OPENROUTER_<b>", total=20, succeeded=9, without_cost=1)
    summary.failures.update({"not_<i>found": 3})
    summary.cost_by_model["acme/<script>alert(1)</script>"] += Decimal("0.25")
    summary.not_sent["too_dear"] = 8
    for number in range(1, 10):
        summary.latencies.add(number / 10)
    return summary


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_a_report_needs_no_network_and_runs_nothing() -> None:
    page = Page(html_report(a_summary()))
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "i", "b"})
    assert page.attributes.isdisjoint({"src", "href", "onload", "style"})
    assert {"svg", "rect"} <= page.tags


def test_what_a_report_says() -> None:
    text = html_report(a_summary())
    for words in ("9 successfully, 3 failed", "not_&lt;i&gt;found", "$0.25", "p95", "8 (what is left of max_cost"):
        assert words in text
    assert "The first answers" not in text


def test_the_first_answers_are_shown_where_they_are_wanted() -> None:
    secret = "sk-or-v1-" + "0f1e2d3c" * 8
    answers: list[tuple[str | int, Envelope]] = [
        ("<a>", Envelope.success("<b>bold</b>")),
        (2, Envelope.failure(ActionError("x", f"no {secret}"))),
        (3, Envelope.success("no")),
    ]
    text = html_report(a_summary(), iter(answers), most=2)
    assert "&lt;a&gt;" in text
    assert "&lt;b&gt;bold" in text
    assert secret not in text
    assert "<th>3</th>" not in text
