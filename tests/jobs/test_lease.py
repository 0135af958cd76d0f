"""One process at a time has a lease, whatever clocks do; on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from openrouter_toolkit.jobs import Lease
from openrouter_toolkit.store import MasterKey, Store, StoreUnavailable
from openrouter_toolkit.store.tables import LeaseRow

from ..scale import scaled

SECONDS = 30.0


class Process:
    """A process with a lease of its own and its own monotonic clock, each with another beginning."""

    def __init__(self, store: Store, at: float) -> None:
        self.at = at
        self.lease = Lease(store.database, "test", seconds=SECONDS, clock=lambda: self.at)


@pytest.fixture
def store(fresh_database: str) -> Iterator[Store]:
    with Store.open(fresh_database, master_keys=[MasterKey.fresh()]) as store:
        yield store


@pytest.fixture
def two(store: Store) -> tuple[Process, Process]:
    return Process(store, 1_000.0), Process(store, 5.0)


def test_the_first_gets_it_and_keeps_it_while_it_renews(two: tuple[Process, Process]) -> None:
    first, second = two
    assert first.lease.renew()
    for _ in range(20):
        assert not second.lease.renew()
        assert first.lease.renew()
        for process in two:
            process.at += 6
    assert first.lease.held
    assert not second.lease.held


def test_it_is_taken_over_when_its_time_is_over_and_not_before(two: tuple[Process, Process]) -> None:
    first, second = two
    assert first.lease.renew()
    assert not second.lease.renew(), "from now on it counts"
    for process in two:
        process.at += SECONDS - 1
    assert not first.lease.held, "it gave up earlier than another takes it"
    assert not second.lease.renew()
    second.at += 1
    assert second.lease.renew()
    assert not first.lease.renew()


def test_a_released_one_is_taken_at_once(two: tuple[Process, Process]) -> None:
    first, second = two
    assert first.lease.renew()
    assert not second.lease.renew()
    first.lease.release()
    assert not first.lease.held
    assert second.lease.renew()
    first.lease.release()
    assert second.lease.confirm(), "nobody releases another's"


def test_one_whose_clock_stood_still_learns_that_it_lost_it(two: tuple[Process, Process]) -> None:
    first, second = two
    assert first.lease.renew()
    second.lease.renew()
    second.at += SECONDS  # the machine of the first was suspended meanwhile
    assert second.lease.renew()
    assert first.lease.held, "as far as it knows"
    assert not first.lease.confirm()
    assert not first.lease.held
    assert second.lease.confirm()


def test_names_are_leases_of_their_own_and_a_lost_row_is_made_again(store: Store) -> None:
    ours, other = (Lease(store.database, name) for name in ("ours", "other"))
    assert ours.renew()
    assert other.renew()
    with store.database.write() as session:
        session.execute(delete(LeaseRow))
    assert not ours.confirm()
    assert ours.renew()


def test_without_its_database_it_is_kept_until_its_time_is_over(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("gone") / "store.db"
    with Store.open(f"sqlite:///{path}", master_keys=[MasterKey.fresh()]) as store:
        process = Process(store, 0.0)
        assert process.lease.renew()
        store.close()
        path.write_bytes(b"no database any more, but long enough to be read as one" * 100)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with pytest.raises(StoreUnavailable):
            process.lease.renew()
        assert process.lease.held
        process.at += SECONDS
        assert not process.lease.held


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 20), st.sampled_from(["renew", "renew", "release", "die"]))))
@settings(max_examples=scaled(15, full=1000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.load
def test_never_two_at_once(sqlite: Store, steps: list[tuple[int, float, str]]) -> None:
    """Time passes alike for all; what each does, and when one dies and begins anew, is chosen at random."""
    with sqlite.database.write() as session:
        session.execute(delete(LeaseRow))
    processes = [Process(sqlite, beginning) for beginning in (0.0, 1e6, 77.7)]
    for number, seconds, what in steps:
        for process in processes:
            process.at += seconds
        if what == "die":
            processes[number] = Process(sqlite, processes[number].at)
        elif what == "renew":
            processes[number].lease.renew()
        else:
            processes[number].lease.release()
        assert sum(process.lease.held for process in processes) <= 1


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path_factory.mktemp('lease') / 'store.db'}"
    with Store.open(url, master_keys=[MasterKey.fresh()]) as store:
        yield store
