"""What becomes of the ledger when processes are killed or fork, and when files are full, locked or damaged."""

from __future__ import annotations

import os
import resource
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.ledger import CallEntry, Ledger, entry, running
from openrouter_toolkit.ledger.entry import UNSETTLED, Entry
from openrouter_toolkit.ledger.settling import by_registry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store

from ..scale import scaled
from ..store.processes import Child, Say
from ..timing import PATIENCE, wait_until
from .test_recording import CHAT, KEY, asking, recorded

Work = Callable[[ToolRegistry, Ledger, Say], None]
KILLS = scaled(4, full=50)


@pytest.fixture
def other_process(
    store: Store, openrouter_sandbox: Sandbox, fresh_database: str, master_key: MasterKey
) -> Callable[[Work], Child]:
    """Forks a process that has a store, a ledger and a registry of its own."""

    def work_in(work: Work) -> Child:
        def begin(say: Say) -> None:
            with Store.open(fresh_database, master_keys=[master_key]) as own, Ledger(own) as ledger:
                work(ToolRegistry.from_manifest(accounts=own.for_registry(), ledger=ledger), ledger, say)

        return Child(begin)

    return work_in


def calls_of(store: Store) -> list[CallEntry]:
    return list(Ledger(store).calls(limit=1000).calls)


@pytest.mark.faults
def test_no_paid_call_is_lost_when_a_process_is_killed(
    store: Store, openrouter_sandbox: Sandbox, other_process: Callable[[Work], Child]
) -> None:
    def call_on(registry: ToolRegistry, ledger: Ledger, say: Say) -> None:
        while True:
            registry.execute(CHAT, asking(), user_id="alice")
            say("called")

    for number in range(KILLS):
        with other_process(call_on) as child:
            for _ in range(number + 1):
                assert child.said() == "called"
            child.kill()
    sent = sum(request.path == "/chat/completions" for request in openrouter_sandbox.requests)
    calls = calls_of(store)
    assert sent <= len(calls) <= sent + KILLS, "at most the one that each was killed over was not sent yet"
    assert {(call.billing, call.error_type) for call in calls} <= {("known", None), ("unsettled", "unfinished")}


