"""The audit log as lines of CSV and JSON, for exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from .log import AuditEntry

_COLUMNS = [field.name for field in fields(AuditEntry)]
# With these, spreadsheets begin a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_dict(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as JSON for programs. Its time is ISO 8601 in UTC."""
    return {**{name: getattr(entry, name) for name in _COLUMNS}, "at": entry.at.isoformat()}


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """Yield the entries as CSV, with a line of names. A text that a spreadsheet would run gets an apostrophe."""
    yield _csv_line(_COLUMNS)
    for entry in entries:
        yield _csv_line([_cell(value) for value in as_dict(entry).values()])


def json_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """Yield the entries as one JSON array, an entry on each line."""
    opening = "["
    for entry in entries:
        yield f"{opening}\n{json.dumps(as_dict(entry), ensure_ascii=False)}"
        opening = ","
    yield "[]\n" if opening == "[" else "\n]\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
