"""Prompts from tables: CSV, JSONL and Parquet, with everything that is wrong found before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from openrouter_toolkit.bulk.rows import InvalidRows, Row
from openrouter_toolkit.bulk.templates import Template, filled


def prompts(path: Path, text: str = "Summarise: {text}", id_column: str | None = None) -> list[Row]:
    source = filled(path, Template(text), lambda prompt: {"prompt": prompt}, id_column)
    source.check()
    return list(source)


def csv(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(tmp_path: Path, **columns: list[Any]) -> Path:
    path = tmp_path / "table.parquet"
    parquet.write_table(pa.table(columns), path)
    return path


def test_csv_with_quotes_line_breaks_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = csv(tmp_path, '\ufeffid,text\na,"Hello, ""you""\nthere"\n\nb,Grüße\n')
    assert prompts(path, id_column="id") == [
        ("a", {"prompt": 'Summarise: Hello, "you"\nthere'}),
        ("b", {"prompt": "Summarise: Grüße"}),
    ]
    assert [row.id for row in prompts(path)] == [1, 2]


def test_json_lines_with_values_of_any_type(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"text": {"a": [1, "ü"]}, "id": 7}\n\n{"text": 5.5, "id": "x"}\n', encoding="utf-8")
    assert prompts(path, "{text}", "id") == [(7, {"prompt": '{"a": [1, "ü"]}'}), ("x", {"prompt": "5.5"})]


def test_parquet(tmp_path: Path) -> None:
    path = table(tmp_path, text=["one", "two"], key=[10, 20], other=[None, None])
    assert prompts(path, id_column="key") == [(10, {"prompt": "Summarise: one"}), (20, {"prompt": "Summarise: two"})]


def test_braces_are_written_twice(tmp_path: Path) -> None:
    path = csv(tmp_path, "text,first name\n{a},b\n")
    (row,) = prompts(path, 'As {{"{first name}": "{text}"}} {{}}')
    assert row.arguments == {"prompt": 'As {"b": "{a}"} {}'}


@pytest.mark.parametrize("text", ["{", "}", "{}", "{text!r}", "{text:>5}", "a { b", "{text"])
def test_a_template_that_cant_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"write \{column\} for a column"):
        Template(text)


def test_names_are_columns_and_reach_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(InvalidRows, match=r"there is no column 'text.__class__'"):
        prompts(csv(tmp_path, "text\na\n"), "{text.__class__}")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("id,txt\na,b\n", "the header: there is no column 'text'; there are 'id', 'txt'"),
        ("", "the header: there is no column 'text'; there are none"),
        ("text,text\na,b\n", "several columns are called 'text'"),
        ("text,id\na\n", "line 2: it has 1 fields, and the header 2"),
        ('text\n"a\n', "it is not CSV"),
        (b"text\n\xff\n", "it is not in UTF-8"),
    ],
)
def test_a_wrong_csv(tmp_path: Path, content: str | bytes, problem: str) -> None:
    with pytest.raises(InvalidRows, match=problem):
        prompts(csv(tmp_path, content))


def test_an_id_that_is_none_or_there_twice(tmp_path: Path) -> None:
    with pytest.raises(InvalidRows, match="row 2 has the id 'a' of row 1"):
        prompts(csv(tmp_path, "id,text\na,1\na,2\n"), id_column="id")
    with pytest.raises(InvalidRows, match="line 2: its id is neither"):
        prompts(csv(tmp_path, "id,text\n,1\n"), id_column="id")
    with pytest.raises(InvalidRows, match="there is no column 'key'"):
        prompts(csv(tmp_path, "id,text\n,1\n"), id_column="key")


def test_a_row_without_the_column_or_with_null(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"text": "a"}\n{"txt": "b"}\n{"text": null}\n5\n')
    with pytest.raises(InvalidRows) as caught:
        prompts(path)
    assert caught.value.problems == [
        "line 2: there is no column 'text'; there are 'txt'",
        "line 3: column 'text' is empty (null)",
        "line 4: it is no object, but int",
    ]


def test_a_wrong_parquet(tmp_path: Path) -> None:
    with pytest.raises(InvalidRows, match="the schema: there is no column 'text'; there are 'txt'"):
        prompts(table(tmp_path, txt=["a"]))
    with pytest.raises(InvalidRows, match=r"row 2: column 'text' is empty"):
        prompts(table(tmp_path, text=["a", None]))
    (tmp_path / "table.parquet").write_bytes(b"no such thing")
    with pytest.raises(InvalidRows, match="can't be read as Parquet"):
        prompts(tmp_path / "table.parquet")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path, text=["a"])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"pip install 'openrouter-toolkit\[parquet\]'"):
        prompts(path)


def test_another_kind_of_table(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none of the tables that a template takes: \.csv, \.jsonl"):
        prompts(tmp_path / "table.xlsx")
