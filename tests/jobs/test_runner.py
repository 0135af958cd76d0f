"""Jobs run in one process at a time, again and again; a failing one stops no other; all stop at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from openrouter_toolkit.envelope import ActionError
from openrouter_toolkit.jobs import Job, Runner, Stop
from openrouter_toolkit.store import MasterKey, Store, StoreUnavailable

from ..timing import wait_until

Start = Callable[..., Runner]


@pytest.fixture
def store(fresh_database: str) -> Iterator[Store]:
    with Store.open(fresh_database, master_keys=[MasterKey.fresh()]) as store:
        yield store


@pytest.fixture
def start(store: Store) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(*jobs: Job, seconds: float = 30.0) -> Runner:
            runner = Runner(store.database, jobs, seconds=seconds)
            stack.callback(runner.stop)
            runner.start()
            return runner

        yield start


class Counter:
    def __init__(self, fails: Exception | None = None) -> None:
        self.runs = 0
        self.fails = fails

    def __call__(self, stop: Stop) -> None:
        self.runs += 1
        if self.fails is not None:
            raise self.fails


def test_of_two_one_runs_them_and_the_other_goes_on_when_it_stops(start: Start) -> None:
    ours, theirs = Counter(), Counter()
    first = start(Job("ours", 0.01, ours))
    wait_until(lambda: ours.runs >= 3)
    second = start(Job("theirs", 0.01, theirs), seconds=0.5)
    assert first.active
    assert not second.active
    assert theirs.runs == 0
    first.stop()
    wait_until(lambda: theirs.runs >= 3)
    seen = ours.runs
    assert second.active
    assert not first.active
    assert ours.runs == seen


def test_one_that_was_killed_is_replaced_when_its_time_is_over(start: Start) -> None:
    killed = start(seconds=0.6)
    wait_until(lambda: killed.active)
    killed._stop.set()  # as if its process were gone: the lease is not given back
    killed._wake.set()
    theirs = Counter()
    began = time.monotonic()
    start(Job("theirs", 0.01, theirs), seconds=0.6)
    wait_until(lambda: theirs.runs)
    assert time.monotonic() - began > 0.5


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreUnavailable("The SQLite file store.db can't be used."), "can't be used"),
        (RuntimeError("sk-or-v1-0123456789abcdef0123456789abcdef"), "RuntimeError: [redacted]"),
    ],
)
def test_a_failing_one_is_logged_once_and_stops_no_other(
    start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    monkeypatch.setattr("openrouter_toolkit.jobs.runner._PAUSE_AFTER_FAILURE", 0.01)
    broken, sound = Counter(error), Counter()
    with caplog.at_level(logging.WARNING):
        start(Job("the broken one", 0.01, broken), Job("the sound one", 0.01, sound))
        wait_until(lambda: broken.runs >= 3 and sound.runs >= 3)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("the broken one failed")
    assert told in line
    assert "0123456789" not in line


def test_a_first_run_may_wait(start: Start) -> None:
    later, now = Counter(), Counter()
    start(Job("later", 0.01, later, after=60.0), Job("now", 0.01, now))
    wait_until(lambda: now.runs >= 3)
    assert later.runs == 0


def test_a_slow_one_delays_no_other_and_is_never_run_twice_at_once(start: Start) -> None:
    quick, running, most = Counter(), [0], [0]

    def slow(stop: Stop) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        stop.wait(0.2)
        running[0] -= 1

    start(Job("slow", 0.0, slow), Job("quick", 0.01, quick))
    wait_until(lambda: quick.runs >= 20)
    assert most[0] == 1


def test_they_stop_at_once_with_the_calls_that_they_make(start: Start) -> None:
    ended: list[str] = []
    waiting = threading.Barrier(3)

    def waits(stop: Stop) -> None:
        waiting.wait(10)
        ended.append("waits" if stop.wait(60) else "slept")

    def calls(stop: Stop) -> None:
        with stop.call(60.0) as call:
            waiting.wait(10)
            try:
                call.wait(60)
            except ActionError as error:
                ended.append(error.type)
        with stop.call(60.0) as call:
            ended.append(str(call.ending() and "at once"))

    runner = start(Job("waits", 60, waits), Job("calls", 60, calls))
    waiting.wait(10)
    began = time.monotonic()
    runner.stop()
    assert time.monotonic() - began < 1.5
    assert sorted(ended) == ["at once", "cancelled", "waits"]


def test_one_that_does_not_stop_keeps_the_lease_until_it_runs_out(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openrouter_toolkit.jobs.runner._STOP_TIMEOUT", 0.05)
    begun, over = threading.Event(), threading.Event()

    def deaf(stop: Stop) -> None:
        begun.set()
        over.wait(20)

    runner = start(Job("deaf", 60, deaf))
    begun.wait(10)
    runner.stop()
    assert runner.active
    other = start(seconds=30.0)
    assert not other.active
    over.set()
