"""Pages of calls and sums of them are what the rows say, for any filter; all stay fast with many rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from openrouter_toolkit.ledger import BY, CallEntry, CallFilter, Ledger, calls
from openrouter_toolkit.ledger.cleanup import Cleanup
from openrouter_toolkit.store import MasterKey, Store

from ..postgresql import PostgreSQL
from ..scale import FULL, scaled
from .generated import fill
from .measured import FILTERS, LIMIT, NOW, measured

COUNT = scaled(6_000, full=1_000_000)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with many calls over 90 days. No test changes it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'store.db'}"
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        url = server.new_database()
    with Store.open(url, master_keys=[MasterKey.fresh()]) as store:
        fill(store, COUNT, users=scaled(50, full=500))
        yield store


@pytest.fixture(scope="module")
def everything(filled: Store) -> list[CallEntry]:
    """All calls, the newest first; of many, the newest 20,000."""
    found: list[CallEntry] = []
    cursor = None
    while len(found) < 20_000:
        page = Ledger(filled).calls(cursor=cursor, limit=1000)
        found += page.calls
        cursor = page.next
        if cursor is None:
            break
    return found


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("most_sorted", [0, 5_000])
def test_pages_are_all_that_match_in_order(
    filled: Store, everything: list[CallEntry], name: str, most_sorted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both ways in which they are read."""
    monkeypatch.setattr(calls, "_MAX_SORTED", most_sorted)
    wanted, matches = FILTERS[name]
    expected = [call for call in everything if matches(call)][:150]
    first = Ledger(filled).calls(wanted, limit=70)
    found = list(first.calls)
    if first.next is not None:
        found += Ledger(filled).calls(wanted, cursor=first.next, limit=80).calls
        back = Ledger(filled).calls(wanted, after=found[-1].id, limit=70)
        assert list(back.calls) == found[-71:-1]
        assert back.next == back.calls[-1].id
        assert (back.newer is None) == (len(found) <= 71)
    assert found[: len(expected)] == expected
    if not FULL:
        assert len(found) == len(expected)


def test_a_call_is_found_by_its_id_by_those_who_may_see_it(filled: Store, everything: list[CallEntry]) -> None:
    call, ledger = everything[5], Ledger(filled)
    assert ledger.call(call.id) == ledger.call(call.id, [call.user_id]) == call
    assert ledger.call(call.id, ["zoe"]) is None
    assert ledger.call("call_0") is ledger.call("call_" + "f" * 16) is None


@pytest.mark.parametrize("by", [(), *((name,) for name in BY), ("day", "user")])
def test_sums_are_those_of_the_rows(filled: Store, by: tuple[str, ...]) -> None:
    since = NOW - timedelta(days=3)
    rows = Ledger(filled).usage(by, CallFilter(since=since))  # type: ignore[arg-type]
    columns = {"user": "user_id", "token": "token_id", "account": "account_id", "day": "day"}
    first_day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    expected: dict[tuple[str | None, ...], list[CallEntry]] = {}
    cursor = None
    while True:
        page = Ledger(filled).calls(CallFilter(since=first_day), cursor=cursor, limit=1000)
        for call in page.calls:
            values = {"day": call.at.date().isoformat()} | {
                name: getattr(call, columns.get(name, name)) for name in by if name != "day"
            }
            expected.setdefault(tuple(values[name] for name in by), []).append(call)
        cursor = page.next
        if cursor is None:
            break
    assert {tuple(row.key.values()): row.calls for row in rows} == {key: len(group) for key, group in expected.items()}
    for row in rows:
        group = expected[tuple(row.key.values())]
        costs = [call.cost for call in group if call.cost is not None]
        assert row.cost == (sum(costs, Decimal()) if costs else None)
        assert row.failures == sum(not call.successful for call in group)
        assert row.tokens_in == sum(call.tokens_in or 0 for call in group)
        assert row.unpriced == sum(call.billing == "unknown" for call in group)
        took = sorted(call.milliseconds or 0 for call in group)
        assert row.milliseconds == round(sum(took) / len(took))
        if row.p95 is not None:
            assert sum(value <= row.p95 for value in took) >= 0.95 * len(took)


def test_what_is_no_filter_is_said(filled: Store) -> None:
    ledger = Ledger(filled)
    with pytest.raises(ValueError, match="cursor"):
        ledger.calls(cursor="page 2")
    with pytest.raises(ValueError, match="1 to 1000"):
        ledger.calls(limit=0)
    with pytest.raises(ValueError, match="not by colour"):
        ledger.usage(["colour"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="session"):
        ledger.usage(wanted=CallFilter(session_id="1"))


@pytest.mark.load
def test_every_query_of_a_page_is_fast(filled: Store) -> None:
    """The bound is that of 10 million rows: `python -m tests.ledger.measured` takes as many as are wanted."""
    slow = {}
    for name, times in measured(Ledger(filled), rounds=3):
        if min(times) > LIMIT:
            slow[name] = min(times)
    assert slow == {}


def test_old_calls_and_sums_are_deleted_in_small_steps(fresh_database: str, tmp_path: Path) -> None:
    with Store.open(fresh_database, master_keys=[MasterKey.fresh()]) as store:
        fill(store, 3_000, users=5, days=30)
        cleanup = Cleanup(store.database, days=10, usage_days=20)
        steps = 1
        while cleanup.step():
            steps += 1
        assert steps == 5  # 2,000 of them, 500 at a time, and a look at the rest
        with store.database.read() as session:
            left = session.execute(text("SELECT count(*) FROM ort_calls")).scalar_one()
        assert 990 <= left <= 1_010
        days = [row.key["day"] for row in Ledger(store).usage(["day"])]
        assert days[0] == (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
        assert sum(row.calls for row in Ledger(store).usage()) > left, "sums are kept for longer"
        assert not cleanup.step()
