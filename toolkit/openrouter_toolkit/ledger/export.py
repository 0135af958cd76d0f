"""Sums of the ledger for programs and spreadsheets: as dictionaries for JSON, and as CSV. Costs are exact texts."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

from .usage import Usage

# With these, spreadsheets begin a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SUMS = [field.name for field in fields(Usage) if field.name != "key"]


def plain(dollars: Decimal) -> str:
    """Return a cost as a text, exactly, without zeros that mean nothing."""
    text = f"{dollars:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def usage_as_dict(row: Usage) -> dict[str, Any]:
    """Return sums as JSON for programs: the value of each dimension, then the sums."""
    sums = {name: getattr(row, name) for name in _SUMS}
    return {**row.key, **sums, "cost": None if row.cost is None else plain(row.cost)}


def usage_as_csv(by: Sequence[str], rows: Sequence[Usage]) -> str:
    """Return sums as CSV, with a line of names. A text that a spreadsheet would calculate gets an apostrophe."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*by, *_SUMS])
    writer.writeheader()
    for row in rows:
        found = usage_as_dict(row)
        writer.writerow(found | {name: _harmless(found[name]) for name in by})
    return text.getvalue()


def _harmless(value: str | None) -> str | None:
    return f"'{value}" if value is not None and value.startswith(_FORMULA) else value