def test_a_call_that_was_killed_is_settled_by_the_id_of_its_generation(
    store: Store,
    registry: ToolRegistry,
    ledger: Ledger,
    other_process: Callable[[Work], Child],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wait_in_stream(registry: ToolRegistry, ledger: Ledger, say: Say) -> None:
        def wait(_event: object) -> None:
            say("streaming")
            time.sleep(PATIENCE)

        registry.execute(CHAT, asking(stream=True), user_id="alice", on_event=wait)

    with other_process(wait_in_stream) as child:
        assert child.said() == "streaming"
        wait_until(lambda: any(call.generation_id for call in calls_of(store)))
        child.kill()
    (call,) = calls_of(store)
    assert (call.error_type, call.billing) == ("unfinished", "unsettled")
    monkeypatch.setattr(running, "SILENCE", 0)
    wait_until(lambda: ledger.settle(by_registry(registry.execute)) == 1)
    settled = next(one for one in recorded(ledger) if one.action == CHAT)
    assert (settled.id, settled.error_type, settled.billing) == (call.id, "interrupted", "known")
    assert [row.calls for row in ledger.usage(["action"]) if row.key["action"] == CHAT] == [1]


def test_free_calls_are_written_within_a_second_without_being_asked_for(
    store: Store, other_process: Callable[[Work], Child]
) -> None:
    def call(registry: ToolRegistry, ledger: Ledger, say: Say) -> None:
        for _ in range(20):
            registry.execute(KEY, user_id="alice")
        say("called")
        time.sleep(PATIENCE)

    with other_process(call) as child:
        assert child.said() == "called"
        wait_until(lambda: len(calls_of(store)) == 20)
        child.kill()
    assert len(calls_of(store)) == 20


def paid(user: str) -> Entry:
    return Entry(toolkit="OPENROUTER", action=CHAT, user_id=user, billing=UNSETTLED)


def test_a_process_that_forks_has_a_ledger_in_both(store: Store, ledger: Ledger) -> None:
    """Amid other calls: a lock, a connection or a row that both have would show."""

    def work(user: str) -> None:
        for _ in range(20):
            begun = paid(user)
            ledger.begin(begun)
            ledger.finish(begun)
            ledger.add(Entry(toolkit="OPENROUTER", action=KEY, user_id=user))

    def work_and_close(say: Say) -> None:
        work("child")
        ledger.flush(PATIENCE)  # `close` alone waits five seconds, and others write too
        ledger.close()

    work("parent")
    with Child(work_and_close) as one, Child(work_and_close) as other:
        work("parent")
        assert one.rest() == other.rest() == []
    assert ledger.flush(PATIENCE)
    counts = {row.key["user"]: row.calls for row in ledger.usage(["user"])}
    assert counts == {"parent": 80, "child": 80}
    assert len(calls_of(store)) == 160


def test_a_full_disk_refuses_paid_calls_alone(store: Store, other_process: Callable[[Work], Child]) -> None:
    if store.database.shared:
        pytest.skip("the disk is the server's")

    def call(registry: ToolRegistry, ledger: Ledger, say: Say) -> None:
        for limit in (resource.RLIM_INFINITY, 0, resource.RLIM_INFINITY):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            for slug, arguments in ((KEY, {}), (CHAT, asking())):
                say(registry.execute(slug, arguments, user_id="alice").error_type or "fine")

    with other_process(call) as child:
        assert child.rest() == ["fine", "fine", "fine", "ledger_unavailable", "fine", "fine"]
    found = [call.error_type for call in reversed(calls_of(store))]
    assert found == [None, None, None, "ledger_unavailable", None, None]


def running_file(store: Store) -> Path:
    if store.database.shared:
        pytest.skip("SQLite's alone")
    return store.database._path_beside("running")


def test_a_locked_store_delays_rows_and_a_locked_file_of_running_calls_refuses_paid_ones(
    store: Store, registry: ToolRegistry, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = running_file(store)
    assert registry.execute(CHAT, asking(), user_id="alice").successful
    recorded(ledger)
    monkeypatch.setattr(running, "_LOCK_TIMEOUT", 0.1)
    for locked, expected in ((path.with_name("store.db"), None), (path, "ledger_unavailable")):
        lock = sqlite3.connect(locked, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        assert registry.execute(CHAT, asking(), user_id="alice").error_type == expected
        assert registry.execute(KEY, user_id="alice").successful
        lock.close()
    assert [call.error_type for call in recorded(ledger)] == [None, None, None, "ledger_unavailable", None]


@pytest.mark.parametrize("content", [b"no database" * 500, None])
def test_a_file_of_running_calls_that_was_damaged_or_deleted_is_made_again(
    store: Store, registry: ToolRegistry, ledger: Ledger, content: bytes | None
) -> None:
    path = running_file(store)
    assert registry.execute(CHAT, asking(), user_id="alice").successful
    assert ledger.flush()
    ledger.close()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert registry.execute(CHAT, asking(), user_id="alice").successful
    assert len(recorded(ledger)) == 2
    assert os.stat(path).st_mode & 0o077 == 0 or content is not None  # noqa: PTH116


def test_a_clock_that_is_set_back_changes_neither_ids_nor_durations(
    registry: ToolRegistry, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time_ns
    offset = 0
    monkeypatch.setattr(entry, "time_ns", lambda: real() + offset)
    assert registry.execute(CHAT, asking(), user_id="alice").successful
    for seconds in (-5, -3600):
        offset = seconds * 10**9
        assert registry.execute(CHAT, asking(), user_id="alice").successful
    recorded(ledger)
    earlier, first, later = reversed(ledger.calls().calls)
    assert timedelta(minutes=59) < first.at - earlier.at < timedelta(minutes=61), "it follows the clock"
    assert first.id < later.id, "a small step changes no order"
    assert all(0 <= (call.milliseconds or 0) < 60_000 for call in (earlier, first, later))
    monkeypatch.undo()
