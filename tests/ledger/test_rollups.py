"""Sums that are kept by one dimension are those of a whole recount, whatever becomes of calls later."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

from sqlalchemy import func, select

from openrouter_toolkit.ledger import CallEntry, CallFilter, Ledger, Usage
from openrouter_toolkit.ledger.batch import Batches, Change
from openrouter_toolkit.ledger.cleanup import Cleanup
from openrouter_toolkit.ledger.entry import KNOWN, UNKNOWN, Entry
from openrouter_toolkit.ledger.usage import By
from openrouter_toolkit.store import Store
from openrouter_toolkit.store.tables import UsageRollupRow

from .generated import made_up

COLUMNS = {"user": "user_id", "token": "token_id", "account": "account_id"}
DIMENSIONS = [name for name in get_args(By) if name != "day"]


def some(count: int, seed: int) -> list[Entry]:
    return list(made_up(count, 7, 3, random.Random(seed)))


def changed(entry: Entry, chance: random.Random) -> Entry:
    """A call as it is once its end or its cost is known: other sums, and perhaps another group."""
    after = copy.copy(entry)
    after.cost, after.billing = chance.choice([(None, UNKNOWN), (chance.randrange(10**12), KNOWN), (0, KNOWN)])
    after.model = chance.choice([entry.model, "another/model"])
    after.error_type = chance.choice([entry.error_type, "", "interrupted"])
    after.tokens_out = chance.choice([None, 7])
    return after


def rows(ledger: Ledger) -> list[CallEntry]:
    found: list[CallEntry] = []
    cursor = None
    while True:
        page = ledger.calls(cursor=cursor, limit=1000)
        found += page.calls
        cursor = page.next
        if cursor is None:
            return found


def recounted(calls: Sequence[CallEntry], by: str) -> dict[tuple[str, str | None], tuple[object, ...]]:
    """Calls, failures, cost, calls of unknown cost, tokens: of each day and value."""
    groups: dict[tuple[str, str | None], list[CallEntry]] = {}
    for call in calls:
        groups.setdefault((call.at.date().isoformat(), getattr(call, COLUMNS.get(by, by))), []).append(call)
    return {
        key: (
            len(group),
            sum(not call.successful for call in group),
            sum(costs) if (costs := [call.cost for call in group if call.cost is not None]) else None,
            sum(call.billing == UNKNOWN for call in group),
            sum(call.tokens_out or 0 for call in group),
        )
        for key, group in groups.items()
    }


def told(sums: Sequence[Usage], by: str) -> dict[tuple[str | None, str | None], tuple[object, ...]]:
    return {
        (row.key["day"], row.key[by]): (row.calls, row.failures, row.cost, row.unpriced, row.tokens_out) for row in sums
    }


def test_sums_follow_calls_that_change_later(store: Store) -> None:
    chance = random.Random(3)
    first, ledger, batches = some(300, 1), Ledger(store), Batches(store.database)
    batches.write([Change(entry) for entry in first])
    for _ in range(3):  # each time, some of them anew, and new ones in the same batch
        again = chance.sample(range(len(first)), 40)
        after = {number: changed(first[number], chance) for number in again}
        new = some(20, chance.randrange(100))
        batches.write([*(Change(after[number], first[number]) for number in again), *map(Change, new)])
        for number, entry in after.items():
            first[number] = entry
        first += new
    batches.close()
    calls = rows(ledger)
    assert len(calls) == 360
    for by in DIMENSIONS:
        assert told(ledger.usage(["day", by]), by) == recounted(calls, by), by
    # Another filter has them summed up from the groups, which have all dimensions.
    every = CallFilter(users=tuple({call.user_id for call in calls}))
    for by in DIMENSIONS:
        assert ordered(ledger.usage([by], every)) == ordered(ledger.usage([by])), by


def ordered(sums: Sequence[Usage]) -> list[Usage]:
    return sorted(sums, key=lambda row: str(row.key))


def test_a_filter_of_one_dimension_is_answered_as_from_the_rows(store: Store) -> None:
    batches, ledger = Batches(store.database), Ledger(store)
    batches.write([Change(entry) for entry in some(300, 2)])
    batches.close()
    calls = rows(ledger)
    filters: list[tuple[CallFilter, Callable[[CallEntry], bool]]] = [
        (CallFilter(users=("user-0", "user-2")), lambda call: call.user_id in ("user-0", "user-2")),
        (CallFilter(successful=False), lambda call: not call.successful),
        (CallFilter(successful=True), lambda call: call.successful),
        (CallFilter(error_type="timeout"), lambda call: call.error_type == "timeout"),
        (CallFilter(users=("a\0b",)), lambda call: False),
    ]
    asked: list[list[By]] = [[], ["day"], ["error_type"], ["user"]]
    for by, (wanted, matches) in product(asked, filters):
        matching = [call for call in calls if matches(call)]
        sums = ledger.usage(by, wanted)
        assert sum(row.calls for row in sums) == len(matching)
        assert sum(row.failures for row in sums) == sum(not call.successful for call in matching)
        if by == ["user"]:
            assert {row.key["user"] for row in sums} == {call.user_id for call in matching}


def test_processes_that_write_at_once_wait_for_each_other_and_lose_nothing(store: Store) -> None:
    """Each with a connection of its own, as processes have: the same days, in the same order."""

    def write(seed: int) -> None:
        batches = Batches(store.database)
        for entry in some(15, seed):
            batches.write([Change(entry), *map(Change, some(3, seed * 100))])
        batches.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    ledger = Ledger(store)
    calls = rows(ledger)
    assert len(calls) == 3 * 15 * 4
    assert told(ledger.usage(["day", "user"]), "user") == recounted(calls, "user")


def test_old_sums_are_deleted_of_every_dimension(store: Store) -> None:
    batches = Batches(store.database)
    batches.write([Change(entry) for entry in made_up(300, 3, 30, random.Random(1))])
    batches.close()
    while Cleanup(store.database, days=5, usage_days=10).step():
        pass
    with store.database.read() as session:
        oldest = func.min(UsageRollupRow.day)
        days = session.execute(select(UsageRollupRow.dimension, oldest).group_by(UsageRollupRow.dimension)).all()
    kept = (datetime.now(UTC) - timedelta(days=10)).date()
    assert {row[0]: row[1] for row in days} == dict.fromkeys([COLUMNS.get(by, by) for by in DIMENSIONS], kept)
