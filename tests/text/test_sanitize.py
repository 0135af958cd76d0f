"""Strangers' text made fit for a sentence, and for a terminal."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openrouter_toolkit.text.sanitize import clean, json_for_terminal, preview, quoted, safe_for_terminal, shorten

from ..scale import scaled
from ..timing import cpu_below

ODD = [
    "\x1b", "[", "]", "\x07", "\\", "3", "1", "m", ";", "\x9b", "\x9d", "\x9c", "\x00", "\u200b", "\u200c", "\u200d",
    "\u200e", "\u202e", "\u2066", "\ufe0f", "\ufe0e", "\ufeff", "\u00ad", "\u034f", "\u061c", "\u3164", "\U000e0041",
    "\ud800", "a", "é", "漢", "👩", "❤", " ", "\n", "\t", "\x0b", "\u2003", "\u2028", "\u3000", "\x85", "\xa0", '"',
]  # fmt: skip
odd_texts = st.lists(st.sampled_from(ODD) | st.characters(), max_size=12).map("".join)
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "Grüße, Señor Åström",
        "你好，世界",
        "こんにちは",
        "안녕하세요",
        "مرحبا بالعالم",
        "שלום",
        "नमस्ते दुनिया",
        "क्\u200dष",  # Devanagari with a joiner
        "สวัสดี",
        "Ελλάδα",
        "👍🏽",
        "👩\u200d👩\u200d👧\u200d👦",
        "❤\ufe0f",
        "🏳\ufe0f\u200d🌈",
        "1\ufe0f\u20e3",  # a keycap
        "🇩🇪",
        "e\u0301",
        "math: ∑ √ ≤, 10 €",
    ],
)
def test_writing_of_all_kinds_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\u200bb\u200cc\ufeffd", "abcd"),
        ("a\u200db", "ab"),
        ("a\ufe0fb", "ab"),
        ("\u200d\ufe0fa", "a"),
        ("\u202eabc\u202c", "abc"),
        ("\u2066abc\u2069\u200f\u200e\u061c", "abc"),
        ("ign\U000e0069\U000e0067ore", "ignore"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\u2062b\u3164c\u115fd", "abcd"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;5;196mred\x1b[K", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9d0;title\x9ctext", "text"),
        ("\x1b(Btext\x1bc", "Btext"),
        ("bell\x07 null\x00 delete\x7f", "bell null delete"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("two\nlines\r\nand\ttabs\u2028and\u2029more\x85end", "two lines and tabs and more end"),
        ("  many    blanks \n", "many blanks"),
        ("", ""),
    ],
)
def test_what_can_not_be_seen_goes(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.load
@settings(max_examples=scaled(200, full=1000))
@given(odd_texts)
@example("a\u2003\u200db")
@example("\u3000\ufe0fa")
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.load
@settings(max_examples=scaled(100, full=500))
@given(odd_texts)
def test_what_is_clean_is_visible_and_on_one_line(text: str) -> None:
    cleaned = clean(text)
    assert not INVISIBLE.search(cleaned)
    assert cleaned == cleaned.strip()
    assert cleaned.encode().decode() == cleaned


@pytest.mark.parametrize(
    "text",
    ["\x1b" * 30_000, "\x1b]" * 15_000, "\x9d" * 15_000, "\u200d" * 30_000, "a\u200d" * 15_000, "\x1b[1" * 10_000],
    ids=["escapes", "open titles", "open titles of one byte", "joiners", "orphans", "open colours"],
)
def test_cleaning_takes_time_in_proportion(text: str) -> None:
    with cpu_below(1):
        clean(text)


def test_shortening_keeps_to_the_limit_and_shows_the_cut() -> None:
    assert shorten("12345", 5) == "12345"
    assert shorten("123456", 5) == "1234…"
    assert shorten("1234 6", 6) == "1234 6"
    assert shorten("123 567", 5) == "123…"


@pytest.mark.load
@settings(max_examples=scaled(100, full=500))
@given(odd_texts | st.text(min_size=300, max_size=400), st.integers(5, 50))
def test_a_quotation_is_short_on_one_line_and_can_not_end_early(text: str, limit: int) -> None:
    quotation = quoted(text, limit)
    assert quotation[0] == quotation[-1] == '"'
    assert '"' not in quotation[1:-1]
    assert len(quotation) <= limit + 2
    assert not INVISIBLE.search(quotation)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        ('a"b', '"a\\"b"'),
        ("grüße", '"grüße"'),
        (5, "5"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ([1, "a", None], '[1, "a", null]'),
        ({"a": [1], "b": {}}, '{"a": [1], "b": {}}'),
        ((1, 2), "[1, 2]"),
        ([[[[1]]]], "[[[[…]]]]"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, …]"),
        (10**300, "a very large integer"),
        (b"a", "a Python bytes"),
        ({1}, "a Python set"),
        (math.inf, "inf"),
    ],
)
def test_a_value_is_shown_as_json(value: object, text: str) -> None:
    assert preview(value) == text


@pytest.mark.parametrize(
    "value",
    ["x" * 10_000_000, ["x" * 999] * 999, {"x" * 9999: "x" * 9999}, {10**5000: 1}, -(10**5000)],
    ids=["text", "list", "dict", "huge name", "huge integer"],
)
def test_a_value_is_shown_shortly(value: object) -> None:
    assert len(preview(value)) <= 60


# For a terminal.


def test_what_a_terminal_acts_on_is_written_as_an_escape() -> None:
    assert safe_for_terminal("\x1b[2J\x07\x9b\r\u202e\ud800\x7f") == r"\x1b[2J\x07\x9b\r\u202e\ud800\x7f"


def test_line_breaks_tabs_and_writing_stay() -> None:
    text = "two\nlines\tand 👩\u200d👧 नमस्ते مرحبا é"
    assert safe_for_terminal(text) == text


@pytest.mark.load
@settings(max_examples=scaled(100, full=500))
@given(odd_texts)
def test_no_control_reaches_a_terminal(text: str) -> None:
    for printed in (safe_for_terminal(text), json_for_terminal({text: [text]})):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed)
        assert printed.encode().decode() == printed


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
@example("\x1b[31m\x9b\u202e\u200b\ufeff\u2028\x7f")
@example("\ud800")
@example('quote " and \\ backslash \\u1234')
def test_json_for_a_terminal_says_the_same(value: object) -> None:
    assert json.loads(json_for_terminal(value)) == value


def test_json_for_a_terminal_can_be_read() -> None:
    assert json_for_terminal({"a": "grüße 👍"}) == '{"a": "grüße 👍"}'
