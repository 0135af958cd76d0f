"""Windows begin and end where people expect it, in their own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit.spending.windows import PER, Per, Window

MOMENTS = st.integers(1_577_836_800, 2_051_222_400).map(lambda second: datetime.fromtimestamp(second, UTC))
ZONES = ("UTC", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe")
CALENDAR: tuple[Per, ...] = ("hour", "day", "week", "month")


def begins(window: Window, at: datetime) -> datetime:
    slot = window.slot(at)
    assert slot is not None
    return datetime.fromtimestamp(slot.number, ZoneInfo(window.zone))


@pytest.mark.parametrize(
    ("per", "zone", "wanted"),
    [
        ("hour", "UTC", "2026-03-04 15:00:00+00:00"),
        ("day", "UTC", "2026-03-04 00:00:00+00:00"),
        ("day", "America/New_York", "2026-03-04 00:00:00-05:00"),
        ("week", "UTC", "2026-03-02 00:00:00+00:00"),  # a Monday
        ("month", "Europe/Berlin", "2026-03-01 00:00:00+01:00"),
    ],
)
def test_it_begins_on_the_full_hour_at_midnight_on_monday_or_on_the_first(per: Per, zone: str, wanted: str) -> None:
    assert str(begins(Window(per, zone), datetime(2026, 3, 4, 15, 30, tzinfo=UTC))) == wanted


def test_a_day_has_as_many_hours_as_the_clocks_give_it() -> None:
    window = Window("day", "Europe/Berlin")
    for day, hours in ((datetime(2026, 3, 29, 12, tzinfo=UTC), 23), (datetime(2026, 10, 25, 12, tzinfo=UTC), 25)):
        slot = window.slot(day)
        assert slot is not None
        assert slot.resets is not None
        assert slot.resets - datetime.fromtimestamp(slot.number, UTC) == timedelta(hours=hours)


@given(at=MOMENTS, per=st.sampled_from(CALENDAR), zone=st.sampled_from(ZONES))
def test_each_moment_is_in_one_window_and_the_next_begins_where_it_ends(at: datetime, per: Per, zone: str) -> None:
    window = Window(per, zone)
    slot = window.slot(at)
    assert slot is not None
    assert slot.resets is not None
    assert datetime.fromtimestamp(slot.number, UTC) <= at < slot.resets
    following, last = window.slot(slot.resets), window.slot(slot.resets - timedelta(microseconds=1))
    assert following is not None
    assert following.number == slot.resets.timestamp()
    assert last is not None
    assert last.number == slot.number


@given(at=MOMENTS, per=st.sampled_from(CALENDAR), later=st.floats(0, 1))
def test_a_rolling_window_counts_all_of_its_length_and_a_sixtieth_more_at_most(
    at: datetime, per: Per, later: float
) -> None:
    length = {"hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000}[per]
    window = Window(per, rolling=True)
    then, now = window.slot(at), window.slot(at + timedelta(seconds=length * later))
    assert then is not None
    assert now is not None
    assert now.since <= then.number <= now.number
    much_later = window.slot(at + timedelta(seconds=length + 2 * length / 60))
    assert much_later is not None
    assert then.number < much_later.since
    assert then.resets is not None
    gone = window.slot(then.resets + timedelta(seconds=length / 60))
    assert gone is not None
    assert then.number < gone.since


def test_sessions_are_told_apart_and_a_call_of_none_is_alone() -> None:
    window, at = Window("session"), datetime(2026, 3, 4, tzinfo=UTC)
    one, other = window.slot(at, "one"), window.slot(at, "other")
    assert one is not None
    assert one == window.slot(at + timedelta(days=400), "one") != other
    assert one.resets is None
    assert window.slot(at) is None
    assert Window("call").slot(at, "one") is None
    assert Window("ever").slot(at) == Window("ever").slot(at + timedelta(days=4000))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"per": "year"}, "not per 'year'"),
        ({"per": "session", "rolling": True}, "can't roll"),
        ({"zone": "Berlin"}, "no time zone 'Berlin'"),
        ({"zone": "../../etc/passwd"}, "no time zone"),
        ({"zone": ""}, "no time zone"),
    ],
)
def test_a_window_that_does_not_exist_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Window(**settings)  # type: ignore[arg-type]


def test_every_unit_is_tested() -> None:
    assert set(PER) == {*CALENDAR, "call", "session", "ever"}
