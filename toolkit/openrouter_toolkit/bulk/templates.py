"""Prompts from a table: a template such as "Summarise: {text}", filled in for each row of CSV, JSONL or Parquet."""

from __future__ import annotations

import csv
import json
import string
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .rows import InvalidRows, Row, Source, checked_id, parsed_lines

_Table = Iterator[tuple[str, Any]]  # a name of each row for messages, and the row or an `InvalidRows`
_FORMATS = (".csv", ".jsonl", ".ndjson", ".parquet")
_MAX_FIELD = 64 * 1024 * 1024  # characters of one field in CSV; Python's own limit is 128 KiB


class Template:
    """A text with columns in braces; `{{` and `}}` mean the braces themselves."""

    def __init__(self, text: str) -> None:
        """Parse the text.

        Raises:
            ValueError: a brace is not closed, or a name is empty or has a format.
        """
        advice = "write {column} for a column, and {{ or }} for a brace"
        try:
            parsed = list(string.Formatter().parse(text))
        except ValueError as error:
            raise ValueError(f"the template can't be read ({error}): {advice}") from None
        self._parts: list[tuple[str, str | None]] = []
        for literal, name, format_spec, conversion in parsed:
            if name == "" or format_spec or conversion:
                raise ValueError(f"the template has braces that name no column: {advice}")
            self._parts.append((literal, name))
        self.columns = list(dict.fromkeys(name for _, name in self._parts if name is not None))

    def fill(self, row: Mapping[str, Any]) -> str:
        """The text for a row, which has all columns."""
        return "".join(literal + ("" if name is None else _text(row[name])) for literal, name in self._parts)


def filled(
    path: Path,
    template: Template,
    make_arguments: Callable[[str], dict[str, Any]],
    id_column: str | None = None,
) -> Source:
    """The rows of a table, each as the arguments that `make_arguments` returns for its text.

    The id is the number of the row, or what stands in `id_column`.

    Raises:
        ValueError: the file has another format.
        ImportError: it is Parquet, and pyarrow is missing.
    """
    wanted = [*template.columns, *([] if id_column is None else [id_column])]
    open_table = _reader(path)

    def read() -> Iterator[Row | InvalidRows]:
        for number, (name, row) in enumerate(open_table(path, wanted), 1):
            try:
                checked = _checked(row, wanted)
                row_id = number if id_column is None else checked_id(checked[id_column])
            except InvalidRows as error:
                yield InvalidRows([f"{name}: {problem}" for problem in error.problems])
            else:
                yield Row(row_id, make_arguments(template.fill(checked)))

    return Source(read, path)


def _checked(row: Any, wanted: list[str]) -> Mapping[str, Any]:
    if isinstance(row, InvalidRows):
        raise row
    if not isinstance(row, Mapping):
        raise InvalidRows([f"it is no object, but {type(row).__name__}"])
    problems = []
    for name in wanted:
        if name not in row:
            problems.append(f"there is no column {name!r}; there are {', '.join(map(repr, row)) or 'none'}")
        elif row[name] is None:
            problems.append(f"column {name!r} is empty (null)")
    if problems:
        raise InvalidRows(problems)
    return row


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _reader(path: Path) -> Callable[[Path, list[str]], _Table]:
    match path.suffix.lower():
        case ".csv":
            return _csv_rows
        case ".jsonl" | ".ndjson":
            return _json_rows
        case ".parquet":
            _require_pyarrow()
            return _parquet_rows
    raise ValueError(f"{path.name} is none of the tables that a template takes: {', '.join(_FORMATS)}")


def _csv_rows(path: Path, wanted: list[str]) -> _Table:
    csv.field_size_limit(_MAX_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        try:
            header = next(lines, [])
            doubled = {name for name in wanted if header.count(name) > 1}
            if doubled or not set(wanted) <= set(header):
                columns = dict.fromkeys(header, "")
                problem = f"several columns are called {min(doubled)!r}" if doubled else None
                yield "the header", InvalidRows([problem]) if problem else columns
                return
            for fields in lines:
                if not fields:
                    continue
                name = f"line {lines.line_num}"
                if len(fields) == len(header):
                    yield name, dict(zip(header, fields, strict=True))
                else:
                    yield name, InvalidRows([f"it has {len(fields)} fields, and the header {len(header)}"])
        except (csv.Error, UnicodeDecodeError) as error:
            reason = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else f"it is not CSV ({error})"
            yield f"line {lines.line_num + 1}", InvalidRows([reason])


def _json_rows(path: Path, wanted: list[str]) -> _Table:
    for number, value in parsed_lines(path):
        yield f"line {number}", value


def _parquet_rows(path: Path, wanted: list[str]) -> _Table:
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            if not set(wanted) <= set(columns):
                yield "the schema", dict.fromkeys(columns, "")
                return
            number = 0
            for batch in file.iter_batches(batch_size=1024, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row
    except ArrowException as error:
        yield "the file", InvalidRows([f"it can't be read as Parquet ({error})"])


def _require_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ImportError(
            "a Parquet file needs the package pyarrow: pip install 'openrouter-toolkit[parquet]'"
        ) from None
