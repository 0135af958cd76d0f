"""JSON text: parsed strictly with a reason why it is none, or with a default."""

from __future__ import annotations

import pytest

from openrouter_toolkit.text.json_text import InvalidJson, json_or, parse_json


def test_what_the_standard_has_is_parsed() -> None:
    assert parse_json(r'{"a": [1, -0.5e3, true, null, "\ud83d\ude00"]}') == {"a": [1, -500.0, True, None, "😀"]}
    assert parse_json("9" * 400) == int("9" * 400)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{'id': 1}", "Expecting property name enclosed in double quotes in line 1, column 2"),
        ("", "Expecting value in line 1, column 1"),
        ("[NaN]", "NaN is not a JSON number"),
        ("[1e999]", "a number in it is too large"),
        ("9" * 401, "a number in it is too large"),
        (r'{"a": "\ud800"}', "it has half of a surrogate pair in it"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
    ids=lambda value: value[:20],
)
def test_anything_else_is_explained(text: str, reason: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        parse_json(text)
    assert str(caught.value) == reason


def test_what_is_no_json_has_a_default() -> None:
    assert json_or('{"a": NaN}') is not None
    assert json_or("null", 1) is None
    for text in ("", "{", "<html>", "[" * 100_000):
        assert json_or(text, "none") == "none"
