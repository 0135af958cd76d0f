"""Documents that can't be read, and those that want too much."""

from __future__ import annotations

import json

import pytest

from openrouter_toolkit.openapi import Document, WrongDocument, operations
from openrouter_toolkit.openapi import document as reading
from openrouter_toolkit.openapi.document import Unsupported


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("swagger: '2.0'\npaths: {}", "a.yaml", 'Swagger "2.0", not OpenAPI 3; convert it first'),
        ('{"swagger": "2.0"}', "a.json", "convert it first"),
        ("openapi: 4.0.0", "a.yaml", 'openapi is "4.0.0"'),
        ("paths: {}", "a.yaml", "it has no key openapi"),
        ("just words", "a.txt", "must be an object"),
        ("[1, 2]", "", "must be an object"),
        ("openapi: 3.0.0\npaths:\n  /a: [\n", "a.yml", "in line 4, column 1"),
        ("openapi: 3.0.0\n\tpaths: 1", "", "in line 2"),
        ("? [a]\n: b", "a.yaml", "a key is no text in line 1"),
        ("a: !!python/object:os.system x", "a.yaml", "could not determine a constructor"),
        ('{"openapi": "3.0.0",\n "paths": }', "", "in line 2, column 11"),
        ('{"openapi": "3.0.0",\n "paths": }', "a.json", "in line 2, column 11"),
        ("[" * 100_000, "a.yaml", "nest"),
        ("[" * 100_000, "a.json", "nested too deeply"),
        ("1" * 5_000, "a.json", "too large"),
        ('{"a": NaN}', "a.json", "NaN is not a JSON number"),
        ('{"a": "\\ud800"}', "a.json", "half of a surrogate pair"),
        ("openapi: *nothing", "a.yaml", "undefined alias"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(text: str, name: str, words: str) -> None:
    with pytest.raises(WrongDocument) as error:
        Document.parse(text.encode(), name=name)
    assert words in str(error.value)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(WrongDocument, match="not UTF-8"):
        Document.parse(b"\xff\xfe\x00")


@pytest.mark.parametrize(("kind", "limit"), [("JSON", "_MAX_JSON"), ("YAML", "_MAX_YAML")])
def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch, kind: str, limit: str) -> None:
    assert getattr(reading, limit) >= 16 * 1024**2
    monkeypatch.setattr(reading, limit, 10)
    with pytest.raises(WrongDocument, match=f"larger than .* MiB, the most that is read of {kind}"):
        Document.parse(json.dumps({"openapi": "3.0.0"}).encode(), name=f"a.{kind.lower()}")


def test_yaml_is_read_as_json_is() -> None:
    text = "openapi: 3.1.0\npaths: {}\nx: {on: no, 200: 2026-11-30, 010: 12:30, t: true, n: ~, f: 1.5e3, i: -7, k: 0o7}"
    assert Document.parse(text.encode()).content["x"] == {
        "on": "no",
        "200": "2026-11-30",
        "010": "12:30",
        "t": True,
        "n": None,
        "f": 1500.0,
        "i": -7,
        "k": "0o7",
    }


@pytest.mark.parametrize("join", ["[*{0}, *{0}]", "{{<<: [*{0}, *{0}]}}"])
def test_aliases_that_double_forty_times_cost_nothing(join: str) -> None:
    lines = ["a0: &a0 {k: v}", *(f"a{n}: &a{n} {join.format(f'a{n - 1}')}" for n in range(1, 41))]
    document = Document.parse("\n".join(["openapi: 3.0.0", *lines]).encode())
    assert "a40" in document.content


def test_merge_keys_are_merged() -> None:
    text = "openapi: 3.0.0\na: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 5}"
    assert Document.parse(text.encode()).content["c"] == {"x": 5, "y": 2, "z": 4}


@pytest.mark.parametrize("reference", ["other.yaml#/a", "https://elsewhere.example/a.json", "file:///etc/passwd", 7])
def test_references_out_of_the_document_are_refused_by_name(reference: object) -> None:
    document = Document({"openapi": "3.0.0", "paths": {"/a": {"$ref": reference}}})
    with pytest.raises(WrongDocument) as error:
        operations(document)
    assert f'"{reference}"' in str(error.value)
    assert "redocly" in str(error.value)


@pytest.mark.parametrize(
    ("reference", "words"),
    [("#/nowhere", "leads nowhere"), ("#/a/7", "leads nowhere"), ("#/c", "circle"), ("#/a", "no object")],
)
def test_references_that_lead_to_nothing(reference: str, words: str) -> None:
    document = Document({"openapi": "3.0.0", "a": [{}], "c": {"$ref": "#/c"}})
    with pytest.raises(Unsupported, match=words):
        document.resolved({"$ref": reference})


def test_references_are_json_pointers() -> None:
    document = Document({"openapi": "3.0.0", "paths": {"/a/{b}": {"x~y": [{"found": 1}]}}})
    assert document.resolved({"$ref": "#/paths/~1a~1%7Bb%7D/x~0y/0"}) == {"found": 1}


@pytest.mark.parametrize("paths", [{}, None, {"/a": {"summary": "Nothing."}}, {"/a": {"$ref": "#/nowhere"}}, []])
def test_a_document_without_operations(paths: object) -> None:
    with pytest.raises(WrongDocument, match="no operations"):
        operations(Document({"openapi": "3.1.0", "paths": paths}))
