"""Actions that begin to fail are told once until they recover."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from openrouter_toolkit.health import FailingActions
from openrouter_toolkit.jobs import Stop
from openrouter_toolkit.ledger import Ledger
from openrouter_toolkit.ledger.entry import Entry
from openrouter_toolkit.store import Store

from ..store.conftest import PassTime
from .conftest import both, events

Called = Callable[..., None]
Watch = Callable[[], None]


@pytest.fixture
def called(ledger: Ledger) -> Called:
    """Calls that ended: each with the type of its error, or an empty text."""

    def called(*errors: str, action: str = "WEATHER_NOW") -> None:
        for error in errors:
            ledger.add(Entry(toolkit="WEATHER", action=action, user_id="alice", error_type=error))
        assert ledger.flush()

    return called


@pytest.fixture
def watch(store: Store, ledger: Ledger) -> Watch:
    failing = FailingActions(store, ledger)
    return lambda: failing.run(Stop())


def told(store: Store) -> list[tuple[str, int, int, str]]:
    found = [event for event in events(store) if event["event"] == "call.failing"]
    return [(event["action"], event["in_a_row"], event["failed"], event["error_type"]) for event in found]


@both
def test_several_failures_in_a_row_are_told_once_until_it_recovers(
    store: Store, ledger: Ledger, called: Called, watch: Watch
) -> None:
    called("", "server", "server", "server", "server", "timeout")
    watch()
    assert told(store) == []
    called("server")
    watch()
    assert told(store) == [("WEATHER_NOW", 6, 6, "server")]
    (event,) = events(store)
    newest = ledger.call(event["call_id"])
    assert newest is not None
    assert newest.error_type == "server"
    called("server")
    watch()
    FailingActions(store, ledger).run(Stop())  # another process, which has the lease now
    assert len(told(store)) == 1
    called("")
    watch()
    called(*["server"] * 6)
    watch()
    assert [in_a_row for _, in_a_row, _, _ in told(store)] == [6, 6]


def test_more_than_half_of_the_last_twenty_is_failing_too(store: Store, called: Called, watch: Watch) -> None:
    called(*["server", ""] * 10)
    watch()
    assert told(store) == []
    called("server", "server", "server", "")
    watch()
    assert told(store) == [("WEATHER_NOW", 0, 11, "server")]
    called("", "server")
    watch()
    assert len(told(store)) == 1


def test_what_says_nothing_of_the_action_is_not_counted(store: Store, called: Called, watch: Watch) -> None:
    called(*["invalid_arguments", "not_connected", "cancelled", "refused_by_policy", "unfinished"] * 5)
    watch()
    assert told(store) == []
    called(*["server", "invalid_arguments"] * 6)
    watch()
    assert told(store) == [("WEATHER_NOW", 6, 6, "server")]


def test_each_action_is_looked_at_by_itself(store: Store, called: Called, watch: Watch) -> None:
    for _ in range(6):
        called("server", action="WEATHER_NOW")
        called("", action="WEATHER_LATER")
    watch()
    assert [action for action, *_ in told(store)] == ["WEATHER_NOW"]


def test_an_old_failure_is_not_told_of(store: Store, called: Called, watch: Watch, pass_time: PassTime) -> None:
    called(*["server"] * 6)
    pass_time(timedelta(days=3))
    watch()
    assert told(store) == []
