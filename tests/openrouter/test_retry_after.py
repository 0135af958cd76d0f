"""How long to wait: what OpenRouter and providers hint, and what they only seem to."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit.http.retry_after import retry_after

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


def by_header(value: str) -> float | None:
    return retry_after({}, {"retry-after": value})


def by_reset(value: str) -> float | None:
    return retry_after({}, {"x-ratelimit-reset": value})


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("0", 0), ("1.5", 1.5), (" 7 ", 7), ("3600", 3600)])
def test_retry_after_in_seconds(value: str, seconds: float) -> None:
    assert by_header(value) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(30, 30), (0, 0), (-100, 0), (86_400, 86_400)])
def test_retry_after_as_a_date(ahead: float, seconds: float) -> None:
    assert by_header(formatdate(NOW + ahead, usegmt=True)) == seconds


@pytest.mark.parametrize("zone", ["GMT", "UTC", "+0000", "-0000", "Z", ""])
def test_a_date_without_a_zone_is_universal_time(zone: str) -> None:
    assert by_header(formatdate(NOW + 30, usegmt=True).replace("GMT", zone).strip()) == 30


@pytest.mark.parametrize("factor", [1, 1000])
def test_a_reset_is_a_point_in_time_in_seconds_or_milliseconds(factor: int) -> None:
    assert by_reset(str(int((NOW + 42) * factor))) == 42
    assert by_reset(str(int((NOW - 42) * factor))) == 0


def test_a_small_reset_is_a_number_of_seconds() -> None:
    assert by_reset("42") == 42


def test_availability_goes_before_retry_after_and_that_before_the_reset() -> None:
    headers = {"retry-after": "2", "x-ratelimit-reset": "3"}
    assert retry_after({"retry_after": 1}, headers) == 1
    assert retry_after({}, headers) == 2
    assert retry_after({}, {"x-ratelimit-reset": "3"}) == 3
    assert retry_after({}, {}) is None


NONSENSE = [
    "-10",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "Infinity",
    "",
    " ",
    "soon",
    "1e999",
    "0x10",
    "9" * 400,
    "1,5",
    "\x00",
    "🚀",
]


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_is_no_hint(value: str) -> None:
    assert by_header(value) is None
    assert by_reset(value) is None
    assert retry_after({"retry_after": value}, {}) is None


@pytest.mark.parametrize("value", NONSENSE)
def test_behind_nonsense_the_next_hint_counts(value: str) -> None:
    assert retry_after({"retry_after": value}, {"retry-after": "2"}) == 2
    assert retry_after({}, {"retry-after": value, "x-ratelimit-reset": "3"}) == 3


@pytest.mark.parametrize(
    "value", [True, False, None, [], {}, [1], float("nan"), float("inf"), -10, -0.5, 10**400, {"seconds": 1}]
)
def test_an_availability_of_another_kind_is_no_hint(value: Any) -> None:
    assert retry_after({"retry_after": value}, {}) is None


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 01 Jan 100000 00:00:00 GMT",
        "Fri, 32 Jan 2027 00:00:00 GMT",
        "Fri, 01 Foo 2027 00:00:00 GMT",
        "Fri, 01 Jan 2027 99:00:00 GMT",
        "Fri, 01 Jan 2027 00:00:00 +999999999",
        "Fri, 01 Jan 0000 00:00:00 GMT",
        "2027-01-01T00:00:00Z",
        "Fri",
        ", ,",
    ],
)
def test_an_impossible_date_is_no_hint_or_a_finite_one(value: str) -> None:
    seconds = by_header(value)
    assert seconds is None or 0 <= seconds < 1e12


@given(st.text(), st.text(), st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.lists(st.integers())))
def test_no_hint_ever_raises_or_is_negative_or_endless(header: str, reset: str, availability: Any) -> None:
    seconds = retry_after({"retry_after": availability}, {"retry-after": header, "x-ratelimit-reset": reset})
    assert seconds is None or 0 <= seconds < float("inf")
