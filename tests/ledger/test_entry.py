"""Ids that hold the time, and costs that stay exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from openrouter_toolkit.ledger import entry


def test_ids_rise_and_hold_the_time() -> None:
    before = datetime.now(UTC)
    ids = [entry.new_id() for _ in range(1_000)]
    assert ids == sorted(set(ids))
    assert before - timedelta(milliseconds=1) <= entry.began_at(ids[0]) <= datetime.now(UTC) + timedelta(seconds=1)
    assert all(entry.id_from_text(entry.id_as_text(one)) == one for one in ids)
    assert entry.day_of(ids[0]) == entry.day_of_number(entry.day_number(ids[0]))


@pytest.mark.parametrize(
    "text", ["", "call_", "call_1", "CALL_0000000000000000", "call_000000000000000g", "call_" + "f" * 16]
)
def test_other_texts_are_no_id(text: str) -> None:
    assert entry.id_from_text(text) is None


@pytest.mark.parametrize(
    ("given", "dollars"),
    [
        (0.00000725, "0.00000725"),
        (0.1, "0.1"),
        (1, "1"),
        (0, "0"),
        (Decimal("0.000000000001"), "0.000000000001"),
        (0.00014820000000000002, "0.0001482"),
        (True, None),
        ("1", None),
        (-1, None),
        (1e30, None),
        (float("nan"), None),
        (float("inf"), None),
        (None, None),
    ],
)
def test_costs_are_exact(given: Any, dollars: str | None) -> None:
    units = entry.to_units(given)
    assert (None if units is None else entry.to_dollars(units)) == (None if dollars is None else Decimal(dollars))


def test_sums_are_exact_however_large() -> None:
    assert entry.to_dollars(123_456_789_012_345_678_901_234_567_890_123) == Decimal(
        "123456789012345678901.234567890123"
    )
